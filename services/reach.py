"""Finds where somebody can be reached in Teams, also where they never spoke to the bot; and the helpdesk's channel."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from domain.errors import PutOff, Trouble
from domain.people import Person
from services.book import Addresses
from services.chat import Address, Messenger, Scope
from services.ports import Clock

log = structlog.get_logger(__name__)


class Installer(Protocol):
    async def chat_of(self, entra_id: str) -> str:
        """Installs the app for this person, where that is permitted; the id of their chat with the bot, or empty.

        May raise `Trouble`.
        """
        ...


async def helpdesk_channel(addresses: Addresses) -> Address:
    """Raises `Trouble` where it is not known."""
    place = await addresses.place()
    if place is None:
        raise Trouble("the helpdesk's channel is not known yet: add the app to the helpdesk's team")
    return place


@dataclass(frozen=True, slots=True)
class Reach:
    addresses: Addresses
    messenger: Messenger
    clock: Clock
    installer: Installer | None
    """None: the settings do not allow to install the app for people."""

    async def __call__(self, person: Person) -> Address | None:
        """Where they spoke to the bot, else through the helpdesk team's roster, else by installing the app for them.

        None where only e-mail is left. Who took the bot away is left in peace. May raise `Trouble`.
        """
        known = await self.addresses.of(person.id)
        if known is not None or await self.addresses.is_dead(person.id):
            return known
        place = await self.addresses.place()
        if place is None:
            return None
        found = await self._found(place, person)
        if found is None and self.installer is not None:
            found = await self._installed(self.installer, place, person)
        if found is not None:
            await self.addresses.remember(person.id, "", found, self.clock.now())
        return found

    async def _found(self, place: Address, person: Person) -> Address | None:
        """Teams may not know the account at all: that is no reason not to write an e-mail."""
        try:
            return await self.messenger.find(place, person.id)
        except Trouble as trouble:
            if not trouble.for_good:
                raise
            log.warning("not found in Teams", message=trouble.message)
            return None

    async def _installed(self, installer: Installer, place: Address, person: Person) -> Address | None:
        try:
            chat = await installer.chat_of(person.id)
        except PutOff:
            raise
        except Trouble as trouble:
            log.warning("the app was not installed", message=trouble.message)
            return None
        return Address(place.service_url, chat, place.tenant_id, place.bot_id, Scope.PERSONAL) if chat else None
