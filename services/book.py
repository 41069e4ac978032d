"""What the services need the book (the database) to do. `adapters.database` makes it real.

Each call may raise `Trouble` when the database cannot be reached.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.effects import Effect, Tell, TellTogether
from domain.events import What
from domain.finding import Wanted
from domain.outcome import Approval, Asked
from domain.request import Request
from services.chat import Address, Sent


@dataclass(frozen=True, slots=True)
class Draft:
    """A half-finished conversation: the answers so far, and the card that shows the present question."""

    person_id: str
    topic: str
    answers: Mapping[str, Any]
    updated_at: datetime
    version: int = 0
    """Counts the cards shown; 0 is a draft that was never saved."""
    card: Sent | None = None
    activity: str = ""
    """The id of the Teams activity that made it so."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A card in Teams that shows a request and has to be kept true."""

    reference: str
    view: str
    """Which card it is: a name that `services.show` knows."""
    viewer_id: str
    """The Entra id of the only reader, or empty for a channel."""
    sent: Sent


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit."""

    at: datetime
    reference: str
    what: str
    by_id: str
    activity: str
    policy_version: str
    details: Mapping[str, str]


class Page(Protocol):
    """One transaction: all of it is kept, or nothing."""

    async def request(self, reference: str) -> Request | None:
        """The request, locked for everybody else until the transaction ends."""
        ...

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]: ...

    async def add(self, request: Request) -> bool:
        """False where the reference is taken or the subject already has an open request of this kind."""
        ...

    async def change(self, request: Request) -> None: ...

    async def record(self, entries: Sequence[Entry]) -> None: ...

    async def is_recorded(self, reference: str, what: What, notice: str, since: datetime) -> bool:
        """Whether the audit has such a line about this notice, of this moment or later."""
        ...

    async def is_heard(self, reference: str, what: What, activity: str) -> bool:
        """Whether the audit has such a line of this Teams activity."""
        ...

    async def release(self, keys: Sequence[str]) -> None:
        """These notices wait for no others any more: `begin` and `begin_or_wait` let them be sent."""
        ...

    async def end_unanswered(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Those of these notices that may have gone out twice, and are never sent again."""
        ...

    async def want(self, effects: Sequence[Effect]) -> None:
        """Puts effects before the job engine; one that already waits is not put there twice."""
        ...

    async def asked(self, by_id: str, subject_id: str, site: str, since: datetime) -> Asked:
        """How many requests there were since. Nobody else asks for this person or this site until the page ends."""
        ...

    async def approvals(self, agent_id: str, since: datetime) -> tuple[Approval, ...]:
        """What this agent approved since. They approve nothing else until the page ends."""
        ...

    async def use_up(self, draft: Draft) -> bool:
        """Removes a draft; False where it has moved on since it was read."""
        ...


class Book(Protocol):
    def page(self) -> AbstractAsyncContextManager[Page]: ...

    async def request(self, reference: str) -> Request | None: ...

    async def open_requests(self, subject_id: str) -> tuple[Request, ...]:
        """What this person is the subject of and is not closed, the newest first."""
        ...

    async def held_by(self, request: Request, now: datetime) -> str:
        """The reference of another exception, granted or being granted, that needs the same membership; or empty.

        One that is past its end needs it no more, or each of two that are would keep the other's.
        """
        ...

    async def to_look_at(self, before: datetime, limit: int) -> tuple[Request, ...]:
        """Exceptions that are on, or were to be, whose account was last looked at before this moment, the longest ago
        first. One that was never looked at was looked at when it was approved.
        """
        ...

    async def waiting(self, limit: int) -> tuple[Request, ...]:
        """Requests that await a decision, the oldest first."""
        ...

    async def newest_waiting(self, limit: int) -> tuple[Request, ...]:
        """Requests that await a decision, the newest first."""
        ...

    async def find(self, wanted: Wanted, limit: int, *, of: str = "") -> tuple[Request, ...]:
        """Requests whose subject's name or address, site or reference fit, the newest first.

        `of`: only those that concern this person. Where very many fit, they are the newest of some of them.
        """
        ...

    async def of_subject(self, subject_id: str, since: datetime) -> tuple[Request, ...]:
        """What this person was the subject of, the newest first."""
        ...

    async def of_person(self, person_id: str, limit: int) -> tuple[Request, ...]:
        """What this person asked for or is the subject of; open ones first, then the newest."""
        ...

    async def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        """References of what time alone has to move on: the ends first, and the longest overdue first."""
        ...

    async def entries(self, reference: str) -> tuple[Entry, ...]: ...

    async def done_by(self, activity: str, by_id: str) -> tuple[str, ...]:
        """References of the requests that this activity of theirs changed of late, as the audit says."""
        ...


