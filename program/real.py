"""The real bot: Microsoft's cloud, and the operator's database."""

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import structlog

from adapters.database import migrate
from adapters.settings import BadSettingsError, Real
from bot.gateway.login import GRAPH as GRAPH_RESOURCE
from bot.gateway.login import token_source
from bot.gateway.settings import (
    TEAMS_HOSTS,
    AppType,
    Certificate,
    ClientSecret,
    Credentials,
    GatewaySettings,
    ManagedIdentity,
    SecretFile,
)
from bot.gateway.token import BotToken
from program.bot import Bot, Role, policy_of
from program.terminal import asked_to_stop, keep_what_is_loaded

GRAPH = "https://graph.microsoft.com/v1.0"
OPENID_METADATA = "https://login.botframework.com/v1/.well-known/openidconfiguration"
log = structlog.get_logger("bot.app")


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def serve(settings: Real, role: Role) -> int:
    common = settings.common
    policy = policy_of(common)
    await needs_this_version(common.database_url)
    gateway = gateway_settings(settings)
    token = BotToken(token_source(gateway, GRAPH_RESOURCE))
    bot = Bot(
        common, policy, gateway, common.database_url, graph_url(), token, settings.groups,
        settings.tenant_id, settings.team, settings.mailbox, RealClock(), settings.evidence_keys,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        stack.push_async_callback(token.close)
        stopped = asked_to_stop()  # what has begun is to end in order
        await stack.enter_async_context(bot.running(role))
        keep_what_is_loaded()
        log.info("ready", port=common.port, policy=policy.version)
        await stopped.wait()
    return 0


async def needs_this_version(database_url: str) -> None:
    if not await asyncio.to_thread(migrate.is_current, database_url):
        raise BadSettingsError(("The database is not up to this version. Run “python app.py migrate” first.",))


def graph_url() -> str:
    return os.environ.get("GRAPH_URL", "").strip() or GRAPH


def gateway_settings(settings: Real) -> GatewaySettings:
    try:
        return GatewaySettings(
            app_id=settings.app_id,
            app_tenant_id=settings.tenant_id,
            allowed_tenants=frozenset({settings.tenant_id}),
            credentials=_credentials(settings),
            app_type=AppType(settings.app_type),
            authority=os.environ.get("MICROSOFT_AUTHORITY", "").strip() or "https://login.microsoftonline.com",
            ca_file=os.environ.get("MICROSOFT_CA_FILE", "").strip(),
            metadata_url=os.environ.get("MICROSOFT_METADATA_URL", "").strip() or OPENID_METADATA,
            service_hosts=_service_hosts(),
        )
    except ValueError as error:
        raise BadSettingsError((str(error),)) from None


def _service_hosts() -> frozenset[str]:
    """Teams' own hosts, or those that a national cloud or a test names."""
    named = os.environ.get("MICROSOFT_SERVICE_HOSTS", "").split()
    return frozenset(named) or TEAMS_HOSTS


def _credentials(settings: Real) -> Credentials:
    if settings.secret_file:
        return SecretFile(settings.secret_file)
    if settings.secret:
        return ClientSecret(settings.secret)
    if settings.certificate_file:
        return Certificate(settings.certificate_file, settings.thumbprint)
    return ManagedIdentity()
