"""Graph's /users and /directoryRoles: who there is, how they sign in, what they belong to."""

from aiohttp import web

from sandbox.answers import GraphError, Json, json_body, page, thing
from sandbox.directory import GROUP, ROLE, USER, Directory, method_rows, user_row
from sandbox.lists import counted, linked, listed
from sandbox.odata import BadQueryError, selected

_MOST_GROUPS = 20
_KINDS = (None, "group", "directoryRole", "administrativeUnit")


class People:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def routes(self) -> list[web.RouteDef]:
        user = "/v1.0/users/{user}"
        routes = [
            web.get("/v1.0/users", self._list),
            web.get("/v1.0/users/$count", self._count),
            web.get(user, self._one),
            web.get("/v1.0/directoryObjects/{object}", self._object),
            web.delete(user, self._delete),
            web.get(f"{user}/authentication/methods", self._methods),
            web.post(f"{user}/checkMemberGroups", self._check_groups),
            web.get("/v1.0/directoryRoles", self._roles),
            web.get("/v1.0/directoryRoles/{role}", self._role),
            web.get("/v1.0/directoryRoles/{role}/members", self._role_members),
        ]
        for way in ("memberOf", "transitiveMemberOf"):
            routes += [
                web.get(f"{user}/{way}", self._member_of),
                web.get(f"{user}/{way}/microsoft.graph.{{kind}}", self._member_of),
                web.get(f"{user}/{way}/graph.{{kind}}", self._member_of),  # as the SDK writes it
            ]
        return routes

    def _rows(self) -> list[Json]:
        return [user_row(user) for user in self._directory.users()]

    async def _list(self, request: web.Request) -> web.Response:
        return listed(request, "users", self._rows(), USER)

    async def _count(self, request: web.Request) -> web.Response:
        return counted(request, self._rows(), USER)

    async def _one(self, request: web.Request) -> web.Response:
        names = USER.chosen(request.query.get("$select", ""))
        user = self._directory.user(request.match_info["user"])
        return thing(request, "users/$entity", selected(user_row(user), names))

    async def _object(self, request: web.Request) -> web.Response:
        key = request.match_info["object"]
        kind, row = USER, self._directory.object_row(key)
        if "userPrincipalName" not in row:
            kind = GROUP
        names = kind.chosen(request.query.get("$select", ""))
        values = {"@odata.type": kind.odata_type, **selected(row, names)}
        return thing(request, "directoryObjects/$entity", values)

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
        member_of = self._directory.transitive_groups_of(self._directory.user(request.match_info["user"]))
        found = [group for group in dict.fromkeys(map(str.lower, asked)) if group in member_of]
        return page(request, "Collection(Edm.String)", found)

    async def _member_of(self, request: web.Request) -> web.Response:
        user = self._directory.user(request.match_info["user"])
        wanted = request.match_info.get("kind")
        if wanted not in _KINDS:
            raise BadQueryError(f"The type 'microsoft.graph.{wanted}' cannot be used here.")
        transitive = "/transitiveMemberOf" in request.path
        member_of = self._directory.transitive_groups_of if transitive else self._directory.groups_of
        groups = [self._directory.group_row(group) for group in member_of(user)]
        roles = [self._directory.role_row()] if user.privileged else []
        kind = {"group": GROUP, "directoryRole": ROLE}.get(wanted or "")
        if kind is not None:
            return linked(request, groups if kind is GROUP else roles, kind)
        mixed = [{"@odata.type": GROUP.odata_type, **row} for row in groups]
        mixed += [{"@odata.type": ROLE.odata_type, **row} for row in roles]
        return page(request, "directoryObjects", [_kept(row, request) for row in mixed if wanted is None])

    async def _roles(self, request: web.Request) -> web.Response:
        return listed(request, "directoryRoles", [self._directory.role_row()], ROLE)

    async def _role(self, request: web.Request) -> web.Response:
        names = ROLE.chosen(request.query.get("$select", ""))
        row = self._directory.role(request.match_info["role"])
        return thing(request, "directoryRoles/$entity", selected(row, names))

    async def _role_members(self, request: web.Request) -> web.Response:
        self._directory.role(request.match_info["role"])
        holders = [user_row(user) for user in self._directory.users() if user.privileged]
        return linked(request, holders, USER)


def _kept(row: Json, request: web.Request) -> Json:
    """`$select` on directory objects, whose kinds differ: properties that one does not have are left out."""
    names = [name.strip().lower() for name in request.query.get("$select", "").split(",") if name.strip()]
    return {key: value for key, value in row.items() if not names or key.startswith("@") or key.lower() in names}
