"""The journeys that are lived through with crashes: from the first word until nothing is left to do."""

import re
from collections.abc import Awaitable, Callable, Mapping

from tests.crash.run import PatientSeat, Run
from tests.journeys import long_term
from tests.journeys.world import Seat, until

LONG_ENOUGH = 60
"""Seconds in which what was wanted has happened, also after some crashes."""


async def _ask(run: Run, seat: PatientSeat) -> str:
    await seat.say("I lost my phone")
    await seat.press("For me")
    await seat.press("Send request")
    reference = reference_of(await seat.say("my requests"))
    await until(lambda: reference in run.in_channel(), LONG_ENOUGH)
    await _settled(run)
    return reference


async def _settled(run: Run) -> None:
    """People take their time: whatever was wanted has happened before they go on."""
    await until(run.nothing_waits, LONG_ENOUGH)


def reference_of(text: str) -> str:
    found = re.search(r"MFA-\w{4}-\w{4}", text)
    assert found, f"no reference in: {text}"
    return found[0]


async def _shown(run: Run, seat: Seat, words: str) -> None:
    try:
        await until(lambda: words in seat.all_text, LONG_ENOUGH)
    except TimeoutError:
        raise AssertionError(f"{seat.person.name} never saw “{words}”, but: {seat.all_text[-2000:]}") from None
    await _settled(run)


async def ended_early(run: Run) -> None:
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    reference = await _ask(run, anna)
    await agent.say(f"review {reference}")
    await agent.press("Approve")
    await agent.press("Approve for 24 hours", verification="call_back", ticket="INC123")
    await _shown(run, anna, "is on until")
    await anna.say(f"end {reference}")
    await _shown(run, anna, "has ended")


async def rejected(run: Run) -> None:
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    reference = await _ask(run, anna)
    await agent.say("queue")
    await agent.say(f"reject {reference} The caller could not be verified")
    await _shown(run, anna, "The caller could not be verified")


async def with_a_caller(run: Run) -> None:
    agent = run.seat(run.agent)
    await agent.say("caller lost their phone")
    await agent.say("chidi.okafor@nhs.example")
    await agent.say("called back, ticket INC77")
    await agent.say("grant")
    await _shown(run, agent, "Exception is on")
    await until(lambda: run.mail_to("chidi.okafor@nhs.example"), LONG_ENOUGH)


async def expires(run: Run) -> None:
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    reference = await _ask(run, anna)
    await agent.say(f"approve {reference} called back")
    await _shown(run, anna, "is on until")
    await run.advance("PT20H")
    await _shown(run, anna, "Your MFA exception ends in")
    await until(run.accounts_looked_at, LONG_ENOUGH)
    await run.advance("PT5H")
    await _shown(run, anna, "has ended")


async def long(run: Run) -> None:
    bilal, helen, agent = run.seat("Bilal Hussain"), run.seat("Helen Marsh"), run.seat(run.agent)
    await helen.say("hi")
    reference = await long_term.ask(bilal)
    await _settled(run)
    await _code_accepted(run, helen, reference)
    await helen.press("Files")
    await helen.send_files(run.files.put("letter.pdf", b"%PDF-1.7\nA letter\n%%EOF"))
    await helen.press("Back to the list")
    await long_term.answer_all(helen)
    await helen.press("Send to the helpdesk", statement="true")
    await _settled(run)
    await long_term.approve(agent, reference)
    await _shown(run, bilal, "is on until")
    await bilal.say(f"end {reference}")
    await _shown(run, bilal, "has ended")


async def together(run: Run) -> None:
    bilal, helen = run.seat("Bilal Hussain"), run.seat("Helen Marsh")
    await helen.say("hi")
    await long_term.ask(bilal)
    await _settled(run)
    await long_term.ask_for_several(bilal, "zoe.fernandez-wojcik@nhs.example", "john.smith14@nhs.example")
    await _settled(run)
    await run.advance("PT6M")
    await _shown(run, helen, "Evidence is needed for 2 people")
    await until(lambda: _all_mailed(run, "imran.sheikh@nhs.example", 3), LONG_ENOUGH)
    await _settled(run)


async def _all_mailed(run: Run, address: str, number: int) -> bool:
    """A crash between an e-mail and its mark sends it again, so there may be more."""
    mails = await run.sandbox("GET", "mail")
    return len({mail["subject"] for mail in mails if mail["to"] == [address]}) == number


async def _code_accepted(run: Run, owner: Seat, reference: str) -> None:
    """A crash between the code and its e-mail makes another code, and only the newest one counts."""
    await owner.say(f"evidence {reference}")
    await owner.press("Continue", code=await long_term.code_for(run, reference))


Journey = Callable[[Run], Awaitable[None]]
JOURNEYS: Mapping[str, Journey] = {
    "ended early": ended_early,
    "rejected": rejected,
    "with a caller": with_a_caller,
    "expires": expires,
    "long": long,
    "together": together,
}
