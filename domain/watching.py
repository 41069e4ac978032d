"""What agents and people may do only so often, and what others should know of. Counts are facts, figures are policy."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.effects import Warn
from domain.errors import Refusal
from domain.events import Event, What
from domain.moments import is_between, uk_clock, uk_date
from domain.outcome import Approval, Asked, filled
from domain.policy import Policy
from domain.request import Request
from texts import say

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALARMING = frozenset({"privileged", "barred", "too_many_approvals"})
"""Rules whose refusals the helpdesk's channel hears of."""


def check_approvals(approvals: Sequence[Approval], policy: Policy, now: datetime) -> None:
    """Raises `Refusal` where this agent approves more than the policy lets one agent approve in an hour."""
    most = policy.limits_for_agents.approvals_per_hour
    if most is not None and len([one for one in approvals if one.at > now - HOUR]) >= most:
        raise Refusal(
            say("agent.too_many_approvals", most=most),
            rule="too_many_approvals",
        )


def unusual(
    request: Request, approvals: Sequence[Approval], *, own_team: bool, policy: Policy, now: datetime
) -> tuple[str, ...]:
    """What is unusual about approving this now, as keys; `approvals` are the agent's before this one."""
    rules = policy.limits_for_agents.unusual
    found = []
    if rules.night_from and rules.night_until and is_between(uk_clock(now), rules.night_from, rules.night_until):
        found.append("night")
    if rules.same_site_per_day is not None and request.site is not None:
        same = [one for one in approvals if one.site == request.site.ods and one.at > now - DAY]
        if len(same) >= rules.same_site_per_day:
            found.append("same_site")
    if rules.own_team and own_team:
        found.append("own_team")
    return tuple(found)


def check_asked(asked: Asked, subject: str, policy: Policy) -> None:
    """Raises `Refusal` where one person, for one person, or one site asks more often than the policy lets them."""
    limits = policy.limits_for_people
    if limits.requests_per_day is not None and asked.by_person >= limits.requests_per_day:
        raise Refusal(say("requester.asked_too_often", **policy.helpdesk.contact), rule="too_many_requests")
    if limits.requests_per_day is not None and asked.for_person >= limits.requests_per_day:
        raise Refusal(
            say("requester.asked_too_often_for_person", subject=subject, **policy.helpdesk.contact),
            rule="too_many_requests",
        )
    if limits.requests_per_site_and_day is not None and asked.for_site >= limits.requests_per_site_and_day:
        raise Refusal(say("requester.asked_too_often_for_site", **policy.helpdesk.contact), rule="too_many_requests")


def check_look_ups(before: int, policy: Policy) -> None:
    """Raises `Refusal` where somebody has looked up as many people within an hour as the policy lets them."""
    most = policy.limits_for_people.look_ups_per_hour
    if most is not None and before >= most:
        raise Refusal(
            say("requester.looked_up_too_often", **policy.helpdesk.contact),
            rule="too_many_look_ups",
        )


def attempt(rule: str, by: str, subject: str, now: datetime) -> tuple[Event, Warn] | None:
    """What to write down and whom to warn when this rule refused somebody; None where it is nothing unusual.

    The channel hears of it once a day for each subject, or for each agent where they approve too many.
    """
    if rule not in ALARMING:
        return None
    whom = "" if rule == "too_many_approvals" else subject
    return Event(What.TRIED, by, filled(rule=rule, subject=subject)), Warn(rule, by, whom, uk_date(now))
