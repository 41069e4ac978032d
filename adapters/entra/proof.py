"""Whether an exemption has its effect: asked of Conditional Access's What If.

https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate
"""

from typing import Any

from msgraph.generated.identity.conditional_access.evaluate.evaluate_post_request_body import EvaluatePostRequestBody
from msgraph.generated.models.application_context import ApplicationContext
from msgraph.generated.models.conditional_access_client_app import ConditionalAccessClientApp
from msgraph.generated.models.conditional_access_device_platform import ConditionalAccessDevicePlatform
from msgraph.generated.models.sign_in_conditions import SignInConditions
from msgraph.generated.models.user_sign_in import UserSignIn

from adapters.entra.client import Graph
from adapters.entra.exemptions import checked
from domain.errors import Trouble, Unproved

EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
"""Office 365 Exchange Online, the same app id in each tenant: whoever has NHSmail signs in there."""
_LEAVES_OUT = "users"
"""The reason that What If gives where a policy leaves this user out."""


class WhatIf:
    """`policy`: the id of the Conditional Access policy that asks for MFA. Needs Policy.Read.ConditionalAccess."""

    def __init__(self, graph: Graph, policy: str) -> None:
        self._graph = graph
        self._policy = policy

    async def not_asked(self, entra_id: str) -> None:
        """Not applying for another reason than the user is no proof: it may be asked for at the next sign-in."""
        body = EvaluatePostRequestBody(
            sign_in_identity=UserSignIn(user_id=checked(entra_id)),
            sign_in_context=ApplicationContext(include_applications=[EXCHANGE]),
            sign_in_conditions=SignInConditions(
                client_app_type=ConditionalAccessClientApp.Browser,
                device_platform=ConditionalAccessDevicePlatform.Windows,
            ),
            applied_policies_only=False,
        )
        answer = await self._graph.call(self._graph.sdk.identity.conditional_access.evaluate.post, body)
        applies, reasons = self._result((answer or {}).get("value"))
        if applies:
            raise Unproved(
                "Entra shows the account in the exemption group, but What If still applies the MFA policy. If this "
                "goes on, check in Entra that the policy leaves the exemption group out"
            )
        if _LEAVES_OUT not in reasons:
            raise Unproved(
                f"What If does not apply the MFA policy, but not because of the account ({', '.join(reasons)}). Check "
                "in Entra that the policy is on and covers Exchange Online"
            )

    def _result(self, rows: Any) -> tuple[bool, tuple[str, ...]]:
        """Whether the policy applies, and the reasons why it does not."""
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Trouble("What If's answer has another shape than expected")
        found = next((row for row in rows if str(row.get("id", "")).lower() == self._policy.lower()), None)
        if found is None:
            raise Trouble("What If does not know the policy that MFA_POLICY_ID names: give the id of the MFA policy")
        if not isinstance(found.get("policyApplies"), bool):
            raise Trouble("What If does not tell whether the MFA policy applies")
        given = found.get("analysisReasons") or ""
        reasons = given if isinstance(given, list) else str(given).split(",")
        return found["policyApplies"], tuple(str(reason).strip() for reason in reasons)
