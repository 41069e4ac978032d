"""The one door in: facts are gathered, the decision is made, and all that follows from it is saved together."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.commands import AgentCommand, Approve, Ask, Command
from domain.decisions import Decision, Facts, decide
from domain.errors import Refusal
from domain.events import Event
from domain.policy import DECIDERS, Policy
from domain.reference import LENGTH, LETTERS, spelled
from domain.request import Request
from services.book import Book, Draft, Entry, Page
from services.ports import Clock, Directory


def fresh_reference() -> str:
    return spelled("".join(secrets.choice(LETTERS) for _ in range(LENGTH)))


class UsedUp(Refusal):  # a Refusal by name, as the others
    """The conversation had already been sent, or has moved on: on another device, or by a second click."""

    def __init__(self) -> None:
        super().__init__("This was already sent or has changed. Here is how it stands.", rule="used_up")


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Raises `Refusal` where a command may not or cannot be done, and `Trouble` where the facts cannot be had."""

    book: Book
    directory: Directory
    clock: Clock
    policy: Policy
    groups: Mapping[str, str]
    """The Entra ids of the groups that the policy names: helpdesk, leads, exempt_short, exempt_long."""
    tenant_id: str
    reference: Callable[[], str] = fresh_reference

    async def __call__(self, reference: str, command: Command, activity: str = "") -> Request:
        """One command on one request. `activity` is the id of the Teams activity that it came from."""
        facts = Facts()
        if isinstance(command, AgentCommand):
            facts = replace(facts, groups=await self.helpdesk_groups(command.by.id))
        if isinstance(command, Approve) and facts.groups:
            found = await self.book.request(reference)
            account = await self.directory.account(found.subject.id) if found else None
            facts = replace(facts, account=account)
        now = self.clock.now()
        async with self.book.page() as page:
            request = await page.request(reference)
            if request is None:
                raise no_such(reference)
            decision = decide(request, command, facts, self.policy, now)
            return await self._keep(page, request, decision, now, activity)

    async def ask(self, ask: Ask, draft: Draft, activity: str, approve: Approve | None = None) -> Request:
        """A new request out of a finished conversation, and where an agent has the caller on the line, its approval."""
        groups = await self.helpdesk_groups(ask.taken_by.id) if ask.taken_by else frozenset()
        account = await self.directory.account(ask.subject.id)
        already = await self.book.open_request(ask.subject.id)
        now = self.clock.now()
        while True:
            facts = Facts(
                account=account,
                already=already,
                reference=self.reference(),
                tenant_id=self.tenant_id,
                group_id=self.groups[self.policy.kinds[ask.kind].group],
                groups=groups,
            )
            asked = decide(None, ask, facts, self.policy, now)
            async with self.book.page() as page:
                if not await page.use_up(draft):
                    raise UsedUp
                if await page.add(asked.request):
                    await self._write(page, asked, now, activity)
                    if approve is None:
                        return asked.request
                    approved = decide(asked.request, approve, facts, self.policy, now)
                    return await self._keep(page, asked.request, approved, now, activity)
                already = await page.open_request(ask.subject.id)
                raise_again = already is None
            if not raise_again:
                decide(None, ask, replace(facts, already=already), self.policy, now)

    async def helpdesk_groups(self, entra_id: str) -> frozenset[str]:
        """Which of the helpdesk's groups this person is in now, by the policy's names."""
        ids = {self.groups[name]: name for name in DECIDERS if self.groups.get(name)}
        return frozenset(ids[found] for found in await self.directory.groups_of(entra_id, ids))

    async def _keep(self, page: Page, before: Request, decision: Decision, now: datetime, activity: str) -> Request:
        if decision.request == before and not decision.events:
            return before
        decision = replace(decision, request=replace(decision.request, version=before.version + 1))
        await page.change(decision.request)
        await self._write(page, decision, now, activity)
        return decision.request

    async def _write(self, page: Page, decision: Decision, now: datetime, activity: str) -> None:
        await page.record([self.entry(decision.request.reference, event, now, activity) for event in decision.events])
        await page.want(decision.effects)

    def entry(self, reference: str, event: Event, now: datetime, activity: str = "") -> Entry:
        return Entry(now, reference, event.what.value, event.by, activity, self.policy.version, dict(event.details))

    async def record(self, reference: str, event: Event, activity: str = "") -> None:
        """Writes down something that changes no request, for example that it was read."""
        async with self.book.page() as page:
            await page.record([self.entry(reference, event, self.clock.now(), activity)])


def no_such(reference: str) -> Refusal:
    """The same words whether a request does not exist or is not theirs: nobody can find references by trying."""
    return Refusal(f"We cannot find a request {reference} of yours. Check the reference and try again.", rule="unknown")
