"""What a mailbox is for, read from Exchange through Graph."""

from urllib.parse import quote

from msgraph.generated.users.item.mailbox_settings.mailbox_settings_request_builder import MailboxSettingsRequestBuilder

from adapters.entra.client import Graph
from domain.errors import Trouble
from domain.site import address_of


class EntraMailboxes:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def purpose(self, address: str) -> str:
        checked = address_of(address)
        if checked is None:
            return ""
        answer = await self._graph.call(self._builder(checked).get, none_for=(404,))
        if answer is None:
            return ""
        if not isinstance(answer.get("value"), str):
            raise Trouble("Graph does not tell what the mailbox is for")
        return str(answer["value"]).lower()

    def _builder(self, address: str) -> MailboxSettingsRequestBuilder:
        """The SDK knows the settings, and not the one value below them that is wanted."""
        settings = self._graph.sdk.users.by_user_id(address).mailbox_settings
        base = self._graph.sdk.request_adapter.base_url
        return settings.with_url(f"{base}/users/{quote(address, safe='@')}/mailboxSettings/userPurpose")
