"""The one door in: facts are gathered, the decision is made, and all that follows from it is saved together."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain import watching
from domain.commands import (
    AgentCommand,
    Approve,
    Ask,
    Command,
    ConfirmGrant,
    GiveCode,
    GiveEvidence,
    PutBack,
    SendCode,
)
from domain.decisions import decide
from domain.effects import Audience
from domain.errors import Refusal
from domain.events import Event, What
from domain.outcome import Decision, Facts
from domain.people import Account, Person
from domain.policy import DECIDERS, Policy
from domain.reference import LENGTH, LETTERS, spelled
from domain.request import Request
from services import codes
from services.book import Book, Draft, Entry, Page
from services.evidence import EvidenceStore
from services.ports import Clock, Directory
from texts import say

MOST_LEADS = 50


def fresh_reference() -> str:
    return spelled("".join(secrets.choice(LETTERS) for _ in range(LENGTH)))


class UsedUp(Refusal):  # a Refusal by name, as the others
    """The conversation had already been sent, or has moved on: on another device, or by a second click."""

    def __init__(self) -> None:
        super().__init__(say("requester.used_up"), rule="used_up")


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Raises `Refusal` where a command may not or cannot be done, and `Trouble` where the facts cannot be had."""

    book: Book
    directory: Directory
    evidence: EvidenceStore
    clock: Clock
    policy: Policy
    groups: Mapping[str, str]
    """The Entra ids of the groups that the policy names: helpdesk, leads, exempt_short, exempt_long."""
    tenant_id: str
    reference: Callable[[], str] = fresh_reference

    async def __call__(self, reference: str, command: Command, activity: str = "") -> Request:
        """One command on one request. `activity` is the id of the Teams activity that it came from."""
        try:
            return await self._one(reference, command, await self._facts(reference, command), activity)
        except Refusal as refusal:
            if isinstance(command, Approve | PutBack) and refusal.rule in watching.ALARMING:
                found = await self.book.request(reference)
                await self.tried(refusal, command.by.id, found.subject.id if found else "", activity, reference)
            raise

    def told(self, reference: str, key: str, to: str, way: str, now: datetime) -> Entry:
        """The line that says that a notice went out. `to`: an Entra id or an address."""
        return self.entry(reference, Event(What.NOTICE, details={"notice": key, "to": to, "way": way}), now)

    async def leads(self, audience: Audience) -> tuple[Person, ...]:
        """The members of the leads' group, where they are the ones who are told."""
        if audience is not Audience.LEADS:
            return ()
        return await self.directory.members(self.groups["leads"], limit=MOST_LEADS)

    async def give_code(self, reference: str, by: Person, typed: str, activity: str) -> Request:
        """Somebody quotes the one-time code, as typed."""
        found = await self.book.request(reference)
        facts = Facts(by_account=await self.directory.account(by.id))
        if found is not None and found.code is not None:
            hashed = await asyncio.to_thread(codes.digest, codes.read_code(typed), found.code.salt)
            facts = replace(facts, code_digest=hashed)
        return await self._one(reference, GiveCode(by), facts, activity)

    async def _one(self, reference: str, command: Command, facts: Facts, activity: str) -> Request:
        now = self.clock.now()
        async with self.book.page() as page:
            request = await page.request(reference)
            if request is None:
                raise no_such(reference)
            if isinstance(command, ConfirmGrant) and request.renews:
                facts = replace(facts, renewed=await page.request(request.renews))
            if isinstance(command, Approve) and facts.groups:
                facts = replace(facts, approvals=await page.approvals(command.by.id, now - watching.DAY))
            decision = decide(request, command, facts, self.policy, now)
            kept = await self._keep(page, request, decision, now, activity)
        if decision.refusal is not None:
            raise decision.refusal
        return kept

    async def _facts(self, reference: str, command: Command) -> Facts:
        facts = Facts()
        if isinstance(command, AgentCommand | SendCode):
            facts = replace(facts, groups=await self.helpdesk_groups(command.by.id))
        if isinstance(command, Approve) and facts.groups:
            found = await self.book.request(reference)
            account = await self.account(found.subject.id) if found else None
            history = await self.history(found.subject.id, found.kind, found.reference) if found else ()
            own_team = await self._own_team(found.subject.id) if found else False
            facts = replace(facts, account=account, history=history, own_team=own_team)
        if isinstance(command, PutBack) and facts.groups:
            found = await self.book.request(reference)
            facts = replace(facts, account=await self.account(found.subject.id) if found else None)
        if isinstance(command, GiveEvidence):
            facts = replace(
                facts,
                by_account=await self.directory.account(command.by.id),
                answers=await self.evidence.answers(reference),
                files=len(await self.evidence.files(reference)),
                evidence_digest=await self.evidence.digest(reference),
            )
        return facts

    async def account(self, entra_id: str) -> Account | None:
        """Somebody's account, with whether a group bars it from ever being exempted."""
        account = await self.directory.account(entra_id)
        never = self.policy.account.never_groups
        if account is None or not never:
            return account
        return replace(account, barred=bool(await self.directory.groups_of(entra_id, never)))

    async def _own_team(self, subject_id: str) -> bool:
        return self.policy.limits_for_agents.unusual.own_team and bool(await self.helpdesk_groups(subject_id))

    async def history(self, subject_id: str, kind: str, but: str = "") -> tuple[Request, ...]:
        """What counts for the kind's `repeat`: the subject's requests of this kind within its window."""
        repeat = self.policy.kinds[kind].repeat
        if repeat is None:
            return ()
        earlier = await self.book.of_subject(subject_id, self.clock.now() - repeat.window)
        return tuple(one for one in earlier if one.kind == kind and one.reference != but)

    async def ask(
        self, asks: Sequence[Ask], draft: Draft, activity: str, approve: Approve | None = None
    ) -> tuple[Request, ...]:
        """New requests out of a finished conversation, all or none. All of `asks` are of one kind and by one person.

        `approve`: an agent has the caller on the line, and approves at once.
        """
        facts = [await self._facts_to_ask(ask, approve) for ask in asks]
        doing, now = asks[0], self.clock.now()
        try:
            async with self.book.page() as page:
                if not await page.use_up(draft):
                    raise UsedUp
                added = []
                for doing, known in zip(asks, facts, strict=True):
                    added.append(await self._add(page, doing, known, now, activity, approve))
                return tuple(added)
        except Refusal as refusal:
            await self.tried(refusal, (doing.taken_by or doing.by).id, doing.subject.id, activity)
            raise

    async def tried(
        self, refusal: Refusal, by_id: str, subject_id: str, activity: str = "", reference: str = ""
    ) -> None:
        """Writes down a refused attempt that needs somebody's eyes, and has the helpdesk's channel told of it."""
        now = self.clock.now()
        found = watching.attempt(refusal.rule, by_id, subject_id, now)
        if found is None:
            return
        event, warning = found
        about = reference or f"account:{subject_id}"
        async with self.book.page() as page:
            if activity and await page.is_heard(about, event.what, activity):
                return  # Teams sent it again, because a process died before it had answered
            await page.record([self.entry(about, event, now, activity)])
            await page.want([warning])

    async def _facts_to_ask(self, ask: Ask, approve: Approve | None) -> Facts:
        return Facts(
            account=await self.account(ask.subject.id),
            own_team=await self._own_team(ask.subject.id) if approve else False,
            already=await self.book.open_requests(ask.subject.id),
            history=await self.history(ask.subject.id, ask.kind) if ask.taken_by else (),
            tenant_id=self.tenant_id,
            group_id=self.groups[self.policy.kinds[ask.kind].group],
            groups=await self.helpdesk_groups(ask.taken_by.id) if ask.taken_by else frozenset(),
        )

    async def _add(
        self, page: Page, ask: Ask, facts: Facts, now: datetime, activity: str, approve: Approve | None
    ) -> Request:
        day_ago = now - watching.DAY
        if ask.taken_by is None:
            site = ask.site.ods if ask.site else ""
            facts = replace(facts, asked=await page.asked(ask.by.id, ask.subject.id, site, day_ago))
        if approve is not None:
            facts = replace(facts, approvals=await page.approvals(approve.by.id, day_ago))
        while True:
            facts = replace(facts, reference=self.reference())
            asked = decide(None, ask, facts, self.policy, now)
            if await page.add(asked.request):
                break
            # The reference is taken (a fresh one is made), or somebody else asked just now (the rules say so).
            facts = replace(facts, already=await page.open_requests(ask.subject.id))
        await self._write(page, asked, now, activity)
        if approve is None:
            return asked.request
        approved = decide(asked.request, approve, facts, self.policy, now)
        return await self._keep(page, asked.request, approved, now, activity)

    async def helpdesk_groups(self, entra_id: str) -> frozenset[str]:
        """Which of the helpdesk's groups this person is in now, by the policy's names."""
        ids = {self.groups[name]: name for name in DECIDERS if self.groups.get(name)}
        return frozenset(ids[found] for found in await self.directory.groups_of(entra_id, ids))

    async def _keep(self, page: Page, before: Request, decision: Decision, now: datetime, activity: str) -> Request:
        if decision.request == before and not decision.events:
            return before
        decision = replace(decision, request=replace(decision.request, version=before.version + 1))
        if decision.followed is not None:
            await page.change(replace(decision.followed, version=decision.followed.version + 1))
        await page.change(decision.request)
        await self._write(page, decision, now, activity)
        return decision.request

    async def _write(self, page: Page, decision: Decision, now: datetime, activity: str) -> None:
        entries = [self.entry(decision.request.reference, event, now, activity) for event in decision.events]
        if decision.followed is not None:
            reference = decision.followed.reference
            entries += [self.entry(reference, event, now, activity) for event in decision.followed_events]
        await page.record(entries)
        await page.want(decision.effects)

    def entry(self, reference: str, event: Event, now: datetime, activity: str = "") -> Entry:
        return Entry(now, reference, event.what.value, event.by, activity, self.policy.version, dict(event.details))

    async def record(self, reference: str, event: Event, activity: str = "") -> None:
        """Writes down something that changes no request, for example that it was read."""
        async with self.book.page() as page:
            await page.record([self.entry(reference, event, self.clock.now(), activity)])


def no_such(reference: str) -> Refusal:
    """The same words whether a request does not exist or is not theirs: nobody can find references by trying."""
    return Refusal(say("everyone.no_such_request", reference=reference), rule="unknown")
