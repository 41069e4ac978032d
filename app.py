"""The command line and the composition root: builds, wires, starts and closes. It holds no rule."""

import argparse
import asyncio
import gc
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import aiohttp
import structlog
from aiohttp import web

from adapters import audit_command
from adapters.database import embedded, migrate, roles
from adapters.database.book import PostgresBook
from adapters.database.ceilings import PostgresCeilings
from adapters.database.chat import PostgresAddresses, PostgresCopies, PostgresSeen
from adapters.database.counts import PostgresLookUps
from adapters.database.drafts import PostgresDrafts
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from adapters.database.figures import PostgresFigures
from adapters.database.file_links import PostgresFileLinks
from adapters.database.notices import PostgresNotices
from adapters.database.person_records import PostgresPersonRecords
from adapters.database.sites import PostgresSites
from adapters.database.undelivered import PostgresUndelivered
from adapters.drift_table import table
from adapters.entra.client import Graph, Token
from adapters.entra.directory import EntraDirectory, person_of
from adapters.entra.directory_audit import EntraAudit
from adapters.entra.exemptions import EntraExemptions
from adapters.entra.mailboxes import EntraMailboxes
from adapters.entra.members import EntraMembers
from adapters.entra.mfa_policy import EntraMfaPolicy
from adapters.entra.pim import EntraPim
from adapters.entra.proof import WhatIf
from adapters.entra.sessions import EntraSessions
from adapters.entra.teams_app import GraphTeamsApp
from adapters.jobs.engine import make_engine as make_jobs
from adapters.jobs.engine import work
from adapters.mail import GraphMailer
from adapters.person_file import write_new
from adapters.policy_file import BadFileError, read_policy
from adapters.sandbox_clock import SandboxClock
from adapters.settings import (
    BadSettingsError,
    Common,
    Real,
    Sandboxed,
    database_url,
    policy_file,
    read_keys,
    read_real,
    read_sandboxed,
    sandbox_keys,
)
from adapters.sites_file import read_sites
from adapters.teams_files import TeamsFiles
from adapters.toml_lines import line_of
from bot.asking import Asking
from bot.deciding import Deciding
from bot.door import Door
from bot.drifts import SettlingDrifts
from bot.evidence_pages import routes as evidence_pages
from bot.finding import Finding
from bot.gateway.connection import Connection
from bot.gateway.gateway import Gateway
from bot.gateway.login import GRAPH as GRAPH_RESOURCE
from bot.gateway.login import token_source
from bot.gateway.messenger import TeamsMessenger
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
from bot.giving import Giving
from bot.incoming import Found, Incoming, InPlace
from bot.log import set_up
from bot.metrics import Counted, show_jobs, show_requests
from bot.own_requests import OwnRequests
from bot.reply import Reply
from bot.request_pages import routes as request_pages
from bot.showing import Showing
from bot.sites import KeepingSites
from bot.turns import Turns
from bot.web import make_app
from domain.errors import Refusal, Trouble
from domain.policy import Policy
from sandbox.tenant import BadTenantError, Tenant, read_tenant
from services.carry_out import CarryOut
from services.check_sites import CheckSites
from services.compare import Compare
from services.deliver import Deliver
from services.end import EndExemption
from services.file_links import FileLinks
from services.import_sites import ImportSites
from services.look_up import LookUp
from services.pace import Paced
from services.paced import Below, PacedExemptions, PacedMessenger, paced
from services.perform import Perform
from services.person_records import AnswerForPerson
from services.ports import Clock, Exemptions
from services.reach import Reach
from services.reconcile import Reconcile
from services.show import Show
from services.show_drifts import ShowDrifts
from services.sites import add_missing
from services.sweep import Sweep
from services.uncounted import NotedMessenger, Uncounted, keep_counting
from services.watchdog import Watchdog
from texts import BadTexts, speak
from texts import read as read_texts

