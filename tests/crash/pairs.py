"""Two people decide on the same request at the same moment, on two processes: one wins, and everybody knows it."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import psycopg

from sandbox.tenant import DEFAULT_FILE
from tests.builders import POLICY_FILE
from tests.crash.grounds import Grounds
from tests.crash.journeys import LONG_ENOUGH, reference_of
from tests.crash.run import PatientSeat, Run
from tests.journeys.world import text_of, until

AT_ONCE = 20
"""Requests that are made ready together; their pairs then decide one after the other."""
NOT_CHANGED = "nothing was changed"
DECISIONS = ("approved", "rejected", "withdrawn", "ending")


@dataclass(frozen=True)
class Pair:
    """What two people type; `{words}` is what this one says about it."""

    one: str
    two: str
    by_subject: bool = False
    """The second one is the subject, and not an agent."""
    on: bool = False
    """The exception is already on."""


PAIRS = (
    Pair("approve {reference} called back", "reject {reference} {words}"),
    Pair("approve {reference} called back", "approve {reference} called back"),
    Pair("reject {reference} {words}", "reject {reference} {words}"),
    Pair("reject {reference} {words}", "withdraw {reference}", by_subject=True),
    Pair("revoke {reference} {words}", "end {reference}", by_subject=True, on=True),
    Pair("revoke {reference} {words}", "revoke {reference} {words}", on=True),
)
_SAYS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn", "revoke": "ending", "end": "ending"}


def write_tenant(path: Path, people: int) -> Path:
    """The usual tenant and this many more people."""
    more = [
        f'\n[[users]]\nid = "{_id(number)}"\nname = "Person {number:04d}"\nupn = "person.{number:04d}@nhs.example"\n'
        'methods = ["password", "phone"]\n'
        for number in range(people)
    ]
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    users = list(re.finditer(r"^\[\[users\]\]", text, re.M))
    at = users[0].start()
    path.write_text(text[:at] + "".join(more).lstrip() + "\n" + text[at:], encoding="utf-8")
    return path


def write_policy(path: Path) -> Path:
    """The usual policy, in which agents may approve as fast as this test does."""
    text, times = re.subn(r"(?m)^approvals_per_hour = \d+$", "approvals_per_hour = 100000", POLICY_FILE.read_text())
    assert times == 1
    path.write_text(text, encoding="utf-8")
    return path


def _id(number: int) -> str:
    return f"0f6a5c11-3b7d-4e2a-9c48-9{number:011d}"


@dataclass
class Race:
    """One pair, and what came of it."""

    pair: Pair
    subject: PatientSeat
    two: tuple[PatientSeat, PatientSeat]
    reference: str = ""
    told: tuple[str, str] = ("", "")
    """What each of the two read as the answer."""

    @property
    def typed(self) -> tuple[str, str]:
        return self.pair.one, self.pair.two

    def words(self, number: int) -> str:
        return f"Words of {'AB'[number]} on {self.reference}"


async def raced(grounds: Grounds, number: int, progress: Callable[[int], None] = lambda _: None) -> list[str]:
    """Everything that is wrong after this many pairs, a sentence each."""
    lane = await grounds.lanes.get()
    wrong: list[str] = []
    try:
        async with Run(grounds, lane, replicas=2) as run:
            agents = [user.name for user in run.tenant.users if "helpdesk" in user.groups][:2]
            one, two = run.seat(agents[0]), run.seat(agents[1])
            pairs = itertools.islice(itertools.cycle(PAIRS), number)
            races = [
                Race(pair, subject, (one, subject if pair.by_subject else two))
                for pair, subject in zip(pairs, (run.seat(f"Person {n:04d}") for n in range(number)), strict=True)
            ]
            for start in range(0, number, AT_ONCE):
                some = races[start : start + AT_ONCE]
                await _made_ready(run, some)
                for turn, race in enumerate(some, start // AT_ONCE):
                    race.told = await _race(run, race, held=bool(turn % 2))
                await until(run.nothing_waits, LONG_ENOUGH)
                wrong += await _wrong(run, some)
                progress(start + len(some))
                run.connector.calls.clear()  # what was said of these pairs is checked, and costs time to look through
    finally:
        grounds.lanes.put_nowait(lane)
    return wrong


async def _made_ready(run: Run, races: Sequence[Race]) -> None:
    async def asked(race: Race) -> None:
        await race.subject.say("I lost my phone")
        await race.subject.press("For me")
        race.reference = reference_of(await race.subject.press("Send request"))

    await asyncio.gather(*map(asked, races))
    for race in races:
        if race.pair.on:
            await race.two[0].say(f"approve {race.reference} called back")
    await until(run.nothing_waits, LONG_ENOUGH)


async def _race(run: Run, race: Race, *, held: bool) -> tuple[str, str]:
    """Both type at once, each on a replica of their own; all that each then reads.

    `held`: neither may decide before both have gathered their facts, so that both decide on the same state.
    """
    before = len(run.connector.sent)

    async def typed(number: int) -> None:
        words = race.typed[number].format(reference=race.reference, words=race.words(number))
        answer = await run.post_to(run.ports[number], run.teams.message(words, race.two[number].person))
        assert answer.status == 200, answer.text

    async with _both_wait(run, race.reference) if held else nullcontext():
        both = asyncio.gather(typed(0), typed(1))
    await both
    return _read(run, race.two[0], before), _read(run, race.two[1], before)


@asynccontextmanager
async def _both_wait(run: Run, reference: str) -> AsyncIterator[None]:
    """Holds the request's row until two wait for it; whoever is begun within decides only afterwards."""
    async with await psycopg.AsyncConnection.connect(run.database) as holder:
        await holder.execute("SELECT FROM requests WHERE reference = %s FOR UPDATE", (reference,))
        yield
        await until(lambda: _waiting(run), LONG_ENOUGH)


