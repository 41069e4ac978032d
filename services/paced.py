"""The ports through which jobs act, each call below the ceilings of Teams and Graph. No person's turn waits here.

Whoever is told to wait by Teams or Graph tells everybody: a row of the database holds the pause for all processes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

from cards.card import Card
from cards.mail_layout import Mail
from domain.errors import NoAnswer, PutOff, Throttled, Trouble, Unproved
from services.carry_out import CarryOut
from services.chat import Address, Messenger, Sent
from services.deliver import CountedNotices
from services.figures import Figures
from services.pace import (
    AUDIT,
    GRAPH,
    MAIL,
    OF_GRAPH,
    POLICIES,
    TEAMS,
    TEAMWORK,
    Ceiling,
    Paced,
    Urgency,
    conversation,
)
from services.perform import Perform
from services.ports import Exemptions, Mailer, Proof, Sessions
from services.reach import Installer
from services.reconcile import Reconcile

_T = TypeVar("_T")
AWAY_AFTER = 3
"""Calls in a row that got no answer. One account that Entra always stumbles over is not enough to stop all others."""
AWAY = timedelta(seconds=15)
"""How long everybody then waits. Nobody's own wait grows meanwhile: they come back together, the ends first."""


@dataclass(slots=True)
class Unanswered:
    in_a_row: int = 0


