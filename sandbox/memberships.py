"""Graph's /groups: who is a member, adding and removing. A DELETE without `/$ref` deletes the user, as in Graph."""

import re

from aiohttp import web

from sandbox.answers import GraphError, Json, json_body, not_found, page, thing
from sandbox.directory import GROUP, USER, Directory, user_row
from sandbox.lists import asked_for, counted, linked, listed, only_advanced
from sandbox.odata import selected

_REFERENCE = re.compile(r".*/(?:directoryObjects|users)/([^/\s]+)")


class Memberships:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def routes(self) -> list[web.RouteDef]:
        group = "/v1.0/groups/{group}"
        return [
            web.get("/v1.0/groups", self._groups),
            web.get("/v1.0/groups/$count", self._groups_count),
            web.get(group, self._group),
            web.get(f"{group}/members", self._direct_members),
            web.get(f"{group}/members/$count", self._count),
            web.get(f"{group}/members/$ref", self._references),
            web.get(f"{group}/members/microsoft.graph.user", self._cast),
            web.get(f"{group}/members/graph.user", self._cast),  # as the SDK writes it
            web.get(f"{group}/transitiveMembers", self._members),
            web.get(f"{group}/transitiveMembers/$count", self._count),
            web.get(f"{group}/transitiveMembers/microsoft.graph.user", self._cast),
            web.get(f"{group}/transitiveMembers/graph.user", self._cast),
            web.post(f"{group}/members/$ref", self._add),
            web.delete(f"{group}/members/{{user}}/$ref", self._remove),
            web.delete(f"{group}/members/{{user}}", self._delete_user),
        ]

    def _named(self, request: web.Request) -> str:
        return self._directory.group(request.match_info["group"])

    def _rows(self, request: web.Request) -> list[Json]:
        """People only: a group that is a member is not listed itself."""
        transitive = "/transitiveMembers" in request.path
        members = self._directory.transitive_members if transitive else self._directory.members
        return [user_row(user) for user in members(self._named(request))]

    async def _groups(self, request: web.Request) -> web.Response:
        return listed(request, "groups", self._directory.groups(), GROUP)

    async def _groups_count(self, request: web.Request) -> web.Response:
        return counted(request, self._directory.groups(), GROUP)

    async def _group(self, request: web.Request) -> web.Response:
        names = GROUP.chosen(request.query.get("$select", ""))
        row = self._directory.group_row(self._named(request))
        return thing(request, "groups/$entity", selected(row, names))

    async def _direct_members(self, request: web.Request) -> web.Response:
        """Users, and groups within the group."""
        nested = [{"@odata.type": GROUP.odata_type, **row} for row in self._directory.nested(self._named(request))]
        return linked(request, [*self._rows(request), *nested], USER)

    async def _members(self, request: web.Request) -> web.Response:
        return linked(request, self._rows(request), USER)

    async def _cast(self, request: web.Request) -> web.Response:
        only_advanced(request)
        return await self._members(request)

    async def _count(self, request: web.Request) -> web.Response:
        return counted(request, self._rows(request), USER, link=True)

    async def _references(self, request: web.Request) -> web.Response:
        root = request.url.origin() / "v1.0" / "directoryObjects"
        found = asked_for(request, self._rows(request), USER, link=True)
        return page(request, "Collection($ref)", [{"@odata.id": str(root / row["id"])} for row in found])

    async def _add(self, request: web.Request) -> web.Response:
        group = self._named(request)
        reference = _REFERENCE.fullmatch(str((await json_body(request)).get("@odata.id", "")))
        if not reference:
            raise GraphError(400, "Invalid URL format specified in '@odata.id'.")
        if not self._directory.state.add(group, [self._directory.object_row(reference[1])["id"]]):
            raise GraphError(
                400,
                "One or more added object references already exist for the following modified properties: 'members'.",
            )
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        group = self._named(request)
        member = self._directory.object_row(request.match_info["user"])["id"]
        if not self._directory.state.remove(group, member):
            raise not_found(member)
        return web.Response(status=204)

    async def _delete_user(self, request: web.Request) -> web.Response:
        self._named(request)
        self._directory.state.delete(self._directory.user(request.match_info["user"]).id)
        return web.Response(status=204)