class Drafts(Protocol):
    async def draft(self, person_id: str, topic: str) -> Draft | None: ...

    async def latest(self, person_id: str) -> Draft | None: ...

    async def keep(self, draft: Draft) -> Draft | None:
        """The draft with its next version; None where somebody else moved it on since it was read."""
        ...

    async def shown(self, draft: Draft, card: Sent) -> None:
        """Remembers where the draft's card is."""
        ...

    async def drop(self, person_id: str, topic: str) -> None: ...

    async def forget_before(self, moment: datetime) -> int: ...


class LookUps(Protocol):
    async def one_more(self, person_id: str, at: datetime, *, since: datetime, most: int | None) -> int:
        """How many people this person had looked up since; one more is written down where that is below `most`."""
        ...


class Addresses(Protocol):
    async def remember(self, person_id: str, teams_id: str, address: Address, at: datetime) -> bool:
        """Where this person can be reached; it lives again if it was dead. True where they were welcomed before."""
        ...

    async def welcome(self, person_id: str) -> bool:
        """True the first time only."""
        ...

    async def of(self, person_id: str) -> Address | None:
        """None where this person was never seen, or can no longer be reached there."""
        ...

    async def dead(self, person_id: str, tried: Address, at: datetime) -> None:
        """Nobody is reached there. Nothing, where this person has another address by now, or was heard of after `at`:
        the answer to an attempt may come after they have spoken, or have installed the app again.
        """
        ...

    async def is_dead(self, person_id: str) -> bool:
        """Whether this person was reached once, and no longer can be."""
        ...

    async def place(self) -> Address | None:
        """The channel where the helpdesk decides."""
        ...

    async def set_place(self, address: Address, at: datetime, *, only_first: bool) -> bool:
        """False where there is one already and only the first counts."""
        ...


class Copies(Protocol):
    async def add_copy(self, copy: Copy) -> None: ...

    async def copies(self, reference: str) -> tuple[Copy, ...]: ...

    async def forget_copy(self, copy: Copy) -> None: ...

    async def forget_at(self, sent: Sent) -> None:
        """Another card takes this place: what was shown there is no copy any more."""
        ...


MOST_TIMES = 2
"""So often a notice goes out at most: once, and once more where nobody knows whether it did."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits for others of its sort."""

    key: str
    tell: Tell
    attempts: int = 0
    """How often it may have gone out already."""


class Notices(Protocol):
    async def begin(self, key: str, reference: str, at: datetime) -> int | None:
        """Writes that this notice is being sent, and gives how often it may have gone out already.

        None where it was sent before, or is not known to have arrived: it must not be sent again.
        """
        ...

    async def begin_or_wait(self, key: str, tell: Tell, person_id: str, at: datetime, since: datetime) -> int | None:
        """As `begin`; but where this person was told something of this sort since, or more of it waits, it waits too.

        None as well where it waits.
        """
        ...

    async def to_tell_together(self, before: datetime, limit: int) -> tuple[TellTogether, ...]:
        """To whom, and of which sort, something waits since before this moment; the longest first."""
        ...

    async def take(self, together: TellTogether, limit: int) -> tuple[Waiting, ...]:
        """What waits for this person, the longest first. It waits on until it is finished, released or forgotten."""
        ...

    async def going_out(self, keys: Sequence[str]) -> None:
        """From now on these may have gone out once more."""
        ...

    async def not_sent(self, keys: Sequence[str]) -> None:
        """These did not go out: that try does not count."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """What was overtaken while it waited is never told."""
        ...

    async def finish(
        self, keys: Sequence[str], *, way: str, activity_id: str, at: datetime, entries: Sequence[Entry] = ()
    ) -> None:
        """Writes that these were sent, in one message, and the lines of the audit that say so: all or nothing."""
        ...
