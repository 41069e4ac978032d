"""Graph's installed apps of a user: the bot's app is installed, and its chat is found. No Teams is behind it."""

from typing import Any

from aiohttp import web

from sandbox.answers import GraphError, json_body, page, thing
from sandbox.directory import Directory


class Teamwork:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._installed: dict[str, set[str]] = {}
        """App ids by user id. Forgotten when the process ends."""

    def routes(self) -> list[web.RouteDef]:
        apps = "/v1.0/users/{user}/teamwork/installedApps"
        return [
            web.post(apps, self._install),
            web.get(apps, self._list),
            web.get(f"{apps}/{{installation}}/chat", self._chat),
        ]

    def _of(self, request: web.Request) -> set[str]:
        return self._installed.setdefault(self._directory.user(request.match_info["user"]).id, set())

    async def _install(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await json_body(request)
        app = str(body.get("teamsApp@odata.bind", "")).rpartition("/appCatalogs/teamsApps/")[2]
        if not app:
            raise GraphError(400, "The property 'teamsApp@odata.bind' is missing.", code="BadRequest")
        if app in self._of(request):
            raise GraphError(409, "The specified app is already installed for the user.", code="Conflict")
        self._of(request).add(app)
        return web.Response(status=201)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("$filter", "")
        rows = [
            {"id": f"installation-{app}", "teamsApp": {"id": app}}
            for app in sorted(self._of(request))
            if not wanted or f"teamsApp/id eq '{app}'" == wanted
        ]
        return page(request, "users/teamwork/installedApps", rows)

    async def _chat(self, request: web.Request) -> web.Response:
        user = self._directory.user(request.match_info["user"]).id
        app = request.match_info["installation"].removeprefix("installation-")
        if app not in self._of(request):
            raise GraphError(404)
        return thing(request, "chats/$entity", {"id": f"19:{user}_{app}@unq.gbl.spaces", "chatType": "oneOnOne"})
