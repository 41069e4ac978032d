"""Looks up what a site names: its owners in Entra, its mailbox in Exchange. An answer is a person or a sentence."""

from dataclasses import dataclass

from domain.people import Person
from services.ports import Directory
from services.sites import Mailboxes

SHARED = "shared"


@dataclass(frozen=True, slots=True)
class CheckSites:
    """Each call may raise `Trouble`."""

    directory: Directory
    mailboxes: Mailboxes

    async def owner(self, address: str) -> Person | str:
        """The person with this address, or why they cannot be an owner."""
        found = await self.directory.find(address, limit=2)
        if len(found) > 1:
            return f"Several accounts have the address {address} of an owner. Write the owner's other address."
        account = await self.directory.account(found[0].id) if found else None
        if account is None:
            return f"Nobody has the address {address} of an owner. Correct the address, or take it out."
        if not account.enabled:
            return f"The account of the owner {address} is disabled. Name another owner, or take the address out."
        return account.person

    async def mailbox(self, address: str) -> str:
        """Why this cannot be a site's mailbox; empty where it can."""
        purpose = await self.mailboxes.purpose(address)
        if not purpose:
            return f"There is no mailbox {address} in Exchange. Correct the address."
        if purpose != SHARED:
            return f"The mailbox {address} is not a shared mailbox. Write the address of the site's shared mailbox."
        return ""
