"""Figures for those who run the bot."""

from collections.abc import Mapping

from prometheus_client import Gauge

REQUESTS = Gauge("mfa_requests", "Requests by state", ["state"])
DUE = Gauge("mfa_requests_due", "Requests that time has to move on and that were not moved on yet")


def count_requests(by_state: Mapping[str, int], due: int) -> None:
    REQUESTS.clear()
    for state, number in by_state.items():
        REQUESTS.labels(state).set(number)
    DUE.set(due)
