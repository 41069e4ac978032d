"""Looks up what a site names: its owners in Entra, its mailbox in Exchange. An answer is a person or a sentence."""

from dataclasses import dataclass

from domain.people import Person
from services.ports import Directory
from services.sites import Mailboxes
from texts import say

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
            return say("agent.owner_several", address=address)
        account = await self.directory.account(found[0].id) if found else None
        if account is None:
            return say("agent.owner_unknown", address=address)
        if not account.enabled:
            return say("agent.owner_disabled", address=address)
        return account.person

    async def mailbox(self, address: str) -> str:
        """Why this cannot be a site's mailbox; empty where it can."""
        purpose = await self.mailboxes.purpose(address)
        if not purpose:
            return say("agent.mailbox_unknown", address=address)
        if purpose != SHARED:
            return say("agent.mailbox_not_shared", address=address)
        return ""
