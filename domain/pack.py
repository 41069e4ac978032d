"""The yearly pack for the NHS Data Security and Protection Toolkit: what belongs in it, and what is still to be done.

Pure: requests, entries of the audit and opened answers are given.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from domain.drift import Drift, entitlement_of, is_held, was_exempt
from domain.errors import Refusal
from domain.events import What
from domain.moments import UK, read_date
from domain.policy import About, Kind, Policy
from domain.request import Cause, Request, State
from domain.site import Site, warnings


@dataclass(frozen=True, slots=True)
class Year:
    """Whole days in UK local time, the last one included. Any length, although a year is meant."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time(), UK).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first moment that no longer belongs to it."""
        return datetime.combine(self.last + timedelta(days=1), time(), UK).astimezone(UTC)


def year_of(first: date, last: date) -> Year:
    """Raises `Refusal`."""
    if not (first.year >= 2000 and last.year < 2200):
        raise Refusal("Give dates from 2000 to 2199.", rule="pack_dates")
    if last < first:
        raise Refusal("The last day is before the first one. Give the earlier date first.", rule="pack_dates")
    return Year(first, last)


def began(request: Request) -> datetime | None:
    """When it came into force; where Entra never confirmed that, when it was approved: it may have had effect since."""
    if not was_exempt(request.state):
        return None
    return request.starts_at or (request.decided.at if request.decided else request.asked_at)


def belongs(request: Request, year: Year) -> bool:
    """Whether it was in force at any moment of the year: until Entra confirmed the end, whatever the plan was."""
    at = began(request)
    return at is not None and at < year.end and (request.closed_at is None or request.closed_at > year.start)


NOTED = frozenset({What.APPROVED, What.PUT_BACK, What.METHOD_FOUND, What.NOT_DELIVERED})
"""What the pack needs to know from the audit."""


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry of the audit about one request."""

    what: str
    at: datetime
    policy_version: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


class Kept(StrEnum):
    """How it stands with the evidence, of which the digest always stays."""

    NOT_ASKED = "not_asked"
    """This kind of exception is decided without any."""
    SEALED = "sealed"
    """Kept, and not opened for the pack."""
    OPENED = "opened"
    UNREADABLE = "unreadable"
    """Kept, and no key fits."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the site said about risk and plan. The texts are empty unless the answers were opened."""

    kept: Kept
    asked: bool = False
    """Whether the policy asks for the risk."""
    risk: str = ""
    replacement: str = ""
    replaced_by: str = ""


class Way(StrEnum):
    """How an exception was looked at again."""

    RENEWAL = "renewal"
    """Decided anew, with new evidence, to follow another one."""
    HALF_WAY_ASKED = "half_way_asked"
    HALF_WAY_ANSWERED = "half_way_answered"
    RENEWED = "renewed"
    """Another one took its place."""


@dataclass(frozen=True, slots=True)
class Review:
    way: Way
    at: datetime
    by: str = ""
    """A name."""
    reference: str = ""
    """The other exception."""


class Doing(StrEnum):
    """Why something is still to be done."""

    NOT_ENDED = "not_ended"
    """Its time is up, or its end was decided, and Entra has not confirmed it."""
    UNPROVED = "unproved"
    """Approved, and Entra has not confirmed that it has effect."""
    PAST_REPLACEMENT = "past_replacement"
    """On, and the day has passed by which something else was to replace it."""
    UNANSWERED = "unanswered"
    """Nobody has said half way that it is still needed."""
    NOT_DELIVERED = "not_delivered"
    UNREADABLE = "unreadable"
    """No key opens its evidence."""
    DRIFT = "drift"
    """Entra and the book do not agree."""
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Action:
    what: Doing
    reference: str
    """The request; or the site's code; or empty."""
    since: datetime | None = None
    about: str = ""
    """Which notice, drift or warning."""


@dataclass(frozen=True, slots=True)
class Documented:
    """One exception, with all that the pack says about it."""

    request: Request
    policy_version: str
    """Under which it was approved."""
    assessment: Assessment
    reviews: tuple[Review, ...]
    follow_up: str
    """What its subject was told to do besides, as the policy has it."""
    method_found: datetime | None
    """When a new method was seen on the account, which is what most follow-ups come to."""
    actions: tuple[Action, ...]


def document(
    request: Request,
    noted: Sequence[Noted],
    policy: Policy,
    now: datetime,
    opened: Mapping[str, Mapping[str, str] | None] | None = None,
) -> Documented:
    """`noted`: its own entries, the oldest first.

    `opened`: answers by reference, None for those that no key opens; without it, nothing was opened.
    """
    kind = policy.kinds.get(request.kind)
    reason = kind.reason(request.reason) if kind else None
    approved = [one for one in noted if one.what == What.APPROVED]
    assessment = _assessment(request, kind, opened)
    return Documented(
        request=request,
        policy_version=approved[-1].policy_version if approved else request.policy_version,
        assessment=assessment,
        reviews=tuple(sorted(_reviews(request), key=lambda one: one.at)),
        follow_up=reason.follow_up if reason else "",
        method_found=next((one.at for one in noted if one.what == What.METHOD_FOUND), None),
        actions=tuple(_actions(request, noted, assessment, policy, now)),
    )


