"""Commands that work beside the bot, with connections of their own."""

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.database.book import PostgresBook
from adapters.database.ceilings import PostgresCeilings
from adapters.database.drifts import PostgresDrifts
from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from adapters.database.person_records import PostgresPersonRecords
from adapters.database.sites import PostgresSites
from adapters.drift_table import table
from adapters.entra.client import Graph, Token
from adapters.entra.directory import EntraDirectory
from adapters.entra.mailboxes import EntraMailboxes
from adapters.person_file import write_new
from adapters.policy_file import BadFileError, read_policy
from adapters.settings import (
    BadSettingsError,
    Common,
    database_url,
    policy_file,
    read_keys,
    read_real,
    read_sandboxed,
    sandbox_keys,
)
from adapters.sites_file import read_sites
from adapters.toml_lines import line_of
from bot.gateway.login import GRAPH as GRAPH_RESOURCE
from bot.gateway.login import token_source
from bot.gateway.token import BotToken
from bot.metrics import Counted
from domain.errors import Refusal, Trouble
from program import ROOT, pretend, real
from program.bot import cancelled, chat_link, exemptions_of, make_reconcile, policy_of
from program.real import RealClock
from program.terminal import say, until_stopped
from sandbox.tenant import read_tenant
from services.carry_out import CarryOut
from services.check_sites import CheckSites
from services.end import EndExemption
from services.import_sites import ImportSites
from services.pace import EvenWithout, Paced
from services.paced import Below, PacedExemptions
from services.person_records import AnswerForPerson
from services.ports import Clock, Exemptions
from services.reconcile import Reconcile
from services.watchdog import Watchdog


def wanted_database() -> str:
    url = database_url(os.environ)
    if not url.startswith(("postgresql://", "postgres://")):
        raise BadSettingsError(
            ("DATABASE_URL is missing: give the PostgreSQL server, as postgresql://user@host/name.",)
        )
    return url


def package(options: argparse.Namespace) -> int:
    from manifest import package as manifest  # serve has no use for it

    wanted = manifest.wanted(vars(options), os.environ)
    manifest.write(options.out, manifest.package(wanted))
    say(f"Written to {options.out}. Upload it in the Teams admin centre: docs/running.md says how.")
    say(f"This link opens the bot's chat: {chat_link(wanted.bot_id.lower(), 'help')}")
    return 0


async def rotate_keys(url: str, keys: Sequence[str]) -> int:
    database = make_engine(url)
    try:
        say(f"Keys wrapped anew: {await PostgresEvidence(database, keys).rotate()}.")
    except Trouble as trouble:
        print(f"{trouble.message}.", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        await database.dispose()
    return 0


async def person(url: str, options: argparse.Namespace) -> int:
    await real.needs_this_version(url)
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


async def pack(url: str, options: argparse.Namespace) -> int:
    from adapters import pack_command  # here: `serve` does without it

    policy = read_policy(policy_file(os.environ, ROOT))
    keys = read_keys(os.environ) if options.answers else ()
    await real.needs_this_version(url)
    return await pack_command.run(options, url, policy, keys, RealClock().now())


async def sites(path: Path, *, apply: bool, sandbox: bool) -> int:
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
    figures: Counted
    """Nobody reads them here."""
    sites: PostgresSites
    graph: Graph
    graph_url: str
    common: Common

    @property
    def reconcile(self) -> Reconcile:
        return make_reconcile(
            self.carry_out, self.exemptions, self.drifts, self.figures, self.graph, self.graph_url,
            self.common.mfa_policy,
        )  # fmt: skip


async def _outside(stack: AsyncExitStack, *, sandbox: bool) -> _Outside:
    token: Token = pretend.AnyToken()
    clock: Clock = RealClock()
    groups: Mapping[str, str]
    if sandbox:
        settings = read_sandboxed(os.environ, ROOT)
        common, tenant = settings.common, read_tenant(settings.tenant_file, line_of)
        tenant_id, groups = tenant.tenant_id.lower(), tenant.groups
        sandbox_url, clock, url = await pretend.start(stack, settings, tenant)
        graph_url = f"{sandbox_url}/v1.0"
        keys = await asyncio.to_thread(sandbox_keys, common.data_dir)
    else:
        given = read_real(os.environ, ROOT)
        common, url, graph_url = given.common, given.common.database_url, real.graph_url()
        tenant_id, groups, keys = given.tenant_id, given.groups, given.evidence_keys
        await real.needs_this_version(url)
        token = bot_token = BotToken(token_source(real.gateway_settings(given), GRAPH_RESOURCE))
        stack.push_async_callback(bot_token.close)
    database, graph = make_engine(url), Graph(graph_url, token)
    stack.push_async_callback(database.dispose)
    stack.push_async_callback(graph.close)
    carry_out = CarryOut(
        PostgresBook(database, tenant_id), EntraDirectory(graph), PostgresEvidence(database, keys, tenant_id), clock,
        policy_of(common), groups, tenant_id,
    )  # fmt: skip
    figures = Counted()
    below = Below(Paced(EvenWithout(PostgresCeilings(database)), figures.put_off), figures)
    exemptions = PacedExemptions(exemptions_of(common.exemption_way, graph, graph_url, clock, below), below)
    drifts, sites = PostgresDrifts(database, tenant_id), PostgresSites(database, tenant_id)
    return _Outside(carry_out, exemptions, drifts, figures, sites, graph, graph_url, common)


async def reconcile(options: argparse.Namespace) -> int:
    """0: Entra and the book agree; 1: they do not; 2: something could not be read or done."""
    async with AsyncExitStack() as stack:
        outside = await _outside(stack, sandbox=options.sandbox)
        compared = replace(outside.reconcile, most=options.most_removals)
        try:
            report = await compared(outside.carry_out.clock.now(), dry_run=options.dry_run)
        except Trouble as trouble:
            print(f"Nothing was done: {trouble.message}.", file=sys.stderr)  # noqa: T201
            return 2
        for line in table(report, outside.carry_out.groups):
            say(line)
    if report.troubles:
        return 2
    return 1 if report.drifts else 0


async def watchdog(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        outside = await _outside(stack, sandbox=options.sandbox)
        end = EndExemption(outside.carry_out.book, outside.carry_out, outside.exemptions, outside.figures)
        watching = Watchdog(outside.drifts, outside.carry_out, end)
        if options.once:
            return 1 if await watching() else 0
        say("Watching. Press Ctrl-C to stop.")
        task = asyncio.create_task(watching.keep_looking())
        stopped = asyncio.create_task(until_stopped())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            stopped.cancel()
            await task  # a mistake of ours: whoever supervises this starts it again
        await cancelled(task)
    return 0
