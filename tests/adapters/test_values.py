"""Requests as rows, as other versions of the program wrote them or will read them."""

from dataclasses import replace
from typing import Any

from adapters.database.values import request_of, row_of
from domain.request import State
from tests.builders import long_request

ONE = long_request(State.AWAITING_EVIDENCE)


def row() -> dict[str, Any]:
    """With the code as a dictionary, as it comes from JSON."""
    found = row_of(ONE)
    assert isinstance(found["code"], dict)
    return found


def test_a_code_of_an_older_version_is_of_no_known_number() -> None:
    older = row()
    del older["code"]["number"]
    assert ONE.code is not None
    assert request_of(older) == replace(ONE, code=replace(ONE.code, number=0))


def test_what_a_newer_version_knows_besides_is_passed_over() -> None:
    newer = row()
    newer["code"]["something_new"] = 1
    assert request_of(newer) == ONE