ROOT = Path(__file__).resolve().parent
GRAPH = "https://graph.microsoft.com/v1.0"
OPENID_METADATA = "https://login.botframework.com/v1/.well-known/openidconfiguration"
LONGEST_TURN = 10.0
"""Seconds that a turn may still take when the process stops."""
LONGEST_STOP = 18.0
"""Seconds that a task may take to stop; what is then not handed back is taken up by another process."""
log = structlog.get_logger("bot.app")


@dataclass(frozen=True, slots=True)
class Role:
    """What this process does."""

    answers: bool
    """Teams may speak to it."""
    works: bool
    """It carries out effects and finds what is due."""


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, or 2 where the settings or files cannot be used; each fault is then a sentence on stderr."""
    options = _options(arguments)
    try:
        return asyncio.run(_command(options))
    except (BadSettingsError, BadFileError, BadTenantError, BadTexts) as bad:
        for sentence in bad.sentences:
            print(sentence, file=sys.stderr)  # noqa: T201  # the command line speaks here
        return 2
    except Trouble as trouble:
        print(f"Cannot start: {trouble.message}.", file=sys.stderr)  # noqa: T201
        return 2


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="The MFA exceptions bot for NHSmail.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer Teams and do the work that is due")
    serve.add_argument("--sandbox", action="store_true", help="try it out: a pretend tenant, on this machine only")
    serve.add_argument("--no-seats", action="store_true", help="with --sandbox: do not open seats in the Playground")
    serve.add_argument("--no-jobs", action="store_true", help="only answer Teams; others do the work")
    worker = commands.add_parser("worker", help="only do the work that is due; Teams cannot speak to it")
    worker.add_argument("--sandbox", action="store_true", help="work for the pretend tenant")
    worker.set_defaults(no_seats=True, no_jobs=False)
    migrated = commands.add_parser("migrate", help="bring the database's tables up to this version")
    migrated.add_argument("--role", metavar="NAME", help="let this role do what serve needs, and no more")
    audit_command.add_options(commands)
    evidence = commands.add_parser("evidence", help="look after the evidence").add_subparsers(
        dest="what", required=True
    )
    evidence.add_parser("rotate-keys", help="wrap every request's key anew with the first of EVIDENCE_KEYS")
    _person_options(commands)
    _pack_options(commands)
    reconcile = commands.add_parser("reconcile", help="compare the exemption groups in Entra with the book, both ways")
    reconcile.add_argument("--dry-run", action="store_true", help="only show what is found and what would be done")
    reconcile.add_argument("--most-removals", metavar="N", type=int, help="act on up to so many at once, this time")
    reconcile.add_argument("--sandbox", action="store_true", help="ask the pretend tenant")
    watchdog = commands.add_parser("watchdog", help="end overdue exceptions even if the workers are dead")
    watchdog.add_argument("--once", action="store_true", help="look once, instead of until stopped")
    watchdog.add_argument("--sandbox", action="store_true", help="watch the pretend tenant")
    sites = commands.add_parser("sites", help="look after the register of sites").add_subparsers(
        dest="what", required=True
    )
    imported = sites.add_parser("import", help="compare the register with a file, and bring it up to the file")
    imported.add_argument("file", metavar="FILE.csv", type=Path, help="columns ods,name,mailbox,owners,...")
    imported.add_argument("--apply", action="store_true", help="make the changes; otherwise they are only shown")
    imported.add_argument("--sandbox", action="store_true", help="ask the pretend tenant")
    _package_options(commands)
    return parser.parse_args(arguments)


def _package_options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    packed = commands.add_parser("package", help="write the package that is uploaded to Teams")
    packed.add_argument("--out", metavar="FILE.zip", type=Path, default=Path("mfa-exceptions.zip"))
    packed.add_argument("--bot-id", metavar="ID", help="the bot's app id in Entra; otherwise MicrosoftAppId")
    packed.add_argument(
        "--host-name", dest="host", metavar="NAME", help="the bot's public name; otherwise PUBLIC_URL's"
    )
    packed.add_argument("--developer", metavar="NAME", help="the organisation that runs the bot")
    packed.add_argument("--website", metavar="URL", help="the page where people find help")
    packed.add_argument("--privacy", metavar="URL", help="the page that says how personal data is handled")
    packed.add_argument("--terms", metavar="URL", help="the page with the terms of use")
    packed.add_argument("--package-version", dest="version", metavar="X.Y.Z", default="1.0.0", help="default 1.0.0")
    packed.add_argument("--app-id", metavar="ID", help="the app's id in Teams; otherwise made from the bot's id")
    packed.add_argument("--resource", metavar="URI", help="the application id URI; otherwise api://NAME/botid-ID")


def _person_options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    person = commands.add_parser("person", help="what is kept about one person").add_subparsers(
        dest="what", required=True
    )
    export = person.add_parser("export", help="write all of it into a file, for a subject access request")
    export.add_argument("person", metavar="ID_OR_ADDRESS", help="the Entra id or the e-mail address")
    export.add_argument("--out", metavar="FILE.json", type=Path, required=True, help="a new file")
    erase = person.add_parser("erase", help="erase what need not stay")
    erase.add_argument("person", metavar="ID_OR_ADDRESS", help="the Entra id or the e-mail address")
    erase.add_argument("--yes", action="store_true", help="do it; otherwise it is only shown")


def _pack_options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pack = commands.add_parser("pack", help="document a year's exceptions for the Data Security and Protection Toolkit")
    pack.add_argument("--from", dest="first", metavar="DATE", required=True, help="the first day, as 2026-04-01")
    pack.add_argument("--to", dest="last", metavar="DATE", required=True, help="the last day, included")
    pack.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that is empty or not there yet")
    pack.add_argument("--answers", action="store_true", help="open the sealed answers about risk and replacement")


async def _command(options: argparse.Namespace) -> int:
    security_log = os.environ.get("SECURITY_LOG_FILE", "").strip()
    try:
        set_up(security_log=security_log)
    except OSError as error:
        raise BadSettingsError((f"SECURITY_LOG_FILE: {security_log} cannot be written: {error.strerror}.",)) from None
    if options.command == "migrate":
        await asyncio.to_thread(migrate.migrate, _database_url())
        if options.role:
            await asyncio.to_thread(roles.grant, _database_url(), options.role)
        return 0
    if options.command == "audit":
        return await asyncio.to_thread(audit_command.run, options, _database_url())
    if options.command == "evidence":
        return await _rotate_keys(_database_url(), read_keys(os.environ))
    if options.command == "person":
        return await _answer_for_person(_database_url(), options)
    if options.command == "pack":
        return await _pack(_database_url(), options)
    if options.command == "sites":
        return await _import_sites(options.file, apply=options.apply, sandbox=options.sandbox)
    if options.command == "reconcile":
        return await _reconcile(options)
    if options.command == "watchdog":
        return await _watchdog(options)
    if options.command == "package":
        return _package(options)
    role = Role(answers=options.command == "serve", works=not options.no_jobs)
    if options.sandbox:
        return await _serve_sandbox(read_sandboxed(os.environ, ROOT), role, seats=not options.no_seats)
    return await _serve_real(read_real(os.environ, ROOT), role)


def _package(options: argparse.Namespace) -> int:
    from manifest import package  # serve has no use for it

    wanted = package.wanted(vars(options), os.environ)
    package.write(options.out, package.package(wanted))
    say(f"Written to {options.out}. Upload it in the Teams admin centre: docs/running.md says how.")
    say(f"This link opens the bot's chat: {chat_link(wanted.bot_id.lower(), 'help')}")
    return 0


def _database_url() -> str:
    url = database_url(os.environ)
    if not url.startswith(("postgresql://", "postgres://")):
        raise BadSettingsError(
            ("DATABASE_URL is missing: give the PostgreSQL server, as postgresql://user@host/name.",)
        )
    return url


async def _rotate_keys(url: str, keys: Sequence[str]) -> int:
    database = make_engine(url)
    try:
        say(f"Keys wrapped anew: {await PostgresEvidence(database, keys).rotate()}.")
    except Trouble as trouble:
        print(f"{trouble.message}.", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        await database.dispose()
    return 0


async def _answer_for_person(url: str, options: argparse.Namespace) -> int:
    await _needs_this_version(url)
    database = make_engine(url)
    answer = AnswerForPerson(PostgresPersonRecords(database), RealClock(), say)
    try:
        if options.what == "erase":
            account = os.environ.get("USER") or os.environ.get("USERNAME") or ""
            return await answer.erase(options.person, yes=options.yes, account=account)
        found = await answer.export(options.person)
        await asyncio.to_thread(write_new, options.out, found)
        say(f"Written to {options.out}. Only you can read the file. Delete it when you have given it on.")
    except (Refusal, Trouble, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    finally:
        await database.dispose()
    return 0


async def _pack(url: str, options: argparse.Namespace) -> int:
    from adapters import pack_command  # here: `serve` does without it

    policy = read_policy(policy_file(os.environ, ROOT))
    keys = read_keys(os.environ) if options.answers else ()
    await _needs_this_version(url)
    return await pack_command.run(options, url, policy, keys, RealClock().now())


async def _serve_sandbox(settings: Sandboxed, role: Role, *, seats: bool) -> int:
    common = settings.common
    policy = _policy_of(common)
    tenant = read_tenant(settings.tenant_file, line_of)
    async with AsyncExitStack() as stack:
        sandbox_url, clock, url = await _pretend(stack, settings, tenant)
        await _add_sites(url, tenant, clock.now(), policy)
        gateway = GatewaySettings(
            app_id="",
            app_tenant_id=tenant.tenant_id.lower(),
            allowed_tenants=frozenset({tenant.tenant_id.lower()}),
            credentials=None,
            open_loopback=True,
        )
        bot = _Bot(
            common, policy, gateway, url, f"{sandbox_url}/v1.0", _pretend_token, tenant.groups,
            tenant.tenant_id.lower(), tenant.helpdesk.team, tenant.helpdesk.mailbox, clock,
            await asyncio.to_thread(sandbox_keys, common.data_dir),
        )  # fmt: skip
        await stack.enter_async_context(bot.running(role))
        door = "api/messages" if role.answers else "readyz"
        say(f"The bot {'answers' if role.answers else 'works: see'} at http://{common.host}:{common.port}/{door}")
        say(f"The pretend tenant, its clock and its mails: {sandbox_url}/sandbox")
        if seats:
            await _open_seats(stack, tenant, common, settings.seats_port)
        _keep_what_is_loaded()
        say("Ready. Press Ctrl-C to stop all of it.")
        await _until_stopped()
        say("Stopping ...")
    return 0


async def _pretend(stack: AsyncExitStack, settings: Sandboxed, tenant: Tenant) -> tuple[str, SandboxClock, str]:
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


async def _import_sites(path: Path, *, apply: bool, sandbox: bool) -> int:
    async with AsyncExitStack() as stack:
        outside = await _outside(stack, sandbox=sandbox)
        carry_out = outside.carry_out
        try:
            file = await asyncio.to_thread(read_sites, path)
        except OSError as error:
            raise BadFileError((f"{path}: cannot be read: {error.strerror}.",)) from None
        import_sites = ImportSites(
            sites=outside.sites,
            check=CheckSites(carry_out.directory, EntraMailboxes(outside.graph)),
            clock=carry_out.clock,
            policy_version=carry_out.policy.version,
            say=say,
            command=f"python app.py sites import {shlex.quote(str(path))} --apply{' --sandbox' if sandbox else ''}",
            origin={"file": path.name, "account": os.environ.get("USER") or os.environ.get("USERNAME") or ""},
        )
        return await import_sites(file.given, file.half, file.faults, file.codes, apply=apply)


@dataclass(frozen=True, slots=True)
class _Outside:
    """What commands that work beside the bot need, with connections of their own."""

    carry_out: CarryOut
    exemptions: Exemptions
    drifts: PostgresDrifts
    sites: PostgresSites
    graph: Graph
    graph_url: str
    common: Common

    @property
    def reconcile(self) -> Reconcile:
        return make_reconcile(
            self.carry_out, self.exemptions, self.drifts, self.graph, self.graph_url, self.common.mfa_policy
        )


async def _outside(stack: AsyncExitStack, *, sandbox: bool) -> _Outside:
    token: Token = _pretend_token
    clock: Clock = RealClock()
    groups: Mapping[str, str]
    if sandbox:
        pretend = read_sandboxed(os.environ, ROOT)
        common, tenant = pretend.common, read_tenant(pretend.tenant_file, line_of)
        tenant_id, groups = tenant.tenant_id.lower(), tenant.groups
        sandbox_url, clock, url = await _pretend(stack, pretend, tenant)
        graph_url = f"{sandbox_url}/v1.0"
        keys = await asyncio.to_thread(sandbox_keys, common.data_dir)
    else:
        real = read_real(os.environ, ROOT)
        common, url, graph_url = real.common, real.common.database_url, _graph_url()
        tenant_id, groups, keys = real.tenant_id, real.groups, real.evidence_keys
        await _needs_this_version(url)
        bot_token = BotToken(token_source(_real_gateway(real), GRAPH_RESOURCE))
        stack.push_async_callback(bot_token.close)
        token = bot_token.value
    database, graph = make_engine(url), Graph(graph_url, token)
    stack.push_async_callback(database.dispose)
    stack.push_async_callback(graph.close)
    carry_out = CarryOut(
        PostgresBook(database, tenant_id), EntraDirectory(graph), PostgresEvidence(database, keys, tenant_id), clock,
        _policy_of(common), groups, tenant_id,
    )  # fmt: skip
    exemptions = exemptions_of(common.exemption_way, graph, graph_url, clock)
    drifts, sites = PostgresDrifts(database, tenant_id), PostgresSites(database, tenant_id)
    return _Outside(carry_out, exemptions, drifts, sites, graph, graph_url, common)


async def _reconcile(options: argparse.Namespace) -> int:
    """0: Entra and the book agree; 1: they do not; 2: something could not be read or done."""
    async with AsyncExitStack() as stack:
        outside = await _outside(stack, sandbox=options.sandbox)
        reconcile = replace(outside.reconcile, most=options.most_removals)
        try:
            report = await reconcile(dry_run=options.dry_run)
        except Trouble as trouble:
            print(f"Nothing was done: {trouble.message}.", file=sys.stderr)  # noqa: T201
            return 2
        for line in table(report, outside.carry_out.groups):
            say(line)
    if report.troubles:
        return 2
    return 1 if report.drifts else 0


async def _watchdog(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        outside = await _outside(stack, sandbox=options.sandbox)
        end = EndExemption(outside.carry_out.book, outside.carry_out, outside.exemptions)
        watchdog = Watchdog(outside.drifts, outside.carry_out, end)
        if options.once:
            return 1 if await watchdog() else 0
        say("Watching. Press Ctrl-C to stop.")
        task = asyncio.create_task(watchdog.keep_looking())
        stopped = asyncio.create_task(_until_stopped())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            stopped.cancel()
            await task  # a mistake of ours: whoever supervises this starts it again
        await _cancelled(task)
    return 0


def make_reconcile(
    carry_out: CarryOut, exemptions: Exemptions, drifts: PostgresDrifts, graph: Graph, graph_url: str, mfa_policy: str
) -> Reconcile:
    return Reconcile(
        carry_out, exemptions, EntraMembers(graph, graph_url), EntraAudit(graph), drifts,
        EntraMfaPolicy(graph, mfa_policy) if mfa_policy else None,
    )  # fmt: skip


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


def _policy_of(common: Common) -> Policy:
    """From here on, everything is said in the language of the settings."""
    if common.texts_file is not None:
        speak(read_texts(common.texts_file))
    return read_policy(common.policy_file)


async def _pretend_token() -> str:
    return "sandbox"


async def _serve_real(settings: Real, role: Role) -> int:
    common = settings.common
    policy = _policy_of(common)
    await _needs_this_version(common.database_url)
    gateway = _real_gateway(settings)
    token = BotToken(token_source(gateway, GRAPH_RESOURCE))
    bot = _Bot(
        common, policy, gateway, common.database_url, _graph_url(), token.value, settings.groups,
        settings.tenant_id, settings.team, settings.mailbox, RealClock(), settings.evidence_keys,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        stack.push_async_callback(token.close)
        await stack.enter_async_context(bot.running(role))
        _keep_what_is_loaded()
        log.info("ready", port=common.port, policy=policy.version)
        await _until_stopped()
    return 0


async def _needs_this_version(database_url: str) -> None:
    if not await asyncio.to_thread(migrate.is_current, database_url):
        raise BadSettingsError(("The database is not up to this version. Run “python app.py migrate” first.",))


def _graph_url() -> str:
    return os.environ.get("GRAPH_URL", "").strip() or GRAPH


def _real_gateway(settings: Real) -> GatewaySettings:
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


class _Bot:
    """Everything between the web's door and the database, wired."""

    def __init__(
        self,
        common: Common,
        policy: Policy,
        gateway: GatewaySettings,
        database_url: str,
        graph_url: str,
        token: Token,
        groups: Mapping[str, str],
        tenant_id: str,
        team: str,
        mailbox: str,
        clock: Clock,
        evidence_keys: Sequence[str],
    ) -> None:
        self._common = common
        self._policy = policy
        self._gateway = gateway
        self._database_url = database_url
        self._graph_url = graph_url
        self._token = token
        self._groups = groups
        self._tenant_id = tenant_id
        self._team = team
        self._mailbox = mailbox
        self._clock = clock
        self._evidence_keys = evidence_keys

    @asynccontextmanager
    async def running(self, role: Role) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = make_engine(self._database_url)
            stack.push_async_callback(database.dispose)
            graph = Graph(self._graph_url, self._token)
            stack.push_async_callback(graph.close)
            connection = await stack.enter_async_context(Connection(self._gateway))
            messenger = TeamsMessenger(connection)
            directory = EntraDirectory(graph)
            book, drafts = PostgresBook(database, self._tenant_id), PostgresDrafts(database)
            addresses, copies, seen = PostgresAddresses(database), PostgresCopies(database), PostgresSeen(database)
            evidence = PostgresEvidence(database, self._evidence_keys, self._tenant_id)
            carry_out = CarryOut(book, directory, evidence, self._clock, self._policy, self._groups, self._tenant_id)
            files = TeamsFiles(
                self._common.file_hosts, only_loopback=self._gateway.open_loopback, ca_file=self._gateway.ca_file
            )
            stack.push_async_callback(files.close)
            file_links = FileLinks(
                PostgresFileLinks(database), evidence, book, self._clock, self._common.public_url, self._policy.version
            )
            show = Show(book, self._clock, self._policy)
            sites = PostgresSites(database, self._tenant_id)
            look_up, look_ups = LookUp(directory, carry_out), PostgresLookUps(database)
            exemptions = exemptions_of(self._common.exemption_way, graph, self._graph_url, self._clock)
            drifts, notices = PostgresDrifts(database, self._tenant_id), PostgresNotices(database, self._tenant_id)
            reconcile = make_reconcile(carry_out, exemptions, drifts, graph, self._graph_url, self._common.mfa_policy)
            showing = Showing(copies, show)
            asking = Asking(self._policy, book, drafts, directory, look_up, carry_out, showing, sites, look_ups)
            figures, uncounted, ceilings = Counted(), Uncounted(), PostgresCeilings(database)
            noted = NotedMessenger(messenger, uncounted, figures)
            below = Below(Paced(ceilings, figures.put_off), figures)
            app_id, link_to = self._common.teams_app, partial(chat_link, self._gateway.app_id)
            installer = GraphTeamsApp(graph, self._graph_url, app_id) if app_id else None
            perform = Perform(
                book, carry_out, exemptions, messenger,
                GraphMailer(graph, self._mailbox), addresses, copies, notices, show, evidence,
                Reach(addresses, messenger, self._clock, installer), link_to,
                WhatIf(graph, self._common.mfa_policy) if self._common.mfa_policy else None,
                EntraSessions(graph) if self._common.revoke_sessions else None,
            )  # fmt: skip
            show_drifts = ShowDrifts(
                paced(perform, below), drifts, carry_out, PacedMessenger(messenger, below), addresses, notices
            )
            turns = Turns(
                policy=self._policy,
                clock=self._clock,
                addresses=addresses,
                book=book,
                drafts=drafts,
                look_up=look_up,
                asking=asking,
                deciding=Deciding(self._policy, book, drafts, addresses, carry_out, showing, evidence, file_links),
                own=OwnRequests(self._policy, book, drafts, carry_out, showing),
                sites=KeepingSites(self._policy, sites, CheckSites(directory, EntraMailboxes(graph)), carry_out),
                giving=Giving(self._policy, book, drafts, evidence, files, carry_out, showing),
                drifts=SettlingDrifts(self._policy, reconcile, drifts, drafts, asking, show_drifts),
                finding=Finding(self._policy, book, carry_out, show, self._common.public_url, link_to),
                helpdesk_team=self._team.lower(),
            )

            async def handle(incoming: Incoming) -> InPlace | Found | None:
                return await turns(Reply(incoming, noted, copies, addresses))

            gateway = Gateway(self._gateway, connection, handle, seen)
            if role.answers:
                await gateway.start()
                stack.push_async_callback(gateway.close)
            deliver = Deliver(show_drifts, carry_out, PostgresUndelivered(database), figures)
            sweep = Sweep(book, drafts, notices, (seen, ceilings), carry_out)
            compare = Compare(replace(reconcile, exemptions=PacedExemptions(exemptions, below)), sweep, figures)
            jobs = make_jobs(self._database_url, deliver, sweep, compare)
            tables = PostgresFigures(database)

            async def count() -> None:
                show_requests(await tables.requests(self._clock.now()))
                show_jobs(await tables.jobs())

            ready = {"database": book.reachable, "graph": directory.reachable}
            door = Door(asks_for_tokens=not self._gateway.open_loopback, proxies=self._common.proxies)
            pages = [*evidence_pages(file_links), *request_pages(link_to)] if role.answers else ()
            app = make_app(gateway.messages if role.answers else None, ready, count, pages, door)
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=LONGEST_TURN)
            await runner.setup()
            tasks = [asyncio.create_task(keep_counting(uncounted, ceilings))]
            if role.works:
                tasks.append(asyncio.create_task(work(jobs)))
            stack.push_async_callback(_stop, runner, tasks)
            try:
                await web.TCPSite(runner, self._common.host, self._common.port).start()
            except OSError as error:
                sentence = f"Port {self._common.port} cannot be used ({error.strerror}). Choose another one with PORT."
                raise BadSettingsError((sentence,)) from None
            yield


