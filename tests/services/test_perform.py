"""Effects in Entra, with a book and an Entra of ten lines each: what is asked of Entra, in which state, how often."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from cards.mail_layout import Mail
from domain.commands import Command, ConfirmEnd, ConfirmGrant, ReportTrouble
from domain.decisions import decide
from domain.effects import (
    END,
    START,
    Alarm,
    Audience,
    Effect,
    End,
    Grant,
    Notice,
    Refresh,
    RevokeSessions,
    ShowHelpdesk,
    Tell,
    TellTogether,
    Warn,
    WriteToMailbox,
)
from domain.errors import NotPermitted, PutOff, Trouble, Unproved, Unreachable
from domain.events import Event, What
from domain.people import Person
from domain.request import Cause, Closing, Request, State
from services.book import Copy, Entry, Waiting
from services.chat import Address, Scope, Sent
from services.deliver import MOST_TRIES
from services.going_out import mailer_that_counts, messenger_that_counts
from services.lateness import count_reminder
from services.once import BEFORE_THE_REPEAT
from services.perform import Perform
from services.tell_together import TellsTogether
from tests.builders import (
    AGENT,
    NOON,
    OTHER_AGENT,
    OTHER_OWNER,
    OWNER,
    POLICY,
    SITE,
    SUBJECT,
    facts,
    long_request,
    request,
)

DAY = timedelta(hours=24)


@dataclass
class World:
    """Everything that these effects touch, as lists of what happened."""

    requests: list[Request]
    shows: bool = True
    """Whether Entra, read again, shows what was asked of it."""
    proof: Trouble | None = None
    sign_out: Trouble | None = None
    meanwhile: State | None = None
    """What the first request has become elsewhere when Entra adds its subject."""
    members: set[str] = field(default_factory=set)
    until: dict[str, datetime] = field(default_factory=dict)
    said: list[Command] = field(default_factory=list)
    recorded: list[Event] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    gone_out: Counter[str] = field(default_factory=Counter)
    """How often each notice may have gone out."""
    noted: list[tuple[str, timedelta]] = field(default_factory=list)
    """What was late, and by how much."""
    policy = POLICY

    def now(self) -> datetime:
        return NOON

    @property
    def clock(self) -> "World":
        return self

    async def request(self, reference: str) -> Request | None:
        return next((one for one in self.requests if one.reference == reference), None)

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]:
        return tuple(one for one in self.requests if one.is_open and one.subject.id == subject_id)

    async def held_by(self, request: Request, now: datetime) -> str:
        holding = (State.GRANTING, State.ACTIVE)
        others = [one for one in self.requests if one.reference != request.reference and one.state in holding]
        return others[0].reference if others and others[0].group_id == request.group_id else ""

    async def entries(self, reference: str) -> tuple[Entry, ...]:
        return tuple(Entry(NOON, reference, one.what.value, "", "", "", dict(one.details)) for one in self.recorded)

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        if self.shows:
            self.members.add(entra_id)
        self.until[reference] = until
        if self.meanwhile:
            self.requests[0] = replace(self.requests[0], state=self.meanwhile)

    async def remove(self, group: str, entra_id: str) -> None:
        if self.shows:
            self.members.discard(entra_id)

    async def contains(self, group: str, entra_id: str) -> bool:
        return entra_id in self.members

    async def not_asked(self, entra_id: str) -> None:
        if self.proof:
            raise self.proof

    async def revoke(self, entra_id: str) -> None:
        self.signed_out.append(entra_id)
        if self.sign_out:
            raise self.sign_out

    async def __call__(self, reference: str, command: Command) -> Request:
        self.said.append(command)
        return next(one for one in self.requests if one.reference == reference)

    async def record(self, reference: str, event: Event) -> None:
        self.recorded.append(event)

    async def going_out(self, keys: Sequence[str]) -> None:
        self.gone_out.update(keys)

    async def not_sent(self, keys: Sequence[str]) -> None:
        self.gone_out.subtract(keys)

    async def answers(self, at: Any = None) -> None: ...

    def late(self, what: str, by: timedelta) -> None:
        self.noted.append((what, by))

    def perform(self, *, proof: bool = True, sessions: bool = True) -> Perform:
        parts: dict[str, Any] = {part.name: self for part in fields(Perform)}
        return Perform(**parts | {"proof": self if proof else None, "sessions": self if sessions else None})


ONE = request(State.GRANTING)
CHANNEL = Address("https://teams/", "", "tenant", "28:bot", Scope.CHANNEL, "19:channel")


async def test_a_grant_is_confirmed_when_it_is_read_back_and_proved() -> None:
    world = World([ONE])
    await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.said == [ConfirmGrant()]
    assert world.until == {ONE.reference: NOON + DAY}


@pytest.mark.parametrize(
    ("change", "proof"), [({"shows": False}, True), ({"shows": False}, False), ({"proof": Unproved("Not yet")}, True)]
)
async def test_a_grant_that_is_not_proved_is_reported_and_never_confirmed(change: dict[str, Any], proof: bool) -> None:
    world = World([ONE], **change)
    with pytest.raises(Unproved) as unproved:
        await world.perform(proof=proof)(Grant(ONE.reference, SUBJECT.id), 4)
    assert world.said == [ReportTrouble(unproved.value.message, 5, unproved=True)]


async def test_what_if_that_fails_is_other_trouble_and_no_proof() -> None:
    world = World([ONE], proof=Trouble("Graph answered 503"))
    with pytest.raises(Trouble):
        await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.said == [ReportTrouble("Graph answered 503", 1)]


async def test_without_the_setting_what_if_is_not_asked() -> None:
    world = World([ONE], proof=Unproved("Not yet"))
    await world.perform(proof=False)(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.said == [ConfirmGrant()]


@pytest.mark.parametrize("state", [state for state in State if state not in (State.GRANTING, State.AWAITING_EVIDENCE)])
async def test_a_grant_that_is_stale_touches_nothing(state: State) -> None:
    one = request(state)
    world = World([one])
    await world.perform()(Grant(one.reference, SUBJECT.id), 0)
    assert (world.members, world.said) == (set(), [])


@pytest.mark.parametrize("state", [State.ENDING, State.ENDED])
@pytest.mark.parametrize("change", [{}, {"proof": Unproved("Not yet")}, {"proof": Trouble("Graph answered 503")}])
async def test_a_grant_that_comes_after_the_end_is_taken_out_again(change: dict[str, Any], state: State) -> None:
    world = World([ONE], meanwhile=state, **change)
    await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.members == set()


async def test_a_grant_that_was_confirmed_elsewhere_stays() -> None:
    world = World([ONE], meanwhile=State.ACTIVE)
    await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.members == {SUBJECT.id}


async def test_a_grant_that_comes_after_the_end_leaves_the_membership_to_whoever_needs_it() -> None:
    other = replace(long_request(State.ACTIVE), reference="MFA-2222-2222", group_id=ONE.group_id)
    world = World([ONE, other], meanwhile=State.ENDED)
    await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.members == {SUBJECT.id}
    assert world.until[other.reference] == other.ends_at


async def test_a_late_grant_that_could_not_be_taken_out_or_was_cut_short_is_taken_out_when_tried_again() -> None:
    ended = request(State.ENDED)
    world = World([ended], shows=False, members={SUBJECT.id})
    with pytest.raises(Trouble):
        await world.perform()(Grant(ended.reference, SUBJECT.id), 1)
    world.shows = True
    await world.perform()(Grant(ended.reference, SUBJECT.id), 2)
    assert world.members == set()


async def test_an_end_that_is_done_again_takes_out_only_who_was_never_confirmed() -> None:
    for starts_at, members in ((None, set[str]()), (NOON, {SUBJECT.id})):
        ended = request(State.ENDED, starts_at=starts_at)
        world = World([ended], members={SUBJECT.id})
        await world.perform()(End(ended.reference, SUBJECT.id), 0)
        assert (world.members, world.said) == (members, [])


async def test_the_end_in_entra_is_that_of_the_last_exception_which_needs_the_membership() -> None:
    longer = replace(long_request(State.ACTIVE), reference="MFA-2222-2222", group_id=ONE.group_id)
    world = World([ONE, longer])
    await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.until[ONE.reference] == longer.ends_at
    elsewhere = replace(longer, group_id="another")
    world = World([ONE, elsewhere])
    await world.perform()(Grant(ONE.reference, SUBJECT.id), 0)
    assert world.until[ONE.reference] == NOON + DAY


async def test_a_renewal_is_not_held_to_the_end_of_what_it_follows() -> None:
    old = replace(long_request(State.ACTIVE), reference="MFA-2222-2222")
    renewal = replace(long_request(State.GRANTING), renews=old.reference, days=10)
    world = World([old, renewal])
    await world.perform()(Grant(renewal.reference, SUBJECT.id), 0)
    assert renewal.decided is not None
    assert world.until[renewal.reference] == renewal.decided.at + timedelta(days=10)


async def test_an_end_that_leaves_the_membership_to_another_exception_tells_entra_that_ones_end() -> None:
    ending = request(State.ENDING)
    other = replace(long_request(State.ACTIVE), reference="MFA-2222-2222", group_id=ending.group_id)
    world = World([ending, other], members={SUBJECT.id})
    await world.perform()(End(ending.reference, SUBJECT.id), 0)
    assert world.said == [ConfirmEnd(other.reference)]
    assert world.members == {SUBJECT.id}
    assert world.until == {other.reference: other.ends_at}


@pytest.mark.parametrize(
    ("occasion", "state", "wanted"),
    [
        (START, State.ACTIVE, True),
        (START, State.ENDING, True),
        (START, State.ENDED, False),
        (END, State.ENDED, True),
        (END, State.ACTIVE, False),
    ],
)
async def test_somebody_is_signed_out_once_and_only_while_it_is_about_something(
    occasion: str, state: State, wanted: bool
) -> None:
    one = request(state)
    world = World([one])
    for _ in range(2):
        await world.perform()(RevokeSessions(one.reference, SUBJECT.id, occasion), 0)
    assert world.signed_out == [SUBJECT.id] * wanted
    assert [event.what.value for event in world.recorded] == ["sessions_revoked"] * wanted


async def test_nobody_is_signed_out_at_an_end_when_exempt_anew_or_without_the_setting() -> None:
    ended = request(State.ENDED)
    anew = request(State.ACTIVE, reference="MFA-2222-2222")
    world = World([ended, anew])
    await world.perform()(RevokeSessions(ended.reference, SUBJECT.id, END), 0)
    await World([ended]).perform(sessions=False)(RevokeSessions(ended.reference, SUBJECT.id, END), 0)
    assert (world.signed_out, world.recorded) == ([], [])


async def test_what_the_app_may_not_do_is_in_the_audit_once_and_is_not_tried_again() -> None:
    ended = request(State.ENDED)
    world = World([ended], sign_out=NotPermitted("Needs User.RevokeSessions.All"))
    for _ in range(2):
        await world.perform()(RevokeSessions(ended.reference, SUBJECT.id, END), 0)
    assert len(world.signed_out) == 1
    assert [(event.what.value, event.details) for event in world.recorded] == [
        ("sessions_not_revoked", {"occasion": "end", "message": "Needs User.RevokeSessions.All"})
    ]


async def test_signing_out_that_fails_for_now_is_tried_again_and_is_no_trouble_of_the_request() -> None:
    ended = request(State.ENDED)
    world = World([ended], sign_out=Trouble("Graph answered 503"))
    with pytest.raises(Trouble):
        await world.perform()(RevokeSessions(ended.reference, SUBJECT.id, END), 0)
    assert (world.said, world.recorded) == ([], [])


@dataclass
class Post(World):
    """A mailbox that takes e-mails, and whose thanks for them get lost."""

    sent: list[tuple[str, Mail, str]] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)

    async def __call__(self, reference: str, command: Command) -> Any:
        self.said.append(command)
        self.requests[0] = decide(self.requests[0], command, facts(), POLICY, NOON).request
        return self.requests[0]

    def told(self, *_: Any) -> None: ...

    async def finish(self, keys: list[str], **_: Any) -> None:
        self.finished += keys

    async def begin(self, key: str, reference: str, at: datetime) -> int | None:
        return 0

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        self.sent.append((to, mail, key))
        raise Trouble("Graph did not answer")


async def test_a_code_that_is_sent_again_is_another_e_mail_and_not_a_copy_of_the_first() -> None:
    one = long_request(State.AWAITING_EVIDENCE)
    post = Post([one])
    perform = replace(post.perform(), chat_link=lambda words: f"https://teams.microsoft.com/{words}")
    for attempts in range(2):
        with pytest.raises(Trouble):
            await perform(WriteToMailbox(one.reference, "1"), attempts)
    assert one.site is not None
    assert [to for to, _, _ in post.sent] == [one.site.mailbox] * 2
    codes = [re.findall(r"\d{4}-\d{4}", mail.text)[0] for _, mail, _ in post.sent]
    assert len(set(codes)) == len({key for _, _, key in post.sent}) == 2


async def test_a_code_that_was_quoted_before_its_e_mail_was_known_to_have_gone_out_is_not_sent_again() -> None:
    one = long_request(State.AWAITING_EVIDENCE)
    post = Post([one])
    perform = replace(post.perform(), chat_link=lambda words: f"https://teams.microsoft.com/{words}")
    with pytest.raises(Trouble):
        await perform(WriteToMailbox(one.reference, "1"), 0)
    code = post.requests[0].code
    assert code is not None
    post.requests[0] = replace(post.requests[0], code=replace(code, used_by=OWNER))
    await perform(WriteToMailbox(one.reference, "1"), 1)
    assert len(post.sent) == 1
    assert post.finished == [f"{one.reference}:mailbox:1"]
    assert post.requests[0].giver == OWNER


@dataclass
class Reaching(World):
    """Nobody in Teams, an outbox for e-mails, and a helpdesk's channel once it is known."""

    channel: Address | None = None
    out_of_reach: frozenset[str] = frozenset()
    refused: Exception | None = None
    """What happens to the second owner, whatever else does."""
    mailed: list[str] = field(default_factory=list)
    posted: int = 0

    async def leads(self, to: Audience) -> tuple[Person, ...]:
        return ()

    async def begin(self, key: str, reference: str, at: datetime) -> int | None:
        return 0

    async def begin_or_wait(self, key: str, tell: Tell, person_id: str, at: datetime, since: datetime) -> int | None:
        return 0

    async def finish(self, keys: Sequence[str], **_: Any) -> None: ...

    def told(self, *_: Any) -> None: ...

    async def reach(self, person: Person) -> None:
        if person.id in self.out_of_reach:
            raise Trouble("Teams answered 500")
        if person == OTHER_OWNER and self.refused:
            raise self.refused

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        self.mailed.append(to)

    async def place(self) -> Address | None:
        return self.channel

    async def post(self, place: Address, card: Any) -> Sent:
        self.posted += 1
        return Sent(place, "activity")

    def performing(self) -> Perform:
        async def show(request: Request, view: str, *, viewer_id: str) -> None: ...

        return replace(
            self.perform(),
            reach=cast(Any, self.reach),
            show=cast(Any, show),
            chat_link=lambda words: f"https://x/{words}",
        )


