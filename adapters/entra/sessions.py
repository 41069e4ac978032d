"""Signs people out everywhere through Graph."""

from adapters.entra.client import Graph, permission
from adapters.entra.exemptions import checked


class EntraSessions:
    """Needs User.RevokeSessions.All. Nothing says which sessions there were."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def revoke(self, entra_id: str) -> None:
        """Somebody who is not in Entra any more has no sessions."""
        builder = self._graph.sdk.users.by_user_id(checked(entra_id)).revoke_sign_in_sessions
        with permission("Signing people out needs User.RevokeSessions.All: grant it, or set REVOKE_SESSIONS=no"):
            await self._graph.call(builder.post, none_for=(404,))