@dataclass(frozen=True, slots=True)
class Below:
    """Makes a call when there is room for it. May raise `PutOff`, and what the call raises."""

    paced: Paced
    figures: Figures
    unanswered: Unanswered = field(default_factory=Unanswered)

    async def __call__(self, call: Callable[[], Awaitable[_T]], urgency: Urgency, *ceilings: Ceiling) -> _T:
        """The last of `ceilings` is the whole service's: it is the one that pauses, unless another one asked for it."""
        await self.paced.turn(urgency, *ceilings)
        return await self.listening(call, ceilings[-1])

    async def listening(self, call: Callable[[], Awaitable[_T]], ceiling: Ceiling) -> _T:
        """Makes a call that needs no room, and tells everybody where it is told to wait."""
        try:
            return await call()
        except PutOff:
            raise
        except Throttled as throttled:
            if ceiling.service != GRAPH.service:  # its client counts each of its answers
                self.figures.throttled(ceiling.service)
            await self.paced.pause(OF_GRAPH.get(throttled.service, ceiling), throttled.retry_after)
            raise

    async def answered(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Makes a call to Entra, and has everybody wait where it is away: only a few then find out when it is back."""
        try:
            answer = await call()
        except NoAnswer:
            self.unanswered.in_a_row += 1
            if self.unanswered.in_a_row >= AWAY_AFTER:
                await self.paced.pause(GRAPH, AWAY)
            raise
        except PutOff:
            raise
        except Trouble:
            self.unanswered.in_a_row = 0
            raise
        self.unanswered.in_a_row = 0
        return answer


@dataclass(frozen=True, slots=True)
class PacedMessenger:
    """A pause is for all conversations: below the limits of each one, it is the whole bot that Teams finds too much."""

    inner: Messenger
    below: Below

    async def send(self, to: Address, card: Card) -> Sent:
        return await self._to(to.conversation_id, lambda: self.inner.send(to, card))

    async def say(self, to: Address, text: str) -> Sent:
        return await self._to(to.conversation_id, lambda: self.inner.say(to, text))

    async def post(self, channel: Address, card: Card) -> Sent:
        return await self._to(channel.channel_id, lambda: self.inner.post(channel, card))

    async def replace(self, at: Sent, card: Card) -> None:
        where = at.address.conversation_id
        await self._to(where, lambda: self.inner.replace(at, card), Urgency.REPORT)

    async def find(self, team: Address, entra_id: str) -> Address | None:
        """Two requests to Teams: the roster, and the chat."""
        await self.below.paced.turn(Urgency.NOTICE, TEAMS)
        return await self.below(lambda: self.inner.find(team, entra_id), Urgency.NOTICE, TEAMS)

    async def answers(self, at: Address) -> None:
        await self.below(lambda: self.inner.answers(at), Urgency.NOTICE, TEAMS)

    async def _to(self, where: str, call: Callable[[], Awaitable[_T]], urgency: Urgency = Urgency.NOTICE) -> _T:
        return await self.below(call, urgency, conversation(where), TEAMS)


@dataclass(frozen=True, slots=True)
class PacedExemptions:
    inner: Exemptions
    below: Below

    async def add(self, group: str, entra_id: str, *, until: datetime, reference: str) -> None:
        add = partial(self.inner.add, group, entra_id, until=until, reference=reference)
        await self.below(partial(self.below.answered, add), Urgency.GRANT, GRAPH)

    async def remove(self, group: str, entra_id: str) -> None:
        remove = partial(self.inner.remove, group, entra_id)
        await self.below(partial(self.below.answered, remove), Urgency.END, GRAPH)

    async def contains(self, group: str, entra_id: str) -> bool:
        contains = partial(self.inner.contains, group, entra_id)
        return await self.below.listening(partial(self.below.answered, contains), GRAPH)


@dataclass(frozen=True, slots=True)
class PacedProof:
    inner: Proof
    below: Below

    async def not_asked(self, entra_id: str) -> None:
        """A membership behind a pause of What If is not proved: the agent is shown it."""
        try:
            await self.below(lambda: self.inner.not_asked(entra_id), Urgency.GRANT, POLICIES)
        except PutOff as later:
            raise Unproved("What If has asked us to wait", retry_after=later.retry_after) from later


@dataclass(frozen=True, slots=True)
class PacedSessions:
    inner: Sessions
    below: Below

    async def revoke(self, entra_id: str) -> None:
        await self.below(lambda: self.inner.revoke(entra_id), Urgency.NOTICE, GRAPH)


@dataclass(frozen=True, slots=True)
class PacedMailer:
    inner: Mailer
    below: Below

    async def send(self, *, to: str, mail: Mail, key: str) -> None:
        await self.below(lambda: self.inner.send(to=to, mail=mail, key=key), Urgency.NOTICE, GRAPH, MAIL)

    async def answers(self) -> None:
        await self.below.listening(self.inner.answers, GRAPH)


@dataclass(frozen=True, slots=True)
class PacedInstaller:
    inner: Installer
    below: Below

    async def chat_of(self, entra_id: str) -> str:
        return await self.below(lambda: self.inner.chat_of(entra_id), Urgency.NOTICE, GRAPH, TEAMWORK)


class _Reading:
    def __init__(self, inner: Any, below: Below, urgency: Urgency, ceiling: Ceiling) -> None:
        self._inner, self._below, self._urgency, self._ceiling = inner, below, urgency, ceiling

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._inner, name)
        return lambda *given, **named: self._below(partial(call, *given, **named), self._urgency, self._ceiling)


def reading(port: _T, below: Below, urgency: Urgency, ceiling: Ceiling = GRAPH) -> _T:
    """The same port, of which each method reads from Graph: it keeps everybody's pause, and tells everybody of its own.

    What reads little, and with nobody waiting: each call takes the turn of a write.
    """
    return cast(_T, _Reading(port, below, urgency, ceiling))


def comparing(reconcile: Reconcile, below: Below) -> Reconcile:
    """The same, but every call to Graph keeps its ceiling."""
    return replace(
        reconcile,
        carry_out=in_jobs(reconcile.carry_out, below, Urgency.REPORT),
        exemptions=PacedExemptions(reconcile.exemptions, below),
        members=reading(reconcile.members, below, Urgency.REPORT),
        audit=reading(reconcile.audit, below, Urgency.REPORT, AUDIT),
        mfa_policy=reading(reconcile.mfa_policy, below, Urgency.REPORT, POLICIES) if reconcile.mfa_policy else None,
    )


def in_jobs(carry_out: CarryOut, below: Below, urgency: Urgency) -> CarryOut:
    """The same, but what it reads of people keeps Graph's ceiling."""
    return replace(carry_out, directory=reading(carry_out.directory, below, urgency))


def paced(perform: Perform, below: Below) -> Perform:
    """The same, but every call to Teams and every write to Graph waits for its turn."""
    messenger, reach = PacedMessenger(perform.messenger, below), perform.reach
    return replace(
        perform,
        carry_out=in_jobs(perform.carry_out, below, Urgency.NOTICE),
        messenger=messenger,
        exemptions=PacedExemptions(perform.exemptions, below),
        mailer=PacedMailer(perform.mailer, below),
        proof=PacedProof(perform.proof, below) if perform.proof else None,
        sessions=PacedSessions(perform.sessions, below) if perform.sessions else None,
        reach=replace(
            reach,
            messenger=messenger,
            installer=PacedInstaller(reach.installer, below) if reach.installer else None,
        ),
        notices=CountedNotices(perform.notices, below.figures),
    )