def _assessment(
    request: Request, kind: Kind | None, opened: Mapping[str, Mapping[str, str] | None] | None
) -> Assessment:
    items = {item.about: item.id for item in kind.checklist(request.reason) if item.about} if kind else {}
    asked = About.RISK in items
    if request.given is None:
        return Assessment(Kept.NOT_ASKED)
    if request.purged_at is not None:
        return Assessment(Kept.DELETED, asked)
    if opened is None:
        return Assessment(Kept.SEALED, asked)
    if request.reference not in opened:
        return Assessment(Kept.DELETED, asked)
    answers = opened[request.reference]
    if answers is None:
        return Assessment(Kept.UNREADABLE, asked)
    return Assessment(Kept.OPENED, asked, *(answers.get(items.get(about, ""), "") for about in About))


def _reviews(request: Request) -> Iterator[Review]:
    decided, asked = request.decided, request.half_way
    if request.renews and decided:
        yield Review(Way.RENEWAL, decided.at, decided.by.name, request.renews)
    if asked and asked.answered_at:
        yield Review(Way.HALF_WAY_ANSWERED, asked.answered_at, asked.answered_by.name if asked.answered_by else "")
    elif asked:
        yield Review(Way.HALF_WAY_ASKED, asked.at)
    if request.closing and request.closing.cause is Cause.RENEWED and request.closed_at:
        yield Review(Way.RENEWED, request.closed_at, reference=request.closing.words)


def _actions(
    request: Request, noted: Sequence[Noted], assessment: Assessment, policy: Policy, now: datetime
) -> Iterator[Action]:
    reference, kind = request.reference, policy.kinds.get(request.kind)
    on = request.state in (State.GRANTING, State.ACTIVE, State.ENDING)
    if request.state in (State.ACTIVE, State.ENDING) and not is_held(entitlement_of(request), policy, now):
        yield Action(Doing.NOT_ENDED, reference, request.ends_at)
    if request.state is State.GRANTING and request.decided:
        again = (one.at for one in noted if one.what in (What.APPROVED, What.PUT_BACK))
        since = max(again, default=request.decided.at)
        if now - since >= policy.limits.prove_within:
            yield Action(Doing.UNPROVED, reference, since)
    day = read_date(assessment.replaced_by)
    if on and day and day < now.astimezone(UK).date():
        yield Action(Doing.PAST_REPLACEMENT, reference, datetime.combine(day, time(), UK))
    asked, rule = request.half_way, kind.half_way if kind else None
    waits = request.state is State.ACTIVE and asked is not None and asked.answered_at is None
    if asked and waits and rule and now >= asked.at + rule.answer_within:
        yield Action(Doing.UNANSWERED, reference, asked.at)
    for one in noted:
        if one.what == What.NOT_DELIVERED:
            yield Action(Doing.NOT_DELIVERED, reference, one.at, one.details.get("notice", ""))
    if assessment.kept is Kept.UNREADABLE:
        yield Action(Doing.UNREADABLE, reference)


def drifted(drift: Drift, first_seen: datetime) -> Action:
    """For a difference that is not over."""
    about = " ".join(part for part in (drift.sort.value, drift.entra_id, str(drift.number or "")) if part)
    return Action(Doing.DRIFT, drift.reference, first_seen, about)


def warned(site: Site) -> tuple[Action, ...]:
    return tuple(Action(Doing.SITE, site.ods, about=sentence) for sentence in warnings(site))


class Figure(StrEnum):
    """What is counted, for each kind."""

    IN_FORCE = "in_force"
    PEOPLE = "people"
    BEGAN = "began"
    ENDED = "ended"
    STILL_ON = "still_on"
    ASSESSED = "assessed"
    ACCEPTED = "accepted"
    """Decided without an assessment of its own, as the policy has it for this kind."""
    BY_TWO = "by_two"
    REVIEWED = "reviewed"
    RENEWED = "renewed"


@dataclass(slots=True)
class Summary:
    """The figures of the year, as they are when all was added."""

    figures: Counter[tuple[str, Figure]] = field(default_factory=Counter)
    """By kind and figure."""
    actions: Counter[Doing] = field(default_factory=Counter)
    not_granted: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Requests that were closed in the year without an exception, by kind and state."""
    on_at: set[str] = field(default_factory=set)
    """The codes of the sites that have an exception on now."""
    _people: set[tuple[str, str]] = field(default_factory=set)

    def add(self, one: Documented, year: Year) -> None:
        request = one.request
        on = request.closed_at is None
        counted = {
            Figure.IN_FORCE: True,
            Figure.PEOPLE: (request.kind, request.subject.id) not in self._people,
            Figure.BEGAN: (began(request) or year.end) >= year.start,
            Figure.ENDED: request.closed_at is not None and request.closed_at < year.end,
            Figure.STILL_ON: on,
            Figure.ASSESSED: one.assessment.asked,
            Figure.ACCEPTED: one.assessment.kept is Kept.NOT_ASKED,
            Figure.BY_TWO: request.first_approval is not None,
            Figure.REVIEWED: any(review.way is not Way.HALF_WAY_ASKED for review in one.reviews),
            Figure.RENEWED: any(review.way is Way.RENEWED for review in one.reviews),
        }
        self._people.add((request.kind, request.subject.id))
        self.figures.update((request.kind, figure) for figure, is_so in counted.items() if is_so)
        if on and request.site:
            self.on_at.add(request.site.ods)

    def act(self, action: Action) -> None:
        self.actions[action.what] += 1