async def _waiting(run: Run) -> bool:
    return await run.count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= 2


def _read(run: Run, seat: PatientSeat, since: int = 0) -> str:
    """Everything that was ever shown in somebody's chat, also what another card has taken the place of."""
    calls = run.connector.sent[since:]
    return "\n".join(text_of(call.activity) for call in calls if call.conversation_id == seat.person.chat_id)


async def _wrong(run: Run, races: Sequence[Race]) -> list[str]:
    """Compares what each was told with the audit, the audit with Entra, and Entra with what the subject was told."""
    members = await run.members()
    async with await psycopg.AsyncConnection.connect(run.database) as book:
        found = await book.execute(
            "SELECT reference, what, by_id FROM audit WHERE what = ANY(%s) ORDER BY id", (list(DECISIONS),)
        )
        audit = await found.fetchall()
        found = await book.execute("SELECT reference, state FROM requests")
        states = {str(row[0]): str(row[1]) for row in await found.fetchall()}
    wrong = []
    for race in races:
        decided = [(what, by) for reference, what, by in audit if reference == race.reference]
        decided = decided[1:] if race.pair.on else decided
        winners = [number for number in (0, 1) if NOT_CHANGED not in race.told[number]]
        try:
            member, state = race.subject.person.entra_id in members, states[race.reference]
            _check(race, decided, winners, member, state, _read(run, race.subject))
        except AssertionError as error:
            wrong.append(f"{race.pair} {race.reference}: {error}; told {race.told}; audit {decided}")
    return wrong


def _check(
    race: Race, decided: Sequence[tuple[str, str]], winners: Sequence[int], member: bool, state: str, subject: str
) -> None:
    assert len(winners) == 1, f"{len(winners)} were told that they won"
    (winner,) = winners
    expected = (_SAYS[race.typed[winner].split()[0]], race.two[winner].person.entra_id)
    assert list(decided) == [expected], "the audit says otherwise than the winner was told"
    on = expected[0] == "approved"
    assert member is on, f"Entra says {member}"
    assert state == {"approved": "active", "ending": "ended"}.get(expected[0], expected[0]), f"the state is {state}"
    assert ("Your MFA exception is on until" in subject) is (on or race.pair.on), (
        "the subject was told otherwise about the grant"
    )
    assert ("Your MFA exception has ended" in subject) is (expected[0] == "ending"), (
        "the subject was told otherwise about the end"
    )
    for number in (0, 1):
        said = "{words}" in race.typed[number] and number == winner
        assert (race.words(number) in subject) is said, f"the subject was told otherwise about {race.words(number)}"
