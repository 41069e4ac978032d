"""Requests and addresses as rows, and back."""

from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from domain.request import Request
from services.chat import Address, Sent

_REQUEST = TypeAdapter(Request)
_ADDRESS = TypeAdapter(Address)
_SENT = TypeAdapter(Sent)
FIELDS = tuple(field.name for field in fields(Request))


def row_of(request: Request) -> dict[str, Any]:
    """With `people`, the Entra ids of all whom it concerns: what somebody's own requests are found by."""
    return {**_REQUEST.dump_python(request), "people": sorted(request.people)}


def request_of(row: Any) -> Request:
    return _REQUEST.validate_python({name: row[name] for name in FIELDS})


def address_of(value: Any) -> Address:
    return _ADDRESS.validate_python(value)


def sent_of(value: Any) -> Sent:
    return _SENT.validate_python(value)
