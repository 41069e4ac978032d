"""What is kept about one person: to give it to them, and to erase what need not stay. It reads no evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.errors import Refusal
from services.ports import Clock

_STAYS = (
    "The requests and the audit stay. They show who weakened the protection of an account, why, and who allowed it. "
    "The organisation needs them to keep NHS systems secure and to answer for its decisions: UK GDPR article 17(3)(b) "
    "and (e). They go when the retention schedule in docs/privacy.md says so."
)


@dataclass(frozen=True, slots=True)
class Erasable:
    """What need not stay, of one person."""

    drafts: int
    addresses: int
    cards: int
    evidence: tuple[str, ...]
    """References of closed requests about this person whose evidence is still kept."""
    open_requests: tuple[str, ...]
    """While there are any, the Teams address is needed, and stays."""


class PersonRecords(Protocol):
    """Each call may raise `Trouble` when the database cannot be reached."""

    async def ids_of(self, given: str) -> tuple[str, ...]:
        """The Entra ids of whoever has this id or this e-mail address in our records."""
        ...

    async def everything(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """All that is kept about them, by kind, as plain JSON."""
        ...

    async def erasable(self, ids: Sequence[str]) -> Erasable: ...

    async def erase(self, ids: Sequence[str], now: datetime, details: Mapping[str, str]) -> Erasable:
        """Erases that, and writes into the audit that it was done, in one transaction."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerForPerson:
    """Raises `Refusal` where nothing is known about the person."""

    records: PersonRecords
    clock: Clock
    say: Callable[[str], None]

    async def export(self, given: str) -> Mapping[str, Any]:
        ids = await self._ids(given)
        about = {
            "asked_for": given,
            "entra_ids": list(ids),
            "made_at": self.clock.now().isoformat(),
            "read_this_first": (
                "Read it through before you give it to the person: words that people typed, and names of staff, may "
                "concern others. Where the person only decided, gave evidence or answers for the site, what is about "
                "somebody else is left out. Evidence is sealed: only that it is there is said here. An agent can read "
                "it in the bot, and docs/privacy.md says how."
            ),
        }
        return {"about": about} | dict(await self.records.everything(ids))

    async def erase(self, given: str, *, yes: bool, account: str) -> int:
        """The exit status: 0 where it was done, 1 where it was only shown. `account` is who asks, for the audit."""
        ids = await self._ids(given)
        found = await self.records.erasable(ids)
        if yes:
            found = await self.records.erase(ids, self.clock.now(), {"account": account})
        self.say(("Erased" if yes else "To be erased") + f": {_counted(found)}.")
        if found.open_requests:
            self.say(
                f"Not closed yet: {', '.join(found.open_requests)}. The Teams address and its evidence stay. "
                "Run this again when it is closed."
            )
        self.say(_STAYS)
        if not yes:
            self.say("Nothing was erased. Run it again with --yes.")
        return 0 if yes else 1

    async def _ids(self, given: str) -> tuple[str, ...]:
        ids = await self.records.ids_of(given.strip().lower())
        if ids:
            return ids
        raise Refusal(f"There is nothing about {given}. Check the id or the e-mail address.", rule="unknown")


def _counted(found: Erasable) -> str:
    return (
        f"half-finished conversations {found.drafts}, Teams addresses {found.addresses}, cards {found.cards}, "
        f"requests whose evidence goes before its time {len(found.evidence)}"
    )
