"""Asks Microsoft's login service for the bot's own tokens. It blocks: only `token.py` calls it, in a thread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msal
import requests

from bot.gateway.settings import AppType, Certificate, ClientSecret, GatewaySettings, SecretFile
from domain.errors import Trouble

CONNECTOR = "https://api.botframework.com"
GRAPH = "https://graph.microsoft.com"
_SECONDS = 8


@dataclass(frozen=True, slots=True)
class Issued:
    value: str = field(repr=False)
    lifetime: float
    """Seconds."""


def token_source(settings: GatewaySettings, resource: str = CONNECTOR) -> Callable[[], Issued]:
    """A function that fetches a new token for `resource` each time; it raises `Trouble` and nothing else."""
    return partial(_fetch, settings, resource)


def _fetch(settings: GatewaySettings, resource: str) -> Issued:
    try:
        # A new application each time: MSAL's own cache would hand out again a token that Teams has refused.
        with requests.Session() as session:
            # Given with each request: REQUESTS_CA_BUNDLE would win over the session's own.
            options: dict[str, Any] = {"timeout": _SECONDS, "allow_redirects": False}
            if settings.ca_file:
                options["verify"] = settings.ca_file
            session.request = partial(session.request, **options)  # type: ignore[method-assign]
            return _issued(_ask(settings, resource, session))
    except Trouble:
        raise
    except Exception as error:
        raise Trouble("The Microsoft login service gave no usable answer.", silent=True) from error


def _ask(settings: GatewaySettings, resource: str, session: requests.Session) -> Mapping[str, Any]:
    answer: Mapping[str, Any]
    if settings.app_type is AppType.MANAGED_IDENTITY:
        identity = msal.UserAssignedManagedIdentity(client_id=settings.app_id)
        answer = msal.ManagedIdentityClient(identity, http_client=session).acquire_token_for_client(resource=resource)
        return answer
    # A multi-tenant bot's connector token comes from Bot Framework's own tenant, Graph's from the one that it serves.
    own = settings.app_type is AppType.SINGLE_TENANT or resource != CONNECTOR
    tenant = settings.app_tenant_id if own else "botframework.com"
    application = msal.ConfidentialClientApplication(
        settings.app_id,
        client_credential=_credential(settings),
        authority=f"{settings.authority.rstrip('/')}/{tenant}",
        # The operator named the authority; asking the public cloud whether it is known adds a request and a dependence.
        instance_discovery=False,
        http_client=session,
    )
    answer = application.acquire_token_for_client(scopes=[f"{resource}/.default"])
    return answer


def _credential(settings: GatewaySettings) -> str | dict[str, str]:
    match settings.credentials:
        case ClientSecret(secret):
            return secret
        case SecretFile(file):
            secret = Path(file).read_text(encoding="utf-8").strip()
            if not secret:
                # It may be in the middle of being written: the next try reads it again.
                raise Trouble("The file of the bot's secret is empty.")
            return secret
        case Certificate(pem_file, thumbprint):
            pem = Path(pem_file).read_text(encoding="ascii")
            # Without a thumbprint MSAL takes the certificate's own, by SHA-256.
            return {"private_key": pem} | ({"thumbprint": thumbprint} if thumbprint else {"public_certificate": pem})
        case _:
            raise Trouble("The bot has no credentials for the login service.", for_good=True)


def _issued(answer: Mapping[str, Any]) -> Issued:
    value, lifetime = answer.get("access_token"), answer.get("expires_in")
    if isinstance(value, str) and value.isascii() and value.isprintable() and value and isinstance(lifetime, int):
        return Issued(value, float(lifetime))
    # Only the error's code: the description may quote what was sent.
    raise Trouble(f"The Microsoft login service gave no token ({str(answer.get('error', 'no reason'))[:60]}).")