@dataclass
class Unanswered(Reaching):
    """Of what may have gone out nothing is over yet."""

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Any]:
        yield self

    async def end_unanswered(self, keys: Sequence[str]) -> tuple[str, ...]:
        return ()

    async def record(self, *_: Any) -> None: ...

    async def want(self, *_: Any) -> None: ...

    @property
    def book(self) -> Any:
        return self


async def test_one_person_who_cannot_be_told_keeps_nobody_else_from_being_told() -> None:
    one = long_request(State.LAPSED)
    world = Reaching([one], out_of_reach=frozenset({OWNER.id}))
    with pytest.raises(Trouble, match="500"):
        await world.performing()(Tell(one.reference, Notice.LAPSED, Audience.OWNERS), 0)
    assert world.mailed == [OTHER_OWNER.address]


@pytest.mark.parametrize("unanswered", [False, True])
async def test_a_notice_that_teams_does_not_reach_and_graph_does_not_take_counts_where_it_may_be_out(
    *, unanswered: bool
) -> None:
    @dataclass
    class Gone(Unanswered):
        async def send(self, to: Any, card: Any = None, **_: Any) -> Any:
            raise Trouble("503", unanswered=unanswered) if isinstance(to, str) else Unreachable("404")

        async def reach(self, person: Person) -> Any:
            return CHANNEL

        async def dead(self, person_id: str, tried: Address, at: datetime) -> None: ...

    one = request(State.ACTIVE)
    world: Any = Gone([one])
    counts = {"messenger": messenger_that_counts(world, world), "mailer": mailer_that_counts(world, world)}
    perform: Perform = replace(world.performing(), **counts)
    with pytest.raises(Trouble, match="503"):
        await perform(Tell(one.reference, Notice.GRANTED, Audience.SUBJECT), 0)
    assert world.gone_out == {f"{one.reference}:granted:subject": int(unanswered)}