def exemptions_of(way: str, graph: Graph, graph_url: str, clock: Clock) -> Exemptions:
    """`way`: as the setting has it, `group` or `pim`."""
    direct = EntraExemptions(graph, graph_url)
    return EntraPim(graph, direct, clock) if way == "pim" else direct


def chat_link(app_id: str, words: str) -> str:
    """Opens the bot's chat in Teams with these words ready to be sent."""
    bot = f"28:{app_id or 'sandbox'}"
    return f"https://teams.microsoft.com/l/chat/0/0?users={quote(bot, safe='')}&message={quote(words, safe='')}"


async def _stop(runner: web.AppRunner, tasks: Sequence[asyncio.Task[None]]) -> None:
    """The door closes and the worker fetches nothing more, both at once; what runs is finished or handed back."""
    await asyncio.gather(runner.cleanup(), *(_cancelled(task) for task in tasks))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=LONGEST_STOP)
    if not done:
        log.warning("a task did not stop in time")
    elif not task.cancelled() and (error := task.exception()):
        log.error("a task did not stop well", exc_info=error)


def _keep_what_is_loaded() -> None:
    """A full collection looks at all modules and models again, and everybody waits: 76 ms; without them 1.6 ms."""
    gc.collect()
    gc.freeze()


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopped.set)
    await stopped.wait()


def say(sentence: str) -> None:
    """Progress for whoever started this in a terminal."""
    print(sentence, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
