"""Members of the exemption groups in Entra: added, removed and read back through Graph."""

from datetime import datetime
from typing import Any

from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)

from adapters.entra.client import OBJECT_ID, Graph
from domain.errors import Trouble

_ALREADY = "already exist"


class EntraExemptions:
    """Removes only by `/groups/{g}/members/{u}/$ref`: without the `$ref` Graph deletes the user."""

    def __init__(self, graph: Graph, base_url: str) -> None:
        self._graph = graph
        self._base_url = base_url

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:  # noqa: ARG002
        """A member stays until removed: Entra is told neither an end nor a reference."""
        await self.join(group, entra_id)

    async def join(self, group: str, entra_id: str) -> bool:
        """False for somebody who was a member already."""
        body = ReferenceCreate(odata_id=f"{self._base_url}/directoryObjects/{checked(entra_id)}")
        return await self._graph.call(self._members(group).ref.post, body, fine=(400, _ALREADY)) is not None

    async def remove(self, group: str, entra_id: str) -> None:
        reference = self._members(group).by_directory_object_id(checked(entra_id)).ref
        await self._graph.call(reference.delete, none_for=(404,))

    async def contains(self, group: str, entra_id: str) -> bool:
        """Asked as Conditional Access asks: also through another group. Somebody deleted is in no group."""
        builder = self._graph.sdk.users.by_user_id(checked(entra_id)).check_member_groups
        body = CheckMemberGroupsPostRequestBody(group_ids=[checked(group)])
        answer = await self._graph.call(builder.post, body, none_for=(404,))
        if answer is None:
            return False
        if not isinstance(answer.get("value"), list):
            raise Trouble("Graph does not tell whether the account is in the group")
        return group.lower() in {str(one).lower() for one in answer["value"]}

    def _members(self, group: str) -> Any:
        return self._graph.sdk.groups.by_group_id(checked(group)).members


def checked(entra_id: str) -> str:
    """The same, where it can be an object id. Anything else never reaches a URL."""
    if not OBJECT_ID.fullmatch(entra_id):
        raise Trouble("this is not an object id of Entra", for_good=True)
    return entra_id