@pytest.mark.parametrize(
    "refused", [Trouble("400", for_good=True), KeyError("bug")], ids=lambda one: type(one).__name__
)
async def test_one_person_who_is_given_up_takes_nobody_else_with_them(refused: Exception) -> None:
    one, tell = long_request(State.LAPSED), Tell(long_request().reference, Notice.LAPSED, Audience.OWNERS)
    world = Reaching([one], out_of_reach=frozenset({OWNER.id}), refused=refused)
    for attempts in range(3 * MOST_TRIES):
        with pytest.raises(Trouble, match="500"):
            await world.performing()(tell, attempts)
    world.out_of_reach = frozenset()
    with pytest.raises(type(refused)):
        await world.performing()(tell, 3 * MOST_TRIES)
    assert world.mailed == [OWNER.address]


async def test_a_mistake_about_one_person_keeps_nobody_else_from_being_told() -> None:
    one = long_request(State.LAPSED, site=replace(SITE, owners=(OTHER_OWNER, OWNER)))
    world = Reaching([one], refused=KeyError("bug"))
    with pytest.raises(KeyError):
        await world.performing()(Tell(one.reference, Notice.LAPSED, Audience.OWNERS), 0)
    assert world.mailed == [OWNER.address]


@dataclass
class Written:
    """A page of the book, as lists."""

    entries: list[Entry] = field(default_factory=list)
    wanted: list[Effect] = field(default_factory=list)

    async def record(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    async def want(self, effects: Sequence[Effect]) -> None:
        self.wanted += effects

    async def is_recorded(self, reference: str, what: What, notice: str, since: datetime) -> bool:
        such = [one for one in self.entries if (one.reference, one.what) == (reference, what.value)]
        return any(one.details["notice"] == notice and one.at >= since for one in such)


@dataclass
class Leads(Reaching):
    leading: tuple[Person, ...] = ()
    written: Written = field(default_factory=Written)

    async def leads(self, to: Audience) -> tuple[Person, ...]:
        return self.leading

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Written]:
        yield self.written

    def entry(self, reference: str, event: Event, at: datetime) -> Entry:
        return Entry(at, reference, event.what.value, event.by, "", "", dict(event.details))


