"""The steps of a long-term request, for journeys: asking, vouching with the code, giving evidence, deciding."""

import re
from typing import Any

from tests.builders import RULES
from tests.journeys.world import Seat, World, until

SITE, MAILBOX = "ZZ901", "admin.riverside@nhs.example"
ANSWERS = {
    "place": "HMP Northfield. No mobile phones or personal devices are allowed beyond the gate.",
    "share": "Four days of five, until the contract ends in March 2028.",
    "risk": "A stolen password would be enough to sign in. Sign-in is limited to the site's own network.",
    "replacement": "Hardware keys, once the governor allows them inside.",
    "replacement_by": "31 March 2028",
}


def reference_in(text: str) -> str:
    return references_in(text)[0]


def references_in(text: str) -> list[str]:
    """Each one once, in the order of the text."""
    return list(dict.fromkeys(re.findall(r"MFA-\w{4}-\w{4}", text)))


async def ask(seat: Seat, *, whom: str = "chidi.okafor@nhs.example", site: str = SITE) -> str:
    """Asks for a colleague, and gives the reference."""
    return (await ask_for_several(seat, whom, site=site))[0]


async def ask_for_several(seat: Seat, *whom: str, site: str = SITE) -> list[str]:
    """Asks for colleagues who have the same ground, and gives the references, in the same order."""
    await seat.say("long")
    await seat.press("For a colleague")
    for number, one in enumerate(whom):
        if number:
            await seat.press("Add another colleague")
        await seat.press("Continue", person=one)
    await seat.press("That is everybody")
    return references_in(await sent_from_site_on(seat, site))


async def from_site_on(seat: Seat, site: str = SITE) -> str:
    return reference_in(await sent_from_site_on(seat, site))


async def sent_from_site_on(seat: Seat, site: str = SITE) -> str:
    """Answers the rest and sends it; gives what is shown then."""
    assert "which site" in str(seat.shown).lower()
    await seat.press("Continue", site=site)
    await seat.press("Continue", reason="secure_location")
    no_phones = "No phones are allowed inside"
    await seat.press("Continue", tried_app=no_phones, tried_text=no_phones, tried_call="No telephone on the wing")
    for _ in RULES.remedies:
        await seat.press("It does not help", words="It is not allowed inside either")
    await seat.press("Continue", since="March 2026")
    return await seat.press("Send request")


async def code_for(world: World, reference: str, mailbox: str = MAILBOX, number: int = 1) -> str:
    """The code in the newest e-mail to the shared mailbox, when `number` of them have come."""

    async def newest() -> Any:
        mails = await world.sandbox("GET", "mail")
        mine = [mail for mail in mails if mail["to"] == [mailbox] and reference in mail["subject"]]
        return mine[-1] if len(mine) >= number else None

    mail = await until(newest)
    code: str = re.findall(r"\d{4}-\d{4}", mail["body"])[0]
    return code


async def vouch(world: World, owner: Seat, reference: str) -> str:
    """Opens the evidence with the code; gives what is then shown."""
    code = await code_for(world, reference)
    await owner.say(f"evidence {reference}")
    return await owner.press("Continue", code=code)


async def answer_all(owner: Seat, answers: dict[str, str] = ANSWERS) -> None:
    await owner.press("Answer the next one")
    for answer in answers.values():
        await owner.press("Save", answer=answer)


async def give(world: World, owner: Seat, reference: str) -> None:
    assert "0 of 5 answered" in await vouch(world, owner, reference)
    await answer_all(owner)
    assert "Sent to the helpdesk" in await owner.press("Send to the helpdesk", statement="true")


async def approve(agent: Seat, reference: str, days: str = "180") -> None:
    await agent.say(f"review {reference}")
    await agent.press("Approve")
    await agent.press("Approve", days=days)


async def granted(world: World, *, whom: str = "chidi.okafor@nhs.example") -> tuple[str, Seat, Seat, Seat]:
    """A long-term exception that is on: its reference, who asked, the owner and the agent."""
    bilal, helen, agent = world.seat("Bilal Hussain"), world.seat("Helen Marsh"), world.seat(world.agent)
    await helen.say("hi")
    reference = await ask(bilal, whom=whom)
    await give(world, helen, reference)
    await approve(agent, reference)
    await until(lambda: "is on until" in bilal.all_text)
    return reference, bilal, helen, agent
