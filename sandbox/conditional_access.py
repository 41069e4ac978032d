"""Graph's Conditional Access: two policies, What If about them, and signing somebody out everywhere.

The policy that asks for MFA leaves the exemption groups out, unless `/sandbox/conditional-access` says otherwise.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from sandbox.answers import GraphError, Json, json_body, not_found, page, thing
from sandbox.clock import MovableClock
from sandbox.directory import Directory
from sandbox.doors import body_of, refused

_EXCLUDED, _PROPAGATION = "exclude_groups", "propagation"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_OLD_CLIENTS = ["exchangeActiveSync", "other"]
_MOST_SECONDS = 10_000_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access:
    def __init__(self, directory: Directory, clock: MovableClock) -> None:
        self._directory = directory
        self._state = directory.state
        self._clock = clock
        self._since = dict.fromkeys(self._memberships(), _LONG_AGO)
        """When each member joined each group. Forgotten when the process ends: then all joined long ago."""

    def routes(self) -> list[web.RouteDef]:
        access = "/v1.0/identity/conditionalAccess"
        return [
            web.get(f"{access}/policies", self._policies),
            web.get(f"{access}/policies/{{policy}}", self._policy),
            web.post(f"{access}/evaluate", self._evaluate),
            web.post("/v1.0/users/{user}/revokeSignInSessions", self._revoke),
            web.post("/v1.0/users/{user}/microsoft.graph.revokeSignInSessions", self._revoke),
            web.get("/sandbox/conditional-access", self._shown),
            web.post("/sandbox/conditional-access", self._change),
            web.get("/sandbox/propagation", self._delay),
            web.post("/sandbox/propagation", self._set_delay),
        ]

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Notes who has joined, whoever made them a member."""
        try:
            return await handler(request)
        finally:
            now = self._clock.now()
            self._since = {pair: self._since.get(pair, now) for pair in self._memberships()}

    def _memberships(self) -> list[tuple[str, str]]:
        groups = set(self._directory.tenant.groups.values())
        return [(group, user) for group in groups for user in self._state.members(group)]

    def _rows(self) -> list[Json]:
        mfa = self._directory.tenant.conditional_access.policy
        old = str(uuid5(NAMESPACE_URL, f"{mfa}/old-clients"))
        return [
            _row(mfa, "Require MFA for all users", self._excluded(), ["all"], "mfa"),
            _row(old, "Block legacy authentication", [], _OLD_CLIENTS, "block"),
        ]

    def _excluded(self) -> list[str]:
        groups = self._directory.tenant.groups
        kept = self._state.setting(_EXCLUDED)
        return [groups["exempt_short"], groups["exempt_long"]] if kept is None else list(kept)

    async def _policies(self, request: web.Request) -> web.Response:
        return page(request, "identity/conditionalAccess/policies", self._rows())

    async def _policy(self, request: web.Request) -> web.Response:
        key = request.match_info["policy"]
        row = next((row for row in self._rows() if row["id"] == key.lower()), None)
        if row is None:
            raise not_found(key)
        return thing(request, "identity/conditionalAccess/policies/$entity", row)

    async def _evaluate(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        for name in ("signInIdentity", "signInContext", "signInConditions"):
            if not isinstance(body.get(name), dict):
                raise GraphError(400, f"The parameter '{name}' is missing.", code="BadRequest")
        user = self._directory.user(str(body["signInIdentity"].get("userId", ""))).id
        client = str(body["signInConditions"].get("clientAppType") or "all")
        rows = [row | self._result(row, user, client) for row in self._rows()]
        if body.get("appliedPoliciesOnly") is True:
            rows = [row for row in rows if row["policyApplies"]]
        return page(request, "Collection(microsoft.graph.whatIfAnalysisResult)", rows)

    def _result(self, row: Json, user: str, client: str) -> Json:
        conditions = row["conditions"]
        if any(self._left_out(group, user) for group in conditions["users"]["excludeGroups"]):
            return {"policyApplies": False, "analysisReasons": "users"}
        clients = conditions["clientAppTypes"]
        if "all" not in clients and client not in clients:
            return {"policyApplies": False, "analysisReasons": "clientApps"}
        return {"policyApplies": True, "analysisReasons": "notSet"}

    def _left_out(self, group: str, user: str) -> bool:
        since = self._since.get((group, user))
        delay = timedelta(seconds=self._state.setting(_PROPAGATION) or 0)
        return since is not None and self._clock.now() - since >= delay

    async def _revoke(self, request: web.Request) -> web.Response:
        """There are no sessions to end: /sandbox/calls shows that it was asked for."""
        self._directory.user(request.match_info["user"])
        return thing(request, "Edm.Boolean", {"value": True})

    async def _shown(self, _: web.Request) -> web.Response:
        policy = self._directory.tenant.conditional_access.policy
        return web.json_response({"policy": policy, "exclude_groups": self._excluded()})

    async def _change(self, request: web.Request) -> web.Response:
        groups = self._directory.tenant.groups
        match await body_of(request):
            case {"exclude_groups": [*given], **rest} if not rest and all(isinstance(one, str) for one in given):
                wanted = [groups.get(one, one.lower()) for one in given]
            case _:
                return refused('Send {"exclude_groups": ["exempt_short"]}: names from [groups], or ids.')
        for one in wanted:
            if one not in groups.values():
                return refused(f"{one} is not in [groups]. Write some of: {', '.join(groups)}.")
        self._state.keep(_EXCLUDED, list(dict.fromkeys(wanted)))
        return await self._shown(request)

    async def _delay(self, _: web.Request) -> web.Response:
        return web.json_response({"seconds": self._state.setting(_PROPAGATION) or 0})

    async def _set_delay(self, request: web.Request) -> web.Response:
        match await body_of(request):
            case {"seconds": int(seconds), **rest} if (
                not rest and seconds is not True and 0 <= seconds <= _MOST_SECONDS
            ):
                self._state.keep(_PROPAGATION, seconds)
            case _:
                return refused(f'Send {{"seconds": 60}}: a whole number from 0 to {_MOST_SECONDS}.')
        return await self._delay(request)


def _row(policy: str, name: str, excluded: list[str], clients: list[str], control: str) -> Json:
    users = {"includeUsers": ["All"], "excludeUsers": [], "includeGroups": [], "excludeGroups": excluded}
    return {
        "id": policy,
        "displayName": name,
        "state": "enabled",
        "conditions": {
            "clientAppTypes": clients,
            "applications": {"includeApplications": ["All"], "excludeApplications": []},
            "users": users,
        },
        "grantControls": {"operator": "OR", "builtInControls": [control]},
        "sessionControls": None,
    }