@pytest.mark.parametrize("leading", [(), (AGENT,)])
async def test_what_no_lead_is_left_to_be_told_comes_into_the_channel_and_the_audit(
    leading: tuple[Person, ...],
) -> None:
    """The only lead approves at night."""
    one = replace(request(State.ACTIVE), unusual=("night",))
    assert one.decided is not None
    assert one.decided.by == AGENT
    world = Leads([one], leading=leading)
    for _ in range(2):  # the process dies before it has said that this is done
        await world.performing()(Tell(one.reference, Notice.UNUSUAL, Audience.LEADS), 0)
    assert world.mailed == []
    assert world.written.wanted == [Alarm(one.reference, "no_lead", "unusual")]
    [entry] = world.written.entries
    assert (entry.what, entry.reference) == ("not_delivered", one.reference)
    assert entry.details["notice"] == f"{one.reference}:unusual:leads"
    world.channel = CHANNEL
    await world.performing()(world.written.wanted[0], 0)
    assert world.posted == 1


async def test_another_lead_is_told_and_the_channel_is_not() -> None:
    one = replace(request(State.ACTIVE), unusual=("night",))
    world = Leads([one], leading=(AGENT, OTHER_AGENT))
    await world.performing()(Tell(one.reference, Notice.UNUSUAL, Audience.LEADS), 0)
    assert world.mailed == [OTHER_AGENT.address]
    assert world.written == Written()


