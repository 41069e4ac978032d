"""Whom the Conditional Access policy that asks for MFA leaves out. Needs Policy.Read.All.

https://learn.microsoft.com/graph/api/conditionalaccesspolicy-get
"""

from typing import Any

from adapters.entra.client import Graph, permission
from adapters.entra.exemptions import checked
from domain.errors import Trouble


class EntraMfaPolicy:
    """`policy`: its id, as the setting MFA_POLICY_ID has it."""

    def __init__(self, graph: Graph, policy: str) -> None:
        self._graph = graph
        self._policy = policy

    async def left_out(self) -> frozenset[str] | None:
        policy = self._graph.sdk.identity.conditional_access.policies.by_conditional_access_policy_id
        with permission():
            answer = await self._graph.call(policy(checked(self._policy)).get, none_for=(404,))
        if answer is None:
            return None
        try:
            users = answer["conditions"]["users"]
            found = [str(one).lower() for one in (*users["excludeGroups"], *_others(users))]
        except (KeyError, TypeError, AttributeError) as error:
            raise Trouble("Graph does not tell whom the MFA policy leaves out") from error
        guests = ["guests"] if users.get("excludeGuestsOrExternalUsers") else []
        return frozenset([*found, *guests])


def _others(users: Any) -> list[Any]:
    return [one for name in ("excludeUsers", "excludeRoles") for one in users.get(name) or []]
