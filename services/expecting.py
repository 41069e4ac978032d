"""Tells the security operations centre which change is about to reach Entra, and marks the call with the same id.

What comes out is documented, with sample rules, in docs/security-operations.md: change both together.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import structlog

from domain.correlation import Change, correlation_id
from domain.request import Request

security = structlog.get_logger("security")


@contextmanager
def expecting(request: Request, change: Change, until: datetime | None = None) -> Iterator[None]:
    """The line is written before the block begins. Calls to Graph within it carry the id as `client-request-id`."""
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id(request.reference, change)):
        security.info("expected", **described(request, change, until))
        yield


@contextmanager
def expecting_removal(tenant_id: str, group: str, entra_id: str, by_id: str, drift: str) -> Iterator[None]:
    """The same, where somebody is taken out on whom nobody ever decided: there is no request."""
    correlation = correlation_id(drift, Change.REMOVE)
    with structlog.contextvars.bound_contextvars(correlation_id=correlation):
        security.info(
            "expected", stream="security", change=Change.REMOVE.value, tenant_id=tenant_id, group_id=group,
            subject_id=entra_id, cause="stranger", ended_by=by_id,
        )  # fmt: skip
        yield


def described(request: Request, change: Change, until: datetime | None) -> Mapping[str, str]:
    """Ids only; what does not apply is left out."""
    approved = [one.by.id for one in (request.first_approval, request.decided) if one]
    closing = request.closing if change is Change.REMOVE else None
    fields = {
        "stream": "security",
        "change": change.value,
        "tenant_id": request.tenant_id,
        "reference": request.reference,
        "kind": request.kind,
        "group_id": request.group_id,
        "subject_id": request.subject.id,
        "approved_by": " ".join(approved),
        "policy_version": request.policy_version,
        "until": until.isoformat() if until else "",
        "cause": closing.cause.value if closing else "",
        "ended_by": closing.by.id if closing and closing.by else "",
    }
    return {name: value for name, value in fields.items() if value}
