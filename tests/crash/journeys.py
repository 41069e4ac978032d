"""The journeys that are lived through with crashes: from the first word until nothing is left to do."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sandbox.tenant import ConditionalAccess
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
    await _granted(run, anna, agent)
    await run.advance("PT20H")
    await _shown(run, anna, "Your MFA exception ends in")
    await until(run.accounts_looked_at, LONG_ENOUGH)
    await run.advance("PT5H")
    await _shown(run, anna, "has ended")


async def proved(run: Run) -> None:
    """With an end in Entra, proof by What If, and signing out at both ends."""
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    reference = await _ask(run, anna)
    run.begin()
    await agent.say(f"approve {reference} called back")
    await _shown(run, anna, "is on until")
    await run.advance("PT25H")
    await _shown(run, anna, "has ended")


async def proved_late(run: Run) -> None:
    """The policy does not leave the group out, until the helpdesk's channel has heard of it and somebody mends it."""
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    await until(run.compared, LONG_ENOUGH)
    await run.sandbox("POST", "conditional-access", {"exclude_groups": ["exempt_long"]})
    reference = await _ask(run, anna)
    run.begin()
    await agent.say(f"approve {reference} called back")
    await until(lambda: "takes longer than usual" in run.in_channel(), LONG_ENOUGH)
    for _ in range(2):  # in two steps, each shorter than the time after which a grant is started again
        tried = await run.troubles()
        await run.advance("PT9M")
        await until(lambda tried=tried: _more_than(run, tried), LONG_ENOUGH)  # type: ignore[misc]
    await until(lambda: "Problem: granting does not work for Anna Baker" in run.in_channel(), LONG_ENOUGH)
    await run.sandbox("POST", "conditional-access", {"exclude_groups": ["exempt_short", "exempt_long"]})
    await _shown(run, anna, "is on until")


async def _more_than(run: Run, tried: int) -> bool:
    return await run.troubles() > tried


async def refused(run: Run) -> None:
    """Somebody tries for an administrator: the helpdesk's channel hears of it."""
    await run.seat("Anna Baker").say("gareth.lloyd@nhs.example lost his phone")
    await until(lambda: "account with administrator rights" in run.in_channel(), LONG_ENOUGH)
    await _settled(run)


async def revoked(run: Run) -> None:
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    await _granted(run, anna, agent)
    run.begin()
    reference = reference_of(anna.all_text)
    await agent.say(f"revoke {reference} The phone was found")
    await _shown(run, anna, "The phone was found")


async def put_right(run: Run) -> None:
    """Entra and the book differ both ways, and somebody of the helpdesk settles each."""
    anna, agent = run.seat("Anna Baker"), run.seat(run.agent)
    in_channel = run.seat(run.agent, run.channel)
    await _granted(run, anna, agent)
    run.begin()
    await run.change_members("Anna Baker", "remove")
    await run.change_members("Bilal Hussain", by="Sam Price")
    await run.advance("PT1H")
    for words, button in (("Exempt without a decision", "Remove"), ("On, but not in the group", "Put back")):
        await until(lambda words=words: words in run.in_channel(), LONG_ENOUGH)  # type: ignore[misc]
        card_id, card = run.card_in_channel(words)
        await in_channel.press(button, card_id=card_id, card=card)
    await until(lambda: run.members_are({anna.person.entra_id}), LONG_ENOUGH)
    await _settled(run)


async def _granted(run: Run, seat: PatientSeat, agent: PatientSeat) -> str:
    reference = await _ask(run, seat)
    await agent.say(f"approve {reference} called back")
    await _shown(run, seat, "is on until")
    return reference


async def long(run: Run) -> None:
    bilal, helen, agent = run.seat("Bilal Hussain"), run.seat("Helen Marsh"), run.seat(run.agent)
    reference = await _vouched_for(run, bilal, helen)
    await helen.press("Files")
    await helen.send_files(run.files.put("letter.pdf", b"%PDF-1.7\nA letter\n%%EOF"))
    await helen.press("Back to the list")
    await _given(run, helen)
    await long_term.approve(agent, reference)
    await _shown(run, bilal, "is on until")
    await bilal.say(f"end {reference}")
    await _shown(run, bilal, "has ended")


