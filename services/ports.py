"""What the services need from outside, in our own words. `adapters` and `bot` make these real.

Every call may raise `domain.errors.Trouble`; nothing else that is expected.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from cards.mail_layout import Mail
from domain.people import Account, Caller, Person


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment, aware and in UTC."""
        ...


class Directory(Protocol):
    """Reads Entra."""

    async def person(self, entra_id: str) -> Person | None:
        """The user with this object id; None where there is none."""
        ...

    async def caller(self, entra_id: str) -> Caller | None:
        """The same, with what decides whether they may do anything here."""
        ...

    async def find(self, words: str, *, limit: int) -> tuple[Person, ...]:
        """People whose address (UPN or mail) is `words`, else whose name begins with or contains them.

        An exact address gives one person. At most `limit`, ordered by name.
        """
        ...

    async def account(self, entra_id: str) -> Account | None:
        """Everything that eligibility needs, in as few calls as Graph allows; None where there is no user."""
        ...

    async def members(self, group: str, *, limit: int) -> tuple[Person, ...]:
        """Users who are in this group, also through other groups; at most `limit`. Nobody for an unknown group."""
        ...

    async def groups_of(self, entra_id: str, among: Iterable[str]) -> frozenset[str]:
        """Which of the group ids `among` this user is in, also through other groups; empty for an unknown user."""
        ...


class Exemptions(Protocol):
    """The groups in Entra whose members are not asked for MFA. Each call may safely be repeated."""

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        """`until`: not before this moment may Entra itself end it, where it can; and then soon.

        `reference` is what Entra writes down, where it can.
        """
        ...

    async def remove(self, group: str, entra_id: str) -> None: ...

    async def contains(self, group: str, entra_id: str) -> bool:
        """Whether Entra, read again, says that the user is a direct member."""
        ...


class Proof(Protocol):
    """Shows that an exemption has its effect."""

    async def not_asked(self, entra_id: str) -> None:
        """Raises `Unproved` unless Entra says that this user would not be asked for MFA at a sign-in."""
        ...


class Sessions(Protocol):
    async def revoke(self, entra_id: str) -> None:
        """The user has to sign in anew everywhere. Raises `NotPermitted` where the app may not do this."""
        ...


class Mailer(Protocol):
    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        """Hands one e-mail to Graph, from the helpdesk's mailbox. Not repeated on its own.

        `key` tells it from every other e-mail: the same one again has the same Message-ID.
        """
        ...

    async def answers(self) -> None:
        """Asks Graph about the mailbox, which changes nothing. May raise `Trouble`."""
        ...
