"""Faults on demand: which calls go wrong, how and how often. Values and matching only, no HTTP."""

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar

from pydantic import Field, TypeAdapter, ValidationError

_VERSION = "/v1.0"
_METHODS = ("*", "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")


class BadFaultError(ValueError):
    """The message is a sentence that says what to write instead."""


@dataclass(slots=True)
class Fault:
    """`path` is a whole path, the beginning of one, or has `*` or `?` in it; with or without `/v1.0`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    path: Annotated[str, Field(min_length=1)] = "*"
    method: str = "*"
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """None: the call is carried out, and only its answer comes late."""
    retry_after: (
        Annotated[float, Field(ge=0, allow_inf_nan=False)]
        | Annotated[str, Field(min_length=1, pattern=r"^[ -~]+$")]
        | None
    ) = None
    """Seconds, or the header's text as it is (an HTTP date, say)."""
    times: Annotated[int, Field(ge=1)] = 1
    """How many more calls it hits."""
    delay: Annotated[float, Field(ge=0, le=600)] = 0.0
    """Seconds before the answer goes out."""
    body: Annotated[str, Field(pattern=r"(?s)^.*$")] | None = None
    """Sent as it is instead of Graph's own error, as a page from a proxy would be. The pattern takes any text, but
    looks whether it can be written as UTF-8."""

    def __post_init__(self) -> None:
        self.method = self.method.upper()

    def hits(self, method: str, path: str) -> bool:
        return self.method in ("*", method.upper()) and any(
            _matches(self.path.lower(), candidate) for candidate in _spellings(path.lower())
        )


def read_fault(body: Any) -> Fault:
    """Raises `BadFaultError` with a sentence."""
    if not isinstance(body, dict):
        raise BadFaultError('Send a JSON object, as in {"path": "/v1.0/groups", "status": 503, "times": 2}.')
    try:
        fault = TypeAdapter(Fault).validate_python(body)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "the body"
        if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            keys = ", ".join(field.name for field in fields(Fault))
            raise BadFaultError(f"{key} is not known. Write one of: {keys}.") from None
        raise BadFaultError(f"{key}: {first['msg'][:1].lower()}{first['msg'][1:]}.") from None
    if fault.path[0] not in "/*?[":
        raise BadFaultError("path: begin it with / or *, as in /v1.0/groups/* or */sendMail.")
    if fault.method not in _METHODS:
        raise BadFaultError(f"method: {fault.method} is not known. Write one of: {', '.join(_METHODS)}.")
    if fault.status is None and (fault.retry_after is not None or fault.body is not None):
        raise BadFaultError("Add a status: retry_after and body go out only with one.")
    if fault.status is None and not fault.delay:
        raise BadFaultError("Say what should happen: a status from 200 to 599, a delay in seconds, or both.")
    return fault


class Faults:
    """The faults that are still to happen. The one that was asked for first happens first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this call, counted down."""
        fault = next((fault for fault in self.waiting if fault.hits(method, path)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self.waiting.remove(fault)
        return fault


def _spellings(path: str) -> tuple[str, ...]:
    return (path, path.removeprefix(_VERSION)) if path.startswith(_VERSION) else (path,)


def _matches(pattern: str, path: str) -> bool:
    if any(sign in pattern for sign in "*?["):
        return fnmatchcase(path, pattern)
    return path == pattern or path.startswith(pattern)
