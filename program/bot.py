"""The composition root: everything between the web's door and the database, built, wired, started and closed.

It holds no rule.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import quote

import structlog
from aiohttp import web

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
from adapters.database.sites import PostgresSites
from adapters.database.undelivered import PostgresUndelivered
from adapters.entra.client import Graph, Token
from adapters.entra.directory import EntraDirectory
from adapters.entra.directory_audit import EntraAudit
from adapters.entra.exemptions import EntraExemptions
from adapters.entra.mailboxes import EntraMailboxes
from adapters.entra.members import EntraMembers
from adapters.entra.mfa_policy import EntraMfaPolicy
from adapters.entra.pim import DirectAfterPim, EntraPim
from adapters.entra.proof import WhatIf
from adapters.entra.sessions import EntraSessions
from adapters.entra.teams_app import GraphTeamsApp
from adapters.jobs.engine import make_engine as make_jobs
from adapters.jobs.engine import work
from adapters.mail import GraphMailer
from adapters.policy_file import read_policy
from adapters.settings import BadSettingsError, Common
from adapters.teams_files import TeamsFiles
from bot import metrics
from bot.asking import Asking
from bot.deciding import Deciding
from bot.door import Door
from bot.drifts import SettlingDrifts
from bot.evidence_pages import routes as evidence_pages
from bot.finding import Finding
from bot.gateway.connection import Connection
from bot.gateway.gateway import Gateway
from bot.gateway.messenger import TeamsMessenger
from bot.gateway.settings import GatewaySettings
from bot.giving import Giving
from bot.incoming import Found, Incoming, InPlace
from bot.own_requests import OwnRequests
from bot.reply import Reply
from bot.request_pages import routes as request_pages
from bot.showing import Showing
from bot.sites import KeepingSites
from bot.turns import Turns
from bot.web import make_app
from domain.policy import Policy
from program.counting import Counting
from services.carry_out import CarryOut
from services.check_sites import CheckSites
from services.compare import Compare
from services.deliver import CountedNotices, Deliver
from services.figures import Figures
from services.file_links import FileLinks
from services.going_out import mailer_that_counts, messenger_that_counts
from services.look_up import LookUp
from services.once import Once
from services.pace import GRAPH, OF_GRAPH, Paced, Urgency
from services.paced import Below, PacedExemptions, PacedMessenger, comparing, in_jobs, paced
from services.perform import Perform
from services.ports import Clock, Exemptions
from services.reach import Reach
from services.reconcile import Reconcile
from services.show import Show
from services.show_drifts import ShowDrifts
from services.sweep import Sweep
from services.uncounted import NotedMessenger, Uncounted, keep_counting
from texts import read as read_texts
from texts import speak

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


def policy_of(common: Common) -> Policy:
    """From here on, everything is said in the language of the settings."""
    if common.texts_file is not None:
        speak(read_texts(common.texts_file))
    return read_policy(common.policy_file)


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything between the web's door and the database, wired."""

    common: Common
    policy: Policy
    gateway: GatewaySettings
    database_url: str
    graph_url: str
    token: Token
    groups: Mapping[str, str]
    tenant_id: str
    team: str
    mailbox: str
    clock: Clock
    evidence_keys: Sequence[str]

    @asynccontextmanager
    async def running(self, role: Role) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = make_engine(self.database_url)
            stack.push_async_callback(database.dispose)
            figures, uncounted = metrics.Counted(), Uncounted()

            def throttled(service: str, wait: timedelta) -> None:
                figures.throttled(GRAPH.service)
                uncounted.asked(OF_GRAPH[service], wait)

            graph = Graph(self.graph_url, self.token, throttled)
            stack.push_async_callback(graph.close)
            connection = await stack.enter_async_context(Connection(self.gateway))
            messenger = TeamsMessenger(connection)
            directory = EntraDirectory(graph)
            book, drafts = PostgresBook(database, self.tenant_id), PostgresDrafts(database)
            addresses, copies, seen = PostgresAddresses(database), PostgresCopies(database), PostgresSeen(database)
            await _fits(self.policy, book)
            evidence = PostgresEvidence(database, self.evidence_keys, self.tenant_id)
            carry_out = CarryOut(book, directory, evidence, self.clock, self.policy, self.groups, self.tenant_id)
            files = TeamsFiles(
                self.common.file_hosts, only_loopback=self.gateway.open_loopback, ca_file=self.gateway.ca_file
            )
            stack.push_async_callback(files.close)
            file_links = FileLinks(
                PostgresFileLinks(database), evidence, book, self.clock, self.common.public_url, self.policy.version
            )
            show = Show(book, self.clock, self.policy)
            sites = PostgresSites(database, self.tenant_id)
            look_up, look_ups = LookUp(directory, carry_out), PostgresLookUps(database)
            ceilings = PostgresCeilings(database)
            below = Below(Paced(ceilings, figures.put_off), figures)
            exemptions = exemptions_of(self.common.exemption_way, graph, self.graph_url, self.clock, below)
            drifts, notices = PostgresDrifts(database, self.tenant_id), PostgresNotices(database, self.tenant_id)
            reconcile = make_reconcile(
                carry_out, exemptions, drifts, figures, graph, self.graph_url, self.common.mfa_policy
            )
            showing = Showing(copies, show)
            asking = Asking(self.policy, book, drafts, directory, look_up, carry_out, showing, sites, look_ups)
            noted = NotedMessenger(messenger, uncounted, figures)
            app_id, link_to = self.common.teams_app, partial(chat_link, self.gateway.app_id)
            installer = GraphTeamsApp(graph, self.graph_url, app_id) if app_id else None
            counts = messenger_that_counts(messenger, notices)
            mailer = mailer_that_counts(GraphMailer(graph, self.mailbox), notices)
            perform = Perform(
                book, carry_out, exemptions, counts, mailer, addresses, copies, notices, show, evidence,
                Reach(addresses, messenger, self.clock, installer), link_to, figures,
                WhatIf(graph, self.common.mfa_policy) if self.common.mfa_policy else None,
                EntraSessions(graph) if self.common.revoke_sessions else None,
            )  # fmt: skip
            show_drifts = ShowDrifts(
                paced(perform, below), drifts, carry_out, PacedMessenger(counts, below), addresses,
                CountedNotices(notices, figures),
                Once(carry_out, notices, figures),
            )  # fmt: skip
            settling = replace(reconcile, exemptions=PacedExemptions(exemptions, below))
            turns = Turns(
                policy=self.policy,
                clock=self.clock,
                addresses=addresses,
                book=book,
                drafts=drafts,
                look_up=look_up,
                asking=asking,
                deciding=Deciding(self.policy, book, drafts, addresses, carry_out, showing, evidence, file_links),
                own=OwnRequests(self.policy, book, drafts, carry_out, showing),
                sites=KeepingSites(self.policy, sites, CheckSites(directory, EntraMailboxes(graph)), carry_out),
                giving=Giving(self.policy, book, drafts, evidence, files, carry_out, showing),
                drifts=SettlingDrifts(self.policy, settling, drifts, drafts, asking, show_drifts),
                finding=Finding(self.policy, book, carry_out, show, self.common.public_url, link_to),
                helpdesk_team=self.team.lower(),
            )

            async def handle(incoming: Incoming) -> InPlace | Found | None:
                return await turns(Reply(incoming, noted, copies, addresses))

            gateway = Gateway(self.gateway, connection, handle, seen)
            if role.answers:
                await gateway.start()
                stack.push_async_callback(gateway.close)
            show_in_jobs = replace(show_drifts, carry_out=in_jobs(carry_out, below, Urgency.NOTICE))
            deliver = Deliver(show_in_jobs, carry_out, PostgresUndelivered(database), figures, perform.apart)
            sweep = Sweep(book, drafts, notices, (seen, ceilings), carry_out, below)
            compare = Compare(comparing(reconcile, below), sweep)
            jobs = make_jobs(self.database_url, deliver, sweep, compare)
            count = Counting(PostgresFigures(database, self.policy), self.clock, self.policy)
            ready = {"database": book.reachable, "graph": directory.reachable}
            door = Door(asks_for_tokens=not self.gateway.open_loopback, proxies=self.common.proxies)
            pages = [*evidence_pages(file_links), *request_pages(link_to)] if role.answers else ()
            app = make_app(gateway.messages if role.answers else None, ready, count, pages, door)
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=LONGEST_TURN)
            await runner.setup()
            tasks = [asyncio.create_task(keep_counting(uncounted, ceilings))]
            if role.works:
                tasks.append(asyncio.create_task(work(jobs)))
            stack.push_async_callback(_stop, runner, tasks)
            try:
                await web.TCPSite(runner, self.common.host, self.common.port).start()
            except OSError as error:
                sentence = f"Port {self.common.port} cannot be used ({error.strerror}). Choose another one with PORT."
                raise BadSettingsError((sentence,)) from None
            yield


