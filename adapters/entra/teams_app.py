"""Installs the bot's app for somebody through Graph, so that they can be told something in Teams."""

from msgraph.generated.models.user_scope_teams_app_installation import UserScopeTeamsAppInstallation
from msgraph.generated.users.item.teamwork.installed_apps.installed_apps_request_builder import (
    InstalledAppsRequestBuilder,
)

from adapters.entra.client import OBJECT_ID, Graph


class GraphTeamsApp:
    """`app_id`: the app's id in the tenant's app catalogue. Needs TeamsAppInstallation.ReadWriteSelfForUser.All."""

    def __init__(self, graph: Graph, base_url: str, app_id: str) -> None:
        self._graph = graph
        self._base_url = base_url
        self._app_id = app_id

    async def chat_of(self, entra_id: str) -> str:
        if not OBJECT_ID.fullmatch(entra_id):
            return ""
        apps = self._graph.sdk.users.by_user_id(entra_id).teamwork.installed_apps
        body = UserScopeTeamsAppInstallation(
            additional_data={"teamsApp@odata.bind": f"{self._base_url}/appCatalogs/teamsApps/{self._app_id}"}
        )
        await self._graph.call(apps.post, body, none_for=(404, 409))
        query = InstalledAppsRequestBuilder.InstalledAppsRequestBuilderGetQueryParameters(
            filter=f"teamsApp/id eq '{self._app_id}'", expand=["teamsApp"]
        )
        found = (await self._graph.call(apps.get, query=query, none_for=(404,)) or {}).get("value", [])
        if not found:
            return ""
        installed = apps.by_user_scope_teams_app_installation_id(str(found[0]["id"]))
        chat = await self._graph.call(installed.chat.get, none_for=(404,))
        return str((chat or {}).get("id", ""))
