"""One id for each change that we ask of Entra: the same in the log, the call, Entra's own logs and the audit."""

from enum import StrEnum
from uuid import UUID, uuid5

_OURS = UUID("6f0d0c2e-5b1c-4f5e-9d53-8a1f0f1d7c3b")
"""Any UUID, the same for ever."""


class Change(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    EXTEND = "extend"
    """Another exception goes on with the membership."""


def correlation_id(reference: str, change: Change) -> str:
    """Computed and not kept, so that a change that is tried again, after a crash too, has the same one."""
    return str(uuid5(_OURS, f"{reference}:{change}"))