async def _fits(policy: Policy, book: PostgresBook) -> None:
    """What is on must be able to end, and evidence to be deleted, by the rules of its kind."""
    with_evidence = [name for name, kind in policy.kinds.items() if kind.evidence]
    left = await book.left_besides(policy.kinds, with_evidence)
    if left:
        raise BadSettingsError(tuple(_lost(kind, number, policy) for kind, number in sorted(left.items())))


def _lost(kind: str, number: int, policy: Policy) -> str:
    table = f"[kinds.{kind}.evidence]" if kind in policy.kinds else f"[kinds.{kind}]"
    are, have = ("is", "has") if number == 1 else ("are", "have")
    return (
        f"The policy has no {table}, but {number} of that kind {are} open or {have} evidence that is still to be"
        " deleted. Keep it until then."
    )


def exemptions_of(way: str, graph: Graph, graph_url: str, clock: Clock, below: Below) -> Exemptions:
    """`way`: as the setting has it, `group` or `pim`."""
    direct = EntraExemptions(graph, graph_url)
    # What is half done goes first, whatever it is.
    pim = EntraPim(graph, direct, clock, partial(below.paced.turn, Urgency.END, GRAPH))
    return pim if way == "pim" else DirectAfterPim(direct, pim)


def make_reconcile(
    carry_out: CarryOut, exemptions: Exemptions, drifts: PostgresDrifts, figures: Figures, graph: Graph,
    graph_url: str, mfa_policy: str,
) -> Reconcile:  # fmt: skip
    return Reconcile(
        carry_out, exemptions, EntraMembers(graph, graph_url), EntraAudit(graph), drifts, figures,
        EntraMfaPolicy(graph, mfa_policy) if mfa_policy else None,
    )  # fmt: skip


def chat_link(app_id: str, words: str) -> str:
    """Opens the bot's chat in Teams with these words ready to be sent."""
    bot = f"28:{app_id or 'sandbox'}"
    return f"https://teams.microsoft.com/l/chat/0/0?users={quote(bot, safe='')}&message={quote(words, safe='')}"


async def _stop(runner: web.AppRunner, tasks: Sequence[asyncio.Task[None]]) -> None:
    """The door closes and the worker fetches nothing more, both at once; what runs is finished or handed back."""
    await asyncio.gather(runner.cleanup(), *(cancelled(task) for task in tasks))


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=LONGEST_STOP)
    if not done:
        log.warning("a task did not stop in time")
    elif not task.cancelled() and (error := task.exception()):
        log.error("a task did not stop well", exc_info=error)
