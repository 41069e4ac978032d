"""Graph's /users and /directoryRoles: who there is, how they sign in, what they belong to."""

from aiohttp import web

from sandbox.answers import GraphError, Json, json_body, page, thing
from sandbox.directory import USUAL_OF_USER, Directory, method_rows, user_row
from sandbox.odata import BadQueryError, matching, ordered, searched, selected

_MOST_GROUPS = 20
_GROUP, _ROLE = "#microsoft.graph.group", "#microsoft.graph.directoryRole"


class People:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def routes(self) -> list[web.RouteDef]:
        user = "/v1.0/users/{user}"
        routes = [
            web.get("/v1.0/users", self._list),
            web.get("/v1.0/users/$count", self._count),
            web.get(user, self._one),
            web.get("/v1.0/directoryObjects/{user}", self._one),
            web.delete(user, self._delete),
            web.get(f"{user}/authentication/methods", self._methods),
            web.post(f"{user}/checkMemberGroups", self._check_groups),
            web.get("/v1.0/directoryRoles", self._roles),
            web.get("/v1.0/directoryRoles/{role}/members", self._role_members),
        ]
        for way in ("memberOf", "transitiveMemberOf"):
            routes += [
                web.get(f"{user}/{way}", self._member_of),
                web.get(f"{user}/{way}/microsoft.graph.{{kind}}", self._member_of),
                web.get(f"{user}/{way}/graph.{{kind}}", self._member_of),  # as the SDK writes it
            ]
        return routes

    async def _list(self, request: web.Request) -> web.Response:
        rows = [selected(row, request.query.get("$select", ""), USUAL_OF_USER) for row in self._asked_for(request)]
        return page(request, "users", rows)

    async def _count(self, request: web.Request) -> web.Response:
        needs_eventual(request, "$count")
        return web.Response(text=str(len(self._asked_for(request))))

    def _asked_for(self, request: web.Request) -> list[Json]:
        rows = [user_row(user) for user in self._directory.users()]
        if "$filter" in request.query:
            rows = matching(rows, request.query["$filter"])
        if "$search" in request.query:
            needs_eventual(request, "$search")
            rows = searched(rows, request.query["$search"])
        return ordered(rows, request.query["$orderby"]) if "$orderby" in request.query else rows

    async def _one(self, request: web.Request) -> web.Response:
        user = self._directory.user(request.match_info["user"])
        row = selected(user_row(user), request.query.get("$select", ""), USUAL_OF_USER)
        return thing(request, "users/$entity", row)

    async def _delete(self, request: web.Request) -> web.Response:
        self._directory.state.delete(self._directory.user(request.match_info["user"]).id)
        return web.Response(status=204)

    async def _methods(self, request: web.Request) -> web.Response:
        user = self._directory.user(request.match_info["user"])
        return page(request, f"users('{user.id}')/authentication/methods", method_rows(user))

    async def _check_groups(self, request: web.Request) -> web.Response:
        asked = (await json_body(request)).get("groupIds")
        if not isinstance(asked, list) or not all(isinstance(group, str) for group in asked) or not asked:
            raise GraphError(400, "Invalid value specified for property 'groupIds' of resource 'User'.")
        if len(asked) > _MOST_GROUPS:
            raise GraphError(400, f"The number of group ids exceeds the maximum of {_MOST_GROUPS}.")
        member_of = self._directory.groups_of(self._directory.user(request.match_info["user"]))
        return page(request, "Collection(Edm.String)", [g.lower() for g in asked if g.lower() in member_of])

    async def _member_of(self, request: web.Request) -> web.Response:
        user = self._directory.user(request.match_info["user"])
        kind = request.match_info.get("kind")
        rows = [{"@odata.type": _GROUP, **self._directory.group_row(g)} for g in self._directory.groups_of(user)]
        if user.privileged:
            rows.append({"@odata.type": _ROLE, **self._directory.role_row()})
        if kind not in (None, "group", "directoryRole"):
            raise BadQueryError(f"The type 'microsoft.graph.{kind}' cannot be used here.")
        wanted = [row for row in rows if kind is None or row["@odata.type"] == f"#microsoft.graph.{kind}"]
        return page(request, "directoryObjects", [kept(row, request) for row in wanted])

    async def _roles(self, request: web.Request) -> web.Response:
        return page(request, "directoryRoles", [self._directory.role_row()])

    async def _role_members(self, request: web.Request) -> web.Response:
        if request.match_info["role"].lower() != self._directory.role_row()["id"]:
            raise GraphError(404)
        holders = [user_row(user) for user in self._directory.users() if user.privileged]
        return page(request, "directoryObjects", [selected(row, "", USUAL_OF_USER) for row in holders])


def kept(row: Json, request: web.Request) -> Json:
    """`$select` on directory objects, whose kinds differ: properties that one does not have are left out."""
    names = [name.strip().lower() for name in request.query.get("$select", "").split(",") if name.strip()]
    return {key: value for key, value in row.items() if not names or key.startswith("@") or key.lower() in names}


def needs_eventual(request: web.Request, what: str) -> None:
    """Graph takes its advanced queries only with this header."""
    if request.headers.get("ConsistencyLevel", "").lower() != "eventual":
        raise GraphError(
            400,
            f"Request with {what} query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'",
            code="Request_UnsupportedQuery",
        )
