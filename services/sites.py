"""The register of sites: what the services need of it, and what a change of it means. Plans here are pure.

Each call of a port may raise `Trouble`; nothing else that is expected.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.site import Site
from services.book import Entry


class Sites(Protocol):
    async def by_code(self, ods: str) -> Site | None:
        """The site with this ODS code, in any case; None where there is none."""
        ...

    async def find(self, words: str, *, limit: int) -> tuple[Site, ...]:
        """The site with this code, else those with this mailbox, else those whose name has every word.

        At most `limit`; open sites first, then by name.
        """
        ...

    async def of_owner(self, person_id: str) -> tuple[Site, ...]:
        """The open sites that this person answers for, by name."""
        ...

    async def all(self) -> tuple[Site, ...]:
        """Every site, by code."""
        ...

    async def save(
        self, sites: Sequence[Site], entries: Sequence[Entry], *, was: Mapping[str, Site] | None = None
    ) -> bool:
        """Adds or changes these sites and writes the audit, all in one transaction.

        `was` is what the register held of these sites when it was read, by code: where it holds something else now,
        nothing is written, and the answer is False.
        """
        ...


class Mailboxes(Protocol):
    async def purpose(self, address: str) -> str:
        """What Exchange says that a mailbox is for: `shared`, `user`, `room` ...; empty where there is no mailbox."""
        ...
