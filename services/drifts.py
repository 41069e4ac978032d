"""What the comparison of Entra with the book needs from outside. `adapters` makes it real.

Each call may raise `Trouble`; nothing else that is expected.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.drift import Drift, Entitlement
from services.book import Entry
from services.chat import Sent

NOT_PERMITTED = "not permitted"
"""Instead of a name, where the app may not read Entra's audit."""


@dataclass(frozen=True, slots=True)
class Added:
    """Who made somebody a member, as Entra's audit has it."""

    by: str = ""
    """A name and an address, or an application's name; empty: it does not say (yet). Or `NOT_PERMITTED`."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A drift that was found, and how it stands."""

    drift: Drift
    first_seen: datetime
    last_seen: datetime
    occasion: int = 1
    """Counts how often it began: it is shown once for each."""
    added: Added = field(default_factory=Added)
    over_at: datetime | None = None
    outcome: str = ""
    """How it came to be over: a key of `cards.drifts.OUTCOMES`."""
    by_id: str = ""
    """The Entra id of whoever settled it, or has asked for it; empty for the program itself."""
    card: Sent | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Who is in which group, and the link by which Entra tells what has changed since."""

    members: Mapping[str, frozenset[str]]
    link: str = ""
    whole_at: datetime | None = None
    """When all of it was last read from the beginning."""


class Members(Protocol):
    async def read(self, groups: Collection[str], known: Known | None) -> Known:
        """All members of these groups, whatever they are: read whole where `known` is None or Entra says so.

        Raises `NoSuchGroup` where there is one of them no more.
        """
        ...

    async def holds(self, group: str, entra_id: str) -> bool:
        """Whether this is among the group's members now, whatever it is. For a single one: it reads the whole list."""
        ...


class DirectoryAudit(Protocol):
    async def added(self, group: str, entra_id: str, seen: datetime) -> Added:
        """Who had added whoever was a member at the moment `seen`; empty while that is not in Entra's audit.

        Raises `NotPermitted` where the app may not read it.
        """
        ...


class MfaPolicy(Protocol):
    async def left_out(self) -> frozenset[str] | None:
        """The ids of all groups, users and roles that the MFA policy leaves out; None where there is no such policy."""
        ...


class Drifts(Protocol):
    async def entitlements(
        self, groups: Collection[str], members: Collection[str], *, of: str = ""
    ) -> tuple[Entitlement, ...]:
        """Of requests in these groups that are granting, on or ending, and those that have ended of these people.

        `of`: one person's only.
        """
        ...

    async def groups_in_use(self) -> frozenset[str]:
        """The groups of requests that are granting, on or ending, whatever the settings name now."""
        ...

    async def known(self) -> Known | None: ...

    async def keep(self, known: Known) -> None: ...

    async def compared_at(self) -> datetime | None:
        """When a comparison last came to its end."""
        ...

    async def compared(self, at: datetime) -> None: ...

    async def policy_compared(self, at: datetime) -> None:
        """Whom the MFA policy leaves out was looked at, as far as the settings and permissions allow."""
        ...

    async def open(self) -> tuple[Seen, ...]: ...

    async def removed_since(self, since: datetime) -> tuple[Seen, ...]:
        """Whoever had overstayed and was removed since, as far as it is not known who had added them."""
        ...

    async def one(self, key: str) -> Seen | None: ...

    async def see(self, drift: Drift, at: datetime, entry: Entry, began: datetime | None = None) -> Seen | None:
        """Found, or found again. Where it begins: `entry` goes into the audit, and the channel will be shown it. Where
        its number is another than before, the channel will be shown it again.

        None, and nothing is written, where it was settled since `began`: whoever found it had read that before.
        """
        ...

    async def know(self, key: str, added: Added) -> None:
        """Who added the member; the channel will be shown it."""
        ...

    async def ask(self, key: str, by_id: str, entry: Entry) -> bool:
        """Who wants it settled, before Entra is asked; written once for each in a row. False where it is over."""
        ...

    async def settle(self, key: str, *, outcome: str, by_id: str, at: datetime, entries: Sequence[Entry]) -> bool:
        """It is over; the channel will be shown it. False, and nothing is written, where it was over already."""
        ...

    async def shown(self, key: str, occasion: int, card: Sent) -> None: ...