async def sent_back(run: Run) -> None:
    bilal, helen, agent = run.seat("Bilal Hussain"), run.seat("Helen Marsh"), run.seat(run.agent)
    reference = await _vouched_for(run, bilal, helen)
    await _given(run, helen)
    run.begin()
    await agent.say(f"ask {reference} Which wing is it?")
    await _shown(run, helen, "Which wing is it?")
    await helen.say(f"evidence {reference}")
    await helen.say("change")
    await helen.say("1")
    await helen.say("HMP Northfield, wing C. No mobile phones are allowed beyond the gate.")
    await helen.say("I confirm")
    await _settled(run)
    await agent.say(f"reject {reference} The wing has a fixed telephone")
    await _shown(run, bilal, "The wing has a fixed telephone")
    await _shown(run, helen, "The wing has a fixed telephone")


async def renewed(run: Run) -> None:
    bilal, helen, agent = run.seat("Bilal Hussain"), run.seat("Helen Marsh"), run.seat(run.agent)
    reference = await _vouched_for(run, bilal, helen)
    await _given(run, helen)
    await long_term.approve(agent, reference)
    await _shown(run, bilal, "is on until")
    await run.advance("P150D")
    await _shown(run, helen, "renew it now")
    run.begin()
    await bilal.say(f"renew {reference}")
    await bilal.press("Send request")
    await _settled(run)
    found = long_term.references_in(await bilal.say("my requests"))
    (renewal,) = [one for one in found if one != reference]
    await _code_accepted(run, helen, renewal)
    await _given(run, helen)
    await long_term.approve(agent, renewal)
    await until(lambda: run.count(f"requests WHERE reference = '{renewal}' AND state = 'active'"), LONG_ENOUGH)
    await _settled(run)
    await run.advance("P181D")
    await _shown(run, bilal, "has ended")
    # The evidence of the first one is due to be deleted by then, too, and may be found later.
    await until(lambda: run.count(f"requests WHERE reference = '{reference}' AND purged_at IS NOT NULL"), LONG_ENOUGH)


async def lapsed(run: Run) -> None:
    bilal, helen = run.seat("Bilal Hussain"), run.seat("Helen Marsh")
    await helen.say("hi")
    await long_term.ask(bilal)
    await _settled(run)
    run.begin()
    await run.advance("P28DT1M")
    await _shown(run, bilal, "has lapsed")
    await _shown(run, helen, "has lapsed")
    await run.advance("P91D")
    await until(run.purged, LONG_ENOUGH)
    await _settled(run)


async def _vouched_for(run: Run, asking: PatientSeat, owner: PatientSeat) -> str:
    await owner.say("hi")
    reference = await long_term.ask(asking)
    await _settled(run)
    await _code_accepted(run, owner, reference)
    return reference


async def _given(run: Run, owner: PatientSeat) -> None:
    await long_term.answer_all(owner)
    await owner.press("Send to the helpdesk", statement="true")
    await _settled(run)


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


@dataclass(frozen=True)
class Journey:
    live: Callable[[Run], Awaitable[None]]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Besides the usual ones of the program."""


PROVED = {"EXEMPTION_WAY": "pim", "MFA_POLICY_ID": ConditionalAccess().policy, "REVOKE_SESSIONS": "yes"}
JOURNEYS: Mapping[str, Journey] = {
    "ended early": Journey(ended_early),
    "rejected": Journey(rejected),
    "with a caller": Journey(with_a_caller),
    "expires": Journey(expires),
    "proved": Journey(proved, PROVED),
    "proved late": Journey(proved_late, {"MFA_POLICY_ID": ConditionalAccess().policy}),
    "refused": Journey(refused),
    "revoked": Journey(revoked),
    "put right": Journey(put_right),
    "long": Journey(long),
    "sent back": Journey(sent_back),
    "renewed": Journey(renewed),
    "lapsed": Journey(lapsed),
    "together": Journey(together),
}
