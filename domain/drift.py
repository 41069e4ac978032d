"""Where the exemption groups in Entra and the book do not agree. Pure: members and decisions are given."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.policy import Policy
from domain.request import OPEN, Request, State

BEING_DONE = timedelta(minutes=5)
"""An end that is younger is being done, and may take its time in Entra."""
SOON = timedelta(seconds=10)
"""What is due is found within seconds: an end that is so little overdue will come by itself."""


class Sort(StrEnum):
    STRANGER = "stranger"
    """A member, and nobody decided on it."""
    OVERSTAYED = "overstayed"
    """A member, although the exception has ended or its time is up."""
    MISSING = "missing"
    """No member, although the exception is on."""
    EXCLUSION_GONE = "exclusion_gone"
    """The MFA policy does not leave one of our groups out: exceptions have no effect."""
    EXCLUSION_MORE = "exclusion_more"
    """The MFA policy leaves out more than our groups: others are not asked for MFA."""
    MANY = "many"
    """More of one sort at once than people want to have acted upon. Its `entra_id` is the sort."""


@dataclass(frozen=True, slots=True)
class Drift:
    sort: Sort
    group: str = ""
    """The exemption group; empty for the MFA policy's exclusions and for many at once."""
    entra_id: str = ""
    """The member, or what the MFA policy leaves out."""
    reference: str = ""
    """The request, where there is one."""
    number: int = 0
    """How many, where it stands for many."""

    @property
    def key(self) -> str:
        """The same for the same drift, in each run."""
        return ":".join(part for part in (self.sort, self.group, self.entra_id, self.reference) if part)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a request says about its subject's membership: so little, because everybody's are compared at once."""

    reference: str
    group_id: str
    subject_id: str
    state: State
    ends_at: datetime | None
    closed_at: datetime | None
    refused_since: datetime | None
    """Since when Entra has refused what is being done."""
    next_due: datetime | None


def entitlement_of(request: Request) -> Entitlement:
    return Entitlement(
        request.reference,
        request.group_id,
        request.subject.id,
        request.state,
        request.ends_at,
        request.closed_at,
        request.stuck.since if request.stuck else None,
        request.next_due,
    )


def compare(
    members: Mapping[str, Collection[str]], entitlements: Iterable[Entitlement], policy: Policy, now: datetime
) -> tuple[Drift, ...]:
    """`members`: by exemption group, read before the entitlements were.

    `entitlements`: of all requests that are granting, on or ending, and of those of members that have ended. Both kinds
    may share a group. Who is being granted or has just begun to end is no drift.
    """
    of_member: dict[tuple[str, str], list[Entitlement]] = {}
    for entitlement in entitlements:
        if entitlement.group_id in members:
            of_member.setdefault((entitlement.group_id, entitlement.subject_id), []).append(entitlement)
    found = list(_members(members, of_member, policy, now))
    for (group, entra_id), theirs in of_member.items():
        if entra_id in members[group] or any(one.state is State.GRANTING for one in theirs):
            continue
        found += [Drift(Sort.MISSING, group, entra_id, one.reference) for one in theirs if _is_on(one, now)]
    return tuple(sorted(found, key=lambda one: one.key))


def _members(
    members: Mapping[str, Collection[str]],
    of_member: Mapping[tuple[str, str], Sequence[Entitlement]],
    policy: Policy,
    now: datetime,
) -> Iterator[Drift]:
    for group, ids in members.items():
        for entra_id in ids:
            theirs = of_member.get((group, entra_id), ())
            if any(is_held(one, policy, now) for one in theirs):
                continue
            over = [one for one in theirs if was_exempt(one.state)]
            if over:
                last = max(
                    over, key=lambda one: (one.state in OPEN, one.ends_at or one.closed_at or now, one.reference)
                )
                yield Drift(Sort.OVERSTAYED, group, entra_id, last.reference)
            else:
                yield Drift(Sort.STRANGER, group, entra_id)


def is_held(entitlement: Entitlement, policy: Policy, now: datetime) -> bool:
    """Whether this request is a reason for its subject to be a member now, or is just ceasing to be one."""
    match entitlement.state:
        case State.GRANTING:
            return True
        case State.ACTIVE:
            return entitlement.ends_at is not None and entitlement.ends_at > now - SOON
        case State.ENDING:
            return now - ending_since(entitlement, policy, now) < BEING_DONE
    return False


def ending_since(entitlement: Entitlement, policy: Policy, now: datetime) -> datetime:
    """When Entra first refused the end, or else when it was last begun.

    Not when its time was up: after an outage it begins late, and is then being done.
    """
    known = [entitlement.refused_since] if entitlement.refused_since else []
    if entitlement.next_due is not None:
        known.append(entitlement.next_due - policy.limits.check_again)
    return min(known, default=now)


def was_exempt(state: State) -> bool:
    """Whether it was decided, so that the membership was once right."""
    return state in (State.GRANTING, State.ACTIVE, State.ENDING, State.ENDED)


def _is_on(entitlement: Entitlement, now: datetime) -> bool:
    return entitlement.state is State.ACTIVE and entitlement.ends_at is not None and entitlement.ends_at > now


def compare_exclusions(
    left_out: Collection[str], groups: Collection[str], others: Collection[str]
) -> tuple[Drift, ...]:
    """`left_out`: ids of groups, users and roles that the MFA policy leaves out; `others`: which of them rightly."""
    known = {one.lower() for one in left_out}
    ours, rightly = {one.lower() for one in groups}, {one.lower() for one in others}
    gone = [Drift(Sort.EXCLUSION_GONE, entra_id=one) for one in sorted(ours - known)]
    more = [Drift(Sort.EXCLUSION_MORE, entra_id=one) for one in sorted(known - ours - rightly)]
    return (*gone, *more)


FEW = 3
"""So many exceptions that are on may be missing from a group that reads as empty; more is no coincidence."""


def few_at_once(
    drifts: Sequence[Drift],
    members: Mapping[str, Collection[str]],
    most: int,
    *,
    shown: Collection[str] = (),
    few: int = FEW,
) -> tuple[Drift, ...]:
    """The same, but where more than `most` of a sort are new, one that says how many there are takes their place.

    The same where a group reads as empty while the book has more than `few` in it: it is rather misread than emptied.
    `shown`: keys of those that people have been shown, and so are not new.
    """
    numbers = Counter(one.sort for one in drifts)
    new = [one for one in drifts if one.key not in shown]
    emptied = Counter(one.group for one in new if one.sort is Sort.MISSING and not members[one.group])
    many = {sort for sort, number in Counter(one.sort for one in new).items() if number > most}
    if any(number > few for number in emptied.values()):
        many.add(Sort.MISSING)
    kept = [one for one in drifts if one.sort not in many]
    return (*kept, *(Drift(Sort.MANY, entra_id=sort.value, number=numbers[sort]) for sort in sorted(many)))
