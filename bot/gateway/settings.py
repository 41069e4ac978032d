"""What the gateway must be told. Values only: nothing here reads the environment, a file or the network."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

TEAMS_HOSTS = frozenset(
    {
        "smba.trafficmanager.net",
        "*.botframework.com",
        "smba.infra.gcc.teams.microsoft.com",
        "smba.infra.gov.teams.microsoft.us",
    }
)
"""The only hosts that a real Teams activity may name as its serviceUrl."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class AppType(StrEnum):
    """How the bot is registered, in Azure's words (`MicrosoftAppType`)."""

    SINGLE_TENANT = "SingleTenant"
    MULTI_TENANT = "MultiTenant"
    MANAGED_IDENTITY = "UserAssignedMSI"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that holds the client secret. It is read for each token, so a new secret needs no restart."""

    file: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """`pem_file` holds the private key, and the certificate where `thumbprint` (SHA-1 in hexadecimal) is empty.

    It is read for each token. With the certificate in it, another key and certificate need no restart.
    """

    pem_file: str
    thumbprint: str = ""


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A user-assigned identity of the machine; its client id is the app id."""


Credentials = ClientSecret | SecretFile | Certificate | ManagedIdentity


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Raises ValueError, with a sentence, when the combination could not be safe.

    `open_loopback` is the sandbox: no token is asked for or sent, and only loopback is talked to.
    """

    app_id: str
    app_tenant_id: str
    allowed_tenants: frozenset[str]
    """Entra tenants whose people may talk to the bot, in lower case."""
    credentials: Credentials | None
    app_type: AppType = AppType.SINGLE_TENANT
    metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    issuer: str = "https://api.botframework.com"
    authority: str = "https://login.microsoftonline.com"
    """The login service, without a tenant."""
    service_hosts: frozenset[str] = TEAMS_HOSTS
    """`host`, `*.host` (anything below it) or `host:port`; without a port only 443 will do."""
    open_loopback: bool = False
    ca_file: str = ""
    """PEM file of authorities to trust instead of the system's (an inspecting proxy, or tests)."""

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise ValueError(" ".join(problems))

    def _problems(self) -> list[str]:
        found = []
        if not self.allowed_tenants or any(tenant != tenant.lower().strip() for tenant in self.allowed_tenants):
            found.append("At least one allowed tenant is needed, in lower case.")
        if self.open_loopback:
            if self.credentials is not None:
                found.append("The sandbox must not hold the bot's credentials.")
            return found
        if not _GUID.fullmatch(self.app_id):
            found.append("The app id must be a GUID: without it nothing that comes in could be checked.")
        if self.app_type is AppType.SINGLE_TENANT and not _GUID.fullmatch(self.app_tenant_id):
            found.append("A single-tenant bot needs its tenant id, a GUID.")
        if self.credentials is None:
            found.append("The bot needs a client secret, a certificate or a managed identity.")
        if (self.app_type is AppType.MANAGED_IDENTITY) != isinstance(self.credentials, ManagedIdentity):
            found.append("A managed identity goes with the app type UserAssignedMSI, and only with it.")
        if not self.service_hosts:
            found.append("At least one host must be allowed as serviceUrl.")
        found += [
            f"{name} must be an https address."
            for name, url in (("The metadata URL", self.metadata_url), ("The login authority", self.authority))
            if not url.startswith("https://")
        ]
        return found