async def test_an_alarm_waits_for_a_channel_and_is_not_lost() -> None:
    one = request(State.ACTIVE)
    world = Reaching([one])
    with pytest.raises(Trouble, match="channel is not known"):
        await world.performing()(Alarm(one.reference, "undelivered", "Tell:reminder:subject"), 0)
    world.channel = CHANNEL
    await world.performing()(Alarm(one.reference, "undelivered", "Tell:reminder:subject"), 1)
    assert world.posted == 1


@pytest.mark.parametrize("known", [(), (SUBJECT,), (OWNER, SUBJECT)])
async def test_a_warning_about_somebody_who_has_left_is_shown_with_their_id(known: tuple[Person, ...]) -> None:
    @dataclass
    class Leaving(Reaching):
        shown: str = ""

        @property
        def directory(self) -> "Leaving":
            return self

        async def person(self, entra_id: str) -> Person | None:
            return next((one for one in known if one.id == entra_id), None)

        async def post(self, place: Address, card: Any) -> Sent:
            self.shown = str(card.content)
            return Sent(place, "activity")

    world = Leaving([], channel=CHANNEL)
    await world.performing()(Warn("barred", OWNER.id, SUBJECT.id, "x"), 0)
    for person in (OWNER, SUBJECT):
        assert (f"{person.name} ({person.address})" if person in known else f"'{person.id}'") in world.shown
    assert "()" not in world.shown


