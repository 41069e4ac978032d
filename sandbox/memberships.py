"""Graph's /groups: who is a member, adding and removing. A DELETE without `/$ref` deletes the user, as in Graph."""

import re

from aiohttp import web

from sandbox.answers import GraphError, json_body, page, thing
from sandbox.directory import USUAL_OF_USER, Directory, user_row
from sandbox.odata import matching, searched, selected
from sandbox.people import needs_eventual

_REFERENCE = re.compile(r".*/(?:directoryObjects|users)/([^/]+)")


class Memberships:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def routes(self) -> list[web.RouteDef]:
        group = "/v1.0/groups/{group}"
        return [
            web.get("/v1.0/groups", self._groups),
            web.get(group, self._group),
            web.get(f"{group}/members", self._members),
            web.get(f"{group}/members/$count", self._count),
            web.get(f"{group}/members/$ref", self._references),
            web.get(f"{group}/members/microsoft.graph.user", self._members),
            web.get(f"{group}/transitiveMembers", self._members),
            web.get(f"{group}/transitiveMembers/microsoft.graph.user", self._members),
            web.post(f"{group}/members/$ref", self._add),
            web.delete(f"{group}/members/{{user}}/$ref", self._remove),
            web.delete(f"{group}/members/{{user}}", self._delete_user),
        ]

    def _named(self, request: web.Request) -> str:
        return self._directory.group(request.match_info["group"])

    async def _groups(self, request: web.Request) -> web.Response:
        rows = [self._directory.group_row(group) for group in self._directory.tenant.groups.values()]
        if "$filter" in request.query:
            rows = matching(rows, request.query["$filter"])
        return page(request, "groups", rows)

    async def _group(self, request: web.Request) -> web.Response:
        return thing(request, "groups/$entity", self._directory.group_row(self._named(request)))

    async def _members(self, request: web.Request) -> web.Response:
        rows = [user_row(user) for user in self._directory.members(self._named(request))]
        if "$filter" in request.query:
            needs_eventual(request, "$filter")
            rows = matching(rows, request.query["$filter"])
        if "$search" in request.query:
            needs_eventual(request, "$search")
            rows = searched(rows, request.query["$search"])
        select = request.query.get("$select", "")
        shown = [{"@odata.type": "#microsoft.graph.user", **selected(row, select, USUAL_OF_USER)} for row in rows]
        return page(request, "directoryObjects", shown)

    async def _count(self, request: web.Request) -> web.Response:
        needs_eventual(request, "$count")
        return web.Response(text=str(len(self._directory.members(self._named(request)))))

    async def _references(self, request: web.Request) -> web.Response:
        root = request.url.origin() / "v1.0" / "directoryObjects"
        members = self._directory.members(self._named(request))
        return page(request, "Collection($ref)", [{"@odata.id": str(root / user.id)} for user in members])

    async def _add(self, request: web.Request) -> web.Response:
        group = self._named(request)
        reference = _REFERENCE.fullmatch(str((await json_body(request)).get("@odata.id", "")))
        if not reference:
            raise GraphError(400, "Invalid URL format specified in '@odata.id'.")
        user = self._directory.user(reference[1])
        if not self._directory.state.add(group, [user.id]):
            raise GraphError(
                400,
                "One or more added object references already exist for the following modified properties: 'members'.",
            )
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        group = self._named(request)
        user = self._directory.user(request.match_info["user"])
        if not self._directory.state.remove(group, user.id):
            raise GraphError(
                404,
                f"Resource '{user.id}' does not exist or one of its queried reference-property objects "
                "are not present.",
            )
        return web.Response(status=204)

    async def _delete_user(self, request: web.Request) -> web.Response:
        self._named(request)
        self._directory.state.delete(self._directory.user(request.match_info["user"]).id)
        return web.Response(status=204)
