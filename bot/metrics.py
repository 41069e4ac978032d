"""Figures for those who run the bot, in Prometheus' words. What each alarm means: docs/running.md."""

from collections.abc import Iterable
from datetime import timedelta

from prometheus_client import Counter, Gauge, Histogram

from services.figures import Jobs, Standing
from services.pace import Urgency

REQUESTS = Gauge("mfa_requests", "Requests by kind and state", ["kind", "state"])
DUE = Gauge("mfa_requests_due", "Requests that time has to move on and that were not moved on yet", ["kind"])
OVERDUE = Gauge("mfa_requests_overdue", "Of these, the ones that are due for more than a minute", ["kind"])
ENDS_OVERDUE = Gauge("mfa_ends_overdue", "Accounts still exempt more than a minute after their end", ["kind"])
UNPROVED = Gauge("mfa_grants_unproved", "Approved more than 15 minutes ago, and not confirmed by Entra", ["kind"])
JOBS = Gauge("mfa_jobs", "Jobs: waiting, later, running, retried (of those that wait) and failed", ["state"])
OLDEST_JOB = Gauge("mfa_jobs_oldest_seconds", "How long the oldest waiting job could have been run")
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
DRIFT = Counter("mfa_drift", "Differences found between Entra and the book", ["what"])


class Counted:
    """`services.figures.Figures` made real."""

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

    def drift(self, what: str) -> None:
        DRIFT.labels(what).inc()


def show_requests(standings: Iterable[Standing]) -> None:
    """What is not there any more is not shown any more; each kind that is there shows its zeros."""
    for gauge in (REQUESTS, DUE, OVERDUE, ENDS_OVERDUE, UNPROVED):
        gauge.clear()
    for one in standings:
        REQUESTS.labels(one.kind, one.state).set(one.number)
        DUE.labels(one.kind).inc(one.due)
        OVERDUE.labels(one.kind).inc(one.overdue)
        ENDS_OVERDUE.labels(one.kind).inc(one.ends_overdue)
        UNPROVED.labels(one.kind).inc(one.unproved)


def show_jobs(jobs: Jobs) -> None:
    for state in ("waiting", "later", "running", "retried", "failed"):
        JOBS.labels(state).set(getattr(jobs, state))
    OLDEST_JOB.set(jobs.oldest.total_seconds())