async def test_a_reminder_that_a_later_one_has_overtaken_is_not_sent() -> None:
    one = request(State.ACTIVE, done=("reminder:14400",))
    for done, mailed in ((one.done, [SUBJECT.address]), ((*one.done, "reminder:3600"), [])):
        world = Reaching([replace(one, done=done)])
        await world.performing()(Tell(one.reference, Notice.REMINDER, Audience.SUBJECT, "14400"), 0)
        assert world.mailed == mailed


async def test_an_overtaken_reminder_that_waits_to_be_told_with_others_is_forgotten() -> None:
    @dataclass
    class Gathering(Reaching):
        forgotten: list[str] = field(default_factory=list)

        @property
        def book(self) -> "Gathering":
            return self

        async def take(self, _: TellTogether, limit: int) -> tuple[Waiting, ...]:
            return (Waiting("key", Tell(one.reference, Notice.REMINDER, Audience.OWNERS, "14400")),)

        async def is_left(self, *_: Any) -> bool:
            return True

        async def forget(self, keys: Sequence[str]) -> None:
            self.forgotten += keys

    one = long_request(State.ACTIVE, done=("reminder:14400", "reminder:3600"))
    world = Gathering([one])
    together = TellsTogether(**dict.fromkeys((part.name for part in fields(TellsTogether)), cast(Any, world)))
    await together(TellTogether(OWNER.id, Notice.REMINDER))
    assert world.forgotten == ["key"]


HOURS_4, DAYS_14 = str(4 * 3600), str(14 * 24 * 3600)


