"""Whatever anybody does in whatever order: nobody is exempt without what the guide asks for, or for longer."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import (
    Approve,
    Ask,
    Command,
    ConfirmEnd,
    ConfirmGrant,
    ConfirmPurge,
    EndEarly,
    GiveCode,
    GiveEvidence,
    IssueCode,
    PutBack,
    Reject,
    ReportTrouble,
    Revoke,
    SeeAccount,
    SendBack,
    SendCode,
    StillNeeded,
    Tick,
    Withdraw,
)
from domain.decisions import decide
from domain.effects import Grant
from domain.errors import Refusal
from domain.events import What
from domain.outcome import Facts
from domain.people import Person
from domain.request import OPEN, Answer, Request, State
from tests.builders import (
    AGENT,
    ANSWERS,
    ASKER,
    LONG,
    OTHER_AGENT,
    OTHER_OWNER,
    OWNER,
    POLICY,
    RIGHT_DIGEST,
    SITE,
    STRANGER,
    SUBJECT,
    account,
    facts,
)

PEOPLE = st.sampled_from([SUBJECT, ASKER, OWNER, OTHER_OWNER, AGENT, OTHER_AGENT, STRANGER])
GROUPS = {
    AGENT: frozenset({"helpdesk"}),
    OTHER_AGENT: frozenset({"helpdesk", "leads"}),
    ASKER: frozenset({"helpdesk"}),  # also works at the helpdesk, and may still not decide on what they asked for
    OWNER: frozenset({"helpdesk"}),
}
ACCOUNTS = st.sampled_from([account(), account(), account(), account(enabled=False), account(privileged=True), None])
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Approve, PEOPLE, days=st.sampled_from([None, 1, 90, 180, 181])),
    st.builds(Reject, PEOPLE, st.just("No")),
    st.builds(SendBack, PEOPLE, st.just("What?")),
    st.builds(Withdraw, PEOPLE),
    st.builds(EndEarly, PEOPLE),
    st.builds(StillNeeded, PEOPLE),
    st.builds(Revoke, PEOPLE, st.just("Enough")),
    st.builds(PutBack, PEOPLE),
    st.builds(SendCode, PEOPLE),
    st.builds(GiveCode, PEOPLE),
    st.builds(GiveCode, st.just(OWNER)),
    st.builds(GiveEvidence, PEOPLE, st.booleans()),
    st.builds(GiveEvidence, st.just(OWNER), st.just(True)),
    st.builds(Approve, st.just(AGENT)),
    st.just(IssueCode("00", RIGHT_DIGEST, 1)),
    st.just(ConfirmGrant()),
    st.just(ConfirmEnd()),
    st.just(ReportTrouble("503", 3)),
    st.builds(SeeAccount, ACCOUNTS),
    st.just(ConfirmPurge()),
    st.just(Tick()),
)
HOURS = st.sampled_from([0, 0, 0, 1, 24, 24 * 30])
SETS = st.sampled_from([ANSWERS, ANSWERS, ANSWERS, {}, {"place": "x"}])
DIGESTS = st.sampled_from([RIGHT_DIGEST, RIGHT_DIGEST, "wrong"])
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@dataclass
class Life:
    """A request, and what was seen to happen to it."""

    request: Request
    happened: list[What] = field(default_factory=list)
    vouched: set[str] = field(default_factory=set)
    """The Entra ids of those whose code was right."""

    def do(self, command: Command, known: Facts, now: datetime) -> None:
        try:
            decision = decide(self.request, command, known, POLICY, now)
        except Refusal:
            return
        for event in decision.events:
            self.happened.append(event.what)
            if event.what is What.CODE_ACCEPTED:
                assert known.code_digest == RIGHT_DIGEST
                self.vouched.add(event.by)
            if event.what in (What.APPROVED, What.REJECTED, What.SENT_BACK):
                self.check_decider(event.by)
        if any(isinstance(effect, Grant) for effect in decision.effects):
            assert What.APPROVED in self.happened
        self.request = replace(decision.request, version=self.request.version + 1)

    def check_decider(self, decider: str) -> None:
        assert decider in {person.id for person in GROUPS}
        giver = self.request.giver
        assert decider not in {SUBJECT.id, ASKER.id, giver.id if giver else ""}

    def check(self, now: datetime) -> None:
        one = self.request
        if one.state in (State.GRANTING, State.ACTIVE):
            assert one.given is not None
            assert one.given.by.id in self.vouched
            assert one.given.by.id != SUBJECT.id
            assert What.EVIDENCE_GIVEN in self.happened
            assert one.decided is not None
            assert one.decided.approved
        if one.starts_at and one.ends_at:
            assert timedelta(0) < one.ends_at - one.starts_at <= LONG.duration
        if one.state in OPEN:
            assert one.next_due is not None, "an open request is never forgotten"
        if one.state is State.ACTIVE:
            assert one.next_due is not None
            assert one.next_due <= (one.ends_at or now)


@settings(max_examples=400, deadline=None)
@given(MOMENTS, st.lists(st.tuples(COMMANDS, HOURS, SETS, DIGESTS, ACCOUNTS), max_size=40))
def test_nobody_is_exempt_without_a_right_code_evidence_and_a_decision(
    moment: datetime, steps: list[tuple[Command, int, dict[str, str], str, object]]
) -> None:
    ask = Ask(by=ASKER, subject=SUBJECT, kind="long", reason="secure_location", site=SITE, tried=(Answer("app", "No"),))
    life = Life(decide(None, ask, facts(), POLICY, moment).request)
    now = moment
    for command, hours, answers, digest, seen in steps:
        now += timedelta(hours=hours)
        by: Person | None = getattr(command, "by", None)
        groups = GROUPS.get(by, frozenset()) if by else frozenset()
        known = facts(account=seen, answers=answers, code_digest=digest, groups=groups)
        life.do(command, known, now)
        life.check(now)
        while life.request.next_due is not None and life.request.next_due <= now and life.request.is_open:
            before = life.request
            life.do(Tick(), facts(), now)
            life.check(now)
            if life.request.state in (State.GRANTING, State.ENDING) or life.request.next_due == before.next_due:
                break
        assert life.request.state is not State.ACTIVE or life.request.ends_at is None or now < life.request.ends_at
