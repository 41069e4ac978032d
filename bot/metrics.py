"""Figures for those who run the bot, in Prometheus' words. What each alarm means: docs/running.md."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from domain.commands import SeeAccount, Tick
from domain.drift import Sort
from domain.effects import Effect
from services.figures import Jobs, Late, Standing
from services.pace import GRAPH, TEAMS, Urgency

REQUESTS = Gauge("mfa_requests", "Requests by kind and state", ["kind", "state"])
DUE = Gauge("mfa_requests_due", "Requests that time has to move on and that were not moved on yet", ["kind"])
OVERDUE = Gauge("mfa_requests_overdue", "Of these, the ones that are due for more than a minute", ["kind"])
ENDS_OVERDUE = Gauge(
    "mfa_ends_overdue", "Accounts still exempt more than a minute after their end, or after it was begun", ["kind"]
)
UNPROVED = Gauge(
    "mfa_grants_unproved", "Being granted for longer than limits.prove_within, and not confirmed by Entra", ["kind"]
)
DRIFTS = Gauge("mfa_drifts", "Differences between Entra and the book: open, or found within 15 minutes", ["what"])
COMPARED = Gauge("mfa_compared_seconds", "How long ago Entra and the book were last compared as a whole; +Inf: never")
COMPARE_EVERY = Gauge("mfa_compare_every_seconds", "How often they are to be compared")
JOBS = Gauge("mfa_jobs", "Jobs: waiting, later, running, retried (of those that wait) and failed", ["state"])
OLDEST_JOB = Gauge("mfa_jobs_oldest_seconds", "How long the oldest waiting job could have been run")
UNFINISHED = Gauge(
    "mfa_jobs_unfinished_seconds", "How long ago the oldest effect was wanted that is not done yet", ["effect"]
)
LATE = Histogram(
    "mfa_late_seconds",
    "How late ends were confirmed and reminders were sent",
    ["what"],
    buckets=(1, 2, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)
NOTICES = Counter("mfa_notices", "Notices by way and outcome", ["way", "outcome"])
TRIED_AGAIN = Counter("mfa_effects_tried_again", "Effects that did not succeed and are tried again", ["effect", "why"])
THROTTLED = Counter("mfa_throttled", "Answers that asked us to wait", ["service"])
PUT_OFF = Counter("mfa_put_off", "What we put off in order to keep below a ceiling", ["service", "urgency"])

_EFFECTS = tuple(one.__name__ for one in get_args(Effect))


class Counted:
    """`services.figures.Figures` made real."""

    def __init__(self) -> None:
        """Each figure that an alarm looks at begins at 0: what begins at 1 has not increased, for Prometheus."""
        for what in ("end", "reminder"):
            LATE.labels(what)
        for way in ("teams", "mail", "channel"):
            NOTICES.labels(way, "sent")
        for outcome in ("given_up", "still_tried", "unknown"):
            NOTICES.labels("none", outcome)
        for what in (*_EFFECTS, Tick.__name__, SeeAccount.__name__):
            for why in ("trouble", "for_good", "bug"):
                TRIED_AGAIN.labels(what, why)
        for ceiling in (TEAMS, GRAPH):
            THROTTLED.labels(ceiling.service)

    def late(self, what: str, by: timedelta) -> None:
        LATE.labels(what).observe(max(0.0, by.total_seconds()))

    def notice(self, way: str, outcome: str) -> None:
        NOTICES.labels(way, outcome).inc()

    def tried_again(self, effect: str, why: str) -> None:
        TRIED_AGAIN.labels(effect, why).inc()

    def throttled(self, service: str) -> None:
        THROTTLED.labels(service).inc()

    def put_off(self, service: str, urgency: Urgency) -> None:
        PUT_OFF.labels(service, urgency.value).inc()


def show_requests(standings: Iterable[Standing]) -> None:
    """What is not there any more is not shown any more."""
    REQUESTS.clear()
    for one in standings:
        REQUESTS.labels(one.kind, one.state).set(one.number)


def show_late(found: Iterable[Late], kinds: Iterable[str]) -> None:
    """Each of the policy's `kinds` shows its zeros; one that the policy no longer has is shown while something is."""
    for gauge in (DUE, OVERDUE, ENDS_OVERDUE, UNPROVED):
        gauge.clear()
    for one in (*(Late(kind, 0, 0, 0, 0) for kind in kinds), *found):
        DUE.labels(one.kind).set(one.due)
        OVERDUE.labels(one.kind).set(one.overdue)
        ENDS_OVERDUE.labels(one.kind).set(one.ends_overdue)
        UNPROVED.labels(one.kind).set(one.unproved)


def show_drifts(numbers: Mapping[str, int]) -> None:
    """By sort; each that this version knows shows its zero, and one of a newer version while there is something."""
    DRIFTS.clear()
    for sort, number in (dict.fromkeys(Sort, 0) | dict(numbers)).items():
        DRIFTS.labels(sort).set(number)


def show_compared(at: datetime | None, now: datetime, every: timedelta) -> None:
    """A moment to come counts as one that is over: it is of a clock that was wrong, and nothing is known since."""
    COMPARED.set(abs(now - at).total_seconds() if at else inf)
    COMPARE_EVERY.set(every.total_seconds())


def show_jobs(jobs: Jobs) -> None:
    for state in ("waiting", "later", "running", "retried", "failed"):
        JOBS.labels(state).set(getattr(jobs, state))
    OLDEST_JOB.set(jobs.oldest.total_seconds())
    UNFINISHED.clear()
    for effect, age in (dict.fromkeys(_EFFECTS, timedelta(0)) | dict(jobs.unfinished)).items():
        UNFINISHED.labels(effect).set(age.total_seconds())