@pytest.mark.parametrize("sent", [True, False])
async def test_how_late_a_reminder_was_is_counted_where_it_was_sent_and_not_where_it_waits(*, sent: bool) -> None:
    @dataclass
    class Waits(Reaching):
        async def begin(self, key: str, reference: str, at: datetime) -> int | None:
            return 0 if sent else None

        async def begin_or_wait(self, *_: Any) -> int | None:
            return 0 if sent else None

    one = replace(long_request(State.ACTIVE), ends_at=NOON + timedelta(days=14, hours=-1))
    world = Waits([one])
    for to in (Audience.SUBJECT, Audience.OWNERS):
        await world.performing()(Tell(one.reference, Notice.REMINDER, to, DAYS_14), 0)
    assert world.mailed == [SUBJECT.address, OWNER.address, OTHER_OWNER.address] * sent
    assert world.noted == [("reminder", timedelta(hours=1))] * 3 * sent


def test_a_reminder_that_moved_to_after_the_weekend_is_counted_from_there() -> None:
    friday = datetime(2026, 8, 7, 10, tzinfo=UTC)
    one = replace(long_request(State.ACTIVE), starts_at=friday, ends_at=friday + 3 * DAY)
    world, tell = World([one]), Tell(one.reference, Notice.REMINDER, Audience.SUBJECT, str(24 * 3600))
    count_reminder(tell, one, POLICY, datetime(2026, 8, 10, 8, 5, tzinfo=UTC), cast(Any, world))
    assert world.noted == [("reminder", timedelta(minutes=5))]


async def test_a_reminder_that_did_not_go_out_is_not_counted_yet() -> None:
    one = request(State.ACTIVE, ends_at=NOON + timedelta(hours=3))
    world = Reaching([one], out_of_reach=frozenset({SUBJECT.id}))
    with pytest.raises(Trouble):
        await world.performing()(Tell(one.reference, Notice.REMINDER, Audience.SUBJECT, HOURS_4), 0)
    assert world.noted == []


async def test_of_a_list_that_comes_late_each_reminder_is_counted_with_its_own_lateness() -> None:
    @dataclass
    class Gathered(Reaching):
        @property
        def book(self) -> "Gathered":
            return self

        async def take(self, _: TellTogether, limit: int) -> tuple[Waiting, ...]:
            tells = (Tell(one.reference, Notice.REMINDER, Audience.OWNERS, DAYS_14) for one in self.requests)
            return tuple(Waiting(tell.key, tell) for tell in tells)

        async def reach(self, person: Person) -> Any:
            return CHANNEL

        async def send(self, to: Any, card: Any = None, **_: Any) -> Any:
            return Sent(to, "1")

        async def add_copy(self, _: Any) -> None: ...

    requests = [
        replace(long_request(State.ACTIVE), reference=f"MFA-2222-222{n}", ends_at=NOON + timedelta(days=14, hours=-n))
        for n in (2, 3)
    ]
    world = Gathered(requests)
    performing = world.performing()
    together = replace(performing._together, show=cast(Any, world), reach=cast(Any, world.reach))
    await together(TellTogether(OWNER.id, Notice.REMINDER))
    assert world.noted == [("reminder", timedelta(hours=n)) for n in (2, 3)]


@dataclass
class Ended(World):
    """Whatever is confirmed ends the first request, 7 seconds late."""

    cause: Cause = Cause.EXPIRED

    async def __call__(self, reference: str, command: Command) -> Request:
        one = self.requests[0]
        assert one.ends_at is not None
        closed_at = one.ends_at + timedelta(seconds=7)
        self.requests[0] = replace(one, state=State.ENDED, closing=Closing(self.cause), closed_at=closed_at)
        return self.requests[0]


async def test_how_late_an_end_was_is_counted_once_however_often_it_is_tried() -> None:
    world = Ended([request(State.ENDING)])
    for attempts in range(3):
        await world.perform()(End(ONE.reference, SUBJECT.id), attempts)
    assert world.noted == [("end", timedelta(seconds=7))]


