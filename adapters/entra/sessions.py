"""Signs people out everywhere through Graph."""

from adapters.entra.client import Graph, GraphTrouble
from adapters.entra.exemptions import checked
from domain.errors import NotPermitted


class EntraSessions:
    """Needs User.RevokeSessions.All. Nothing says which sessions there were."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def revoke(self, entra_id: str) -> None:
        """Somebody who is not in Entra any more has no sessions."""
        builder = self._graph.sdk.users.by_user_id(checked(entra_id)).revoke_sign_in_sessions
        try:
            await self._graph.call(builder.post, none_for=(404,))
        except GraphTrouble as refused:
            if refused.status == 403:
                raise NotPermitted(
                    f"{refused.message} Signing people out needs User.RevokeSessions.All: grant it, or set "
                    "REVOKE_SESSIONS=no"
                ) from refused
            raise
