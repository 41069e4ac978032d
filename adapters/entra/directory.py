"""People, accounts and groups, read from Entra through Graph."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from msgraph.generated.groups.item.transitive_members.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder,
)
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.transitive_member_of.graph_directory_role.graph_directory_role_request_builder import (  # noqa: E501
    GraphDirectoryRoleRequestBuilder,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from adapters.entra.client import OBJECT_ID, Graph
from domain.errors import Trouble
from domain.people import Account, Caller, Person

_FIELDS = ["id", "displayName", "userPrincipalName", "mail", "accountEnabled", "userType"]
_UNSHOWN = str.maketrans(dict.fromkeys("[]*_`<>#~\\{}|", " "))
MOST_GROUPS = 20
"""Graph's limit for one checkMemberGroups call."""


class EntraDirectory:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def reachable(self) -> None:
        """Raises `Trouble` unless Graph answers."""
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=1, select=["id"])
        await self._graph.call(self._graph.sdk.users.get, query=query)

    async def person(self, entra_id: str) -> Person | None:
        caller = await self.caller(entra_id)
        return caller.person if caller else None

    async def caller(self, entra_id: str) -> Caller | None:
        if not OBJECT_ID.fullmatch(entra_id):
            return None
        found = await self._user(entra_id)
        return Caller(person_of(found), guest=is_guest(found)) if found else None

    async def _user(self, key: str) -> dict[str, Any] | None:
        """`key`: an object id or a UPN; the SDK escapes it."""
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=_FIELDS)
        return await self._graph.call(self._graph.sdk.users.by_user_id(key).get, query=query, none_for=(404,))

    async def find(self, words: str, *, limit: int) -> tuple[Person, ...]:
        words = " ".join(words.split())[:120].strip()
        if "@" in words:
            return await self._by_address(words, limit)
        tokens = re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", words)
        if not tokens or sum(map(len, tokens)) < 2:
            return ()
        searched = " ".join(tokens).replace('"', "")
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            search=f'"displayName:{searched}"', select=_FIELDS, top=limit, orderby=["displayName"], count=True
        )
        return await self._people(query, limit)

    async def _by_address(self, address: str, limit: int) -> tuple[Person, ...]:
        quoted = address.replace("'", "''")
        condition = (
            f"userPrincipalName eq '{quoted}' or mail eq '{quoted}' or proxyAddresses/any(p:p eq 'smtp:{quoted}')"
        )
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=condition, select=_FIELDS, top=limit, count=True
        )
        return await self._people(query, limit)

    async def _people(self, query: Any, limit: int) -> tuple[Person, ...]:
        answer = await self._graph.call(
            self._graph.sdk.users.get, query=query, headers={"ConsistencyLevel": "eventual"}, none_for=(400,)
        )
        people = [person_of(one) for one in (answer or {}).get("value", [])]
        return tuple(sorted(people, key=lambda one: one.name.casefold())[:limit])

    async def account(self, entra_id: str) -> Account | None:
        if not OBJECT_ID.fullmatch(entra_id):
            return None
        builder = self._graph.sdk.users.by_user_id(entra_id)
        user, methods, roles = await asyncio.gather(
            self._user(entra_id),
            self._graph.call(builder.authentication.methods.get, none_for=(404,)),
            self._roles(builder),
        )
        if user is None or methods is None or roles is None:
            return None
        enabled = user.get("accountEnabled")
        if not isinstance(enabled, bool) or not isinstance(methods.get("value"), list):
            raise Trouble("Graph does not tell whether the account is enabled, or which methods it has")
        if not isinstance(roles.get("value"), list):
            raise Trouble("Graph does not tell which directory roles the account has")
        kinds = tuple(dict.fromkeys(method_of(one) for one in methods["value"]))
        ids = tuple(sorted(f"{method_of(one)}:{one.get('id')}" for one in methods["value"]))
        return Account(
            person_of(user),
            enabled,
            kinds,
            privileged=bool(roles["value"]),
            method_ids=ids,
            upn=str(user.get("userPrincipalName") or ""),
            guest=is_guest(user),
        )

    async def _roles(self, builder: Any) -> dict[str, Any] | None:
        """Graph answers a cast only as an advanced query: counted, and eventually consistent."""
        query = GraphDirectoryRoleRequestBuilder.GraphDirectoryRoleRequestBuilderGetQueryParameters(
            count=True, select=["id"]
        )
        roles = builder.transitive_member_of.graph_directory_role
        return await self._graph.call(roles.get, query=query, headers={"ConsistencyLevel": "eventual"}, none_for=(404,))

    async def members(self, group: str, *, limit: int) -> tuple[Person, ...]:
        if not OBJECT_ID.fullmatch(group):
            return ()
        query = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(count=True, select=_FIELDS, top=limit)
        users = self._graph.sdk.groups.by_group_id(group).transitive_members.graph_user
        answer = await self._graph.call(
            users.get, query=query, headers={"ConsistencyLevel": "eventual"}, none_for=(404,)
        )
        return tuple(person_of(one) for one in (answer or {}).get("value", []))[:limit]

    async def groups_of(self, entra_id: str, among: Iterable[str]) -> frozenset[str]:
        wanted = sorted({group for group in among if group})
        if not OBJECT_ID.fullmatch(entra_id) or not wanted:
            return frozenset()
        builder = self._graph.sdk.users.by_user_id(entra_id).check_member_groups
        found: set[str] = set()
        for start in range(0, len(wanted), MOST_GROUPS):
            body = CheckMemberGroupsPostRequestBody(group_ids=wanted[start : start + MOST_GROUPS])
            answer = await self._graph.call(builder.post, body, none_for=(404,))
            found.update(str(one).lower() for one in (answer or {}).get("value", []))
        return frozenset(group for group in wanted if group.lower() in found)


def person_of(user: Any) -> Person:
    """Names are shown on cards, so what could format or link there is taken out of them."""
    try:
        address = str(user.get("mail") or user["userPrincipalName"])
        name = " ".join(str(user.get("displayName") or "").translate(_UNSHOWN).split())
        return Person(id=str(user["id"]).lower(), name=name[:120] or address, address=address)
    except (KeyError, TypeError, AttributeError) as error:
        raise Trouble("Graph's answer about a user has another shape than expected") from error


def is_guest(user: Any) -> bool:
    """Accounts from before Entra knew guests have no user type: they are the tenant's own, unless the UPN says so."""
    kind = str(user.get("userType") or "").casefold()
    return kind == "guest" or (not kind and "#ext#" in str(user.get("userPrincipalName") or "").casefold())


def method_of(method: Any) -> str:
    """`#microsoft.graph.phoneAuthenticationMethod` is `phone`."""
    kind = str(method.get("@odata.type", "")) if isinstance(method, dict) else ""
    return kind.removeprefix("#microsoft.graph.").removesuffix("AuthenticationMethod")