async def test_an_end_that_somebody_asked_for_was_not_late() -> None:
    world = Ended([request(State.ENDING)], cause=Cause.REVOKED)
    await world.perform()(End(ONE.reference, SUBJECT.id), 0)
    assert world.noted == []


@pytest.mark.parametrize("state", list(State))
async def test_the_channel_is_shown_only_what_waits_for_a_decision(state: State) -> None:
    @dataclass
    class Channel(World):
        begun: list[str] = field(default_factory=list)

        async def place(self) -> Address:
            return CHANNEL

        async def begin(self, key: str, reference: str, at: datetime) -> None:
            self.begun.append(key)

    one = long_request(state)
    world = Channel([one])
    await world.perform()(ShowHelpdesk(one.reference), 0)
    assert bool(world.begun) == (state is State.AWAITING_DECISION)


@pytest.mark.parametrize(
    ("answers", "drawn"),
    [
        (["silent", "silent", "fine", "fine"], 2),
        (["silent", "fine", "silent", "fine", "silent"], 5),
        (["refused", "refused", "refused", "fine"], 4),
    ],
)
async def test_where_teams_does_not_answer_twice_in_a_row_the_other_cards_wait_for_the_next_try(
    answers: Sequence[str], drawn: int
) -> None:
    """A call without an answer takes ten seconds, and an end may be waiting for the place in the worker."""
    tried: list[str] = []

    class Cards(World):
        async def copies(self, reference: str) -> tuple[Copy, ...]:
            return tuple(Copy(reference, "mine", "", Sent(CHANNEL, answer)) for answer in answers)

        async def show(self, request: Request, view: str, *, viewer_id: str) -> None: ...

        async def replace(self, at: Sent, card: Any) -> None:
            answer = answers[len(tried)]
            tried.append(at.activity_id)
            if answer != "fine":
                raise Trouble(answer, unanswered=answer == "silent")

    world = Cards([ONE])
    performing = replace(world.perform(), show=cast(Any, world.show))
    with pytest.raises(Trouble):
        await performing(Refresh(ONE.reference), 0)
    assert len(tried) == drawn


@pytest.mark.parametrize(("attempts", "asked"), [(0, ["send"] * 2), (1, ["answers"] * 2)])
async def test_where_teams_does_not_answer_twice_in_a_row_the_other_people_wait_also_where_it_is_asked_first(
    attempts: int, asked: list[str]
) -> None:
    tried: list[str] = []

    class Silent(Reaching):
        async def reach(self, person: Person) -> Any:
            return CHANNEL

        async def answers(self, at: Any = None) -> None:
            tried.append("answers")
            raise Trouble("Teams did not answer in time.", unanswered=True)

        async def send(self, *_: Any, **__: Any) -> None:
            tried.append("send")
            raise Trouble("Teams could not be reached.", silent=True)

    owners = tuple(replace(OWNER, id=f"owner{number}") for number in range(5))
    one = long_request(State.LAPSED, site=replace(SITE, owners=owners))
    with pytest.raises(Trouble):
        await Silent([one]).performing()(Tell(one.reference, Notice.LAPSED, Audience.OWNERS), attempts)
    assert tried == asked


async def test_a_notice_that_may_have_gone_out_is_not_repeated_as_soon_as_there_is_room_for_somebody_elses() -> None:
    @dataclass
    class Full(Unanswered):
        async def reach(self, person: Person) -> Any:
            if person == OWNER:
                raise PutOff("teams", retry_after=timedelta(seconds=0.3))
            return CHANNEL

        async def send(self, *_: Any, **__: Any) -> None:
            raise Trouble("Teams did not answer in time.", unanswered=True)

    one = long_request(State.LAPSED)
    with pytest.raises(Trouble, match="in time") as raised:
        await Full([one]).performing()(Tell(one.reference, Notice.LAPSED, Audience.OWNERS), 0)
    assert raised.value.retry_after == BEFORE_THE_REPEAT
