"""The bot in its pretend tenant, on this machine only."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime

import aiohttp

from adapters.database import embedded, migrate
from adapters.database.engine import make_engine
from adapters.database.sites import PostgresSites
from adapters.entra.directory import person_of
from adapters.sandbox_clock import SandboxClock
from adapters.settings import BadSettingsError, Common, Sandboxed, sandbox_keys
from adapters.toml_lines import line_of
from bot.gateway.settings import GatewaySettings
from domain.policy import Policy
from program import ROOT
from program.bot import Bot, Role, policy_of
from program.terminal import keep_what_is_loaded, say, until_stopped
from sandbox.tenant import Tenant, read_tenant
from services.sites import add_missing


async def serve(settings: Sandboxed, role: Role, *, seats: bool) -> int:
    common = settings.common
    policy = policy_of(common)
    tenant = read_tenant(settings.tenant_file, line_of)
    async with AsyncExitStack() as stack:
        sandbox_url, clock, url = await start(stack, settings, tenant)
        await _add_sites(url, tenant, clock.now(), policy)
        gateway = GatewaySettings(
            app_id="",
            app_tenant_id=tenant.tenant_id.lower(),
            allowed_tenants=frozenset({tenant.tenant_id.lower()}),
            credentials=None,
            open_loopback=True,
        )
        bot = Bot(
            common, policy, gateway, url, f"{sandbox_url}/v1.0", AnyToken(), tenant.groups,
            tenant.tenant_id.lower(), tenant.helpdesk.team, tenant.helpdesk.mailbox, clock,
            await asyncio.to_thread(sandbox_keys, common.data_dir),
        )  # fmt: skip
        await stack.enter_async_context(bot.running(role))
        door = "api/messages" if role.answers else "readyz"
        say(f"The bot {'answers' if role.answers else 'works: see'} at http://{common.host}:{common.port}/{door}")
        say(f"The pretend tenant, its clock and its mails: {sandbox_url}/sandbox")
        if seats:
            await _open_seats(stack, tenant, common, settings.seats_port)
        keep_what_is_loaded()
        say("Ready. Press Ctrl-C to stop all of it.")
        await until_stopped()
        say("Stopping ...")
    return 0


async def start(stack: AsyncExitStack, settings: Sandboxed, tenant: Tenant) -> tuple[str, SandboxClock, str]:
    """The pretend tenant's address, its clock, and the address of a database that is up to this version."""
    say("Starting the pretend tenant ...")
    sandbox_url = await _start_or_join(stack, settings, tenant)
    clock = SandboxClock(sandbox_url)
    await clock.start()
    stack.push_async_callback(clock.close)
    say("Starting PostgreSQL ...")
    url = settings.common.database_url or await asyncio.to_thread(embedded.start, settings.common.data_dir / "pg")
    await asyncio.to_thread(migrate.migrate, url)
    return sandbox_url, clock, url


async def _add_sites(url: str, tenant: Tenant, now: datetime, policy: Policy) -> None:
    """The tenant file's sites, where the register does not have them yet."""
    from sandbox.sites import sites_of

    database = make_engine(url)
    try:
        sites = PostgresSites(database, tenant.tenant_id.lower())
        await add_missing(sites, sites_of(tenant, person_of), now, policy.version)
    finally:
        await database.dispose()


async def _start_or_join(stack: AsyncExitStack, settings: Sandboxed, tenant: Tenant) -> str:
    """Starts the pretend tenant, or joins the same one where another process runs it. Gives its address."""
    from sandbox.server import Sandbox, SandboxError, identity  # here: the real bot does without it

    common = settings.common
    common.data_dir.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(tenant, common.data_dir, common.host, settings.sandbox_port)
    try:
        await sandbox.start()
    except SandboxError as error:
        if not await _is_same(sandbox.url, identity(tenant, common.data_dir)):
            raise BadSettingsError((str(error),)) from None
        say("It runs in another process already: joining it.")
    else:
        stack.push_async_callback(sandbox.close)
    return sandbox.url


async def _is_same(url: str, wanted: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(f"{url}/sandbox/identity") as response,
        ):
            return bool((await response.json()).get("sandbox") == wanted)
    except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError):
        return False


async def _open_seats(stack: AsyncExitStack, tenant: Tenant, common: Common, first_port: int) -> None:
    """Without the Playground the bot still answers, so a sentence is enough."""
    from sandbox.seats import Seats, SeatsError, both

    seats = Seats()
    stack.push_async_callback(seats.close)
    endpoint = f"http://{common.host}:{common.port}/api/messages"
    try:
        folder = common.data_dir / "seats"
        for seat in await seats.open(tenant, both(tenant), endpoint, ROOT, folder, say, first_port):
            say(f"{seat.title} ({seat.user.name}): {seat.url}")
    except SeatsError as error:
        say(str(error))


class AnyToken:
    """The pretend tenant takes every token, so there is never another one."""

    async def value(self) -> str:
        return "sandbox"

    def refused(self, value: str) -> None:
        pass
