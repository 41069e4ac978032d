"""What the security operations centre is told before a change reaches Entra, and the id that goes with it."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

from bot import log
from domain.correlation import Change, correlation_id
from domain.request import Cause, Closing, Decided, State
from services.expecting import described, expecting
from tests.builders import AGENT, NOON, ROOT, person, request

GRANTING = request(State.GRANTING)


def test_a_change_that_is_tried_again_has_the_same_id_and_no_other_has() -> None:
    references = ("MFA-7K3Q-9XDM", "MFA-7K3Q-9XDN")
    ids = [correlation_id(reference, change) for reference in references for change in Change]
    assert ids == [correlation_id(reference, change) for reference in references for change in Change]
    assert len(set(ids)) == len(ids)


def test_a_grant_says_who_whom_and_until_when_in_ids_only() -> None:
    two = replace(GRANTING, first_approval=Decided(person("Lena Lead"), NOON, approved=True))
    told = described(two, Change.ADD, NOON + timedelta(days=1))
    assert told["subject_id"] == two.subject.id
    assert told["approved_by"] == f"{person('Lena Lead').id} {AGENT.id}"
    assert told["until"] == "2026-08-07T12:00:00+00:00"
    assert "cause" not in told
    assert two.subject.name not in str(told)
    assert two.subject.address not in str(told)


def test_an_end_says_why_and_who_asked_for_it() -> None:
    revoked = replace(request(State.ENDING), closing=Closing(Cause.REVOKED, AGENT, "words of a person"))
    told = described(revoked, Change.REMOVE, None)
    assert (told["cause"], told["ended_by"]) == ("revoked", AGENT.id)
    assert "words" not in str(told)
    assert "cause" not in described(revoked, Change.EXTEND, NOON)


def test_the_line_is_in_the_file_before_the_change_and_the_id_is_there_within_it(tmp_path: Path) -> None:
    file = tmp_path / "security.jsonl"
    root, ours = logging.getLogger(), logging.getLogger("security")
    before = (root.handlers, root.level, ours.handlers)
    log.set_up(security_log=str(file))
    try:
        with expecting(GRANTING, Change.ADD, NOON):
            (line,) = file.read_text().splitlines()
            within = structlog.contextvars.get_contextvars()["correlation_id"]
        structlog.get_logger("services.other").info("something else")
    finally:
        ours.handlers[0].close()
        root.handlers, ours.handlers = before[0], before[2]
        root.setLevel(before[1])
        structlog.reset_defaults()
    told = json.loads(line)
    assert told["event"] == "expected"
    assert told["correlation_id"] == within == correlation_id(GRANTING.reference, Change.ADD)
    assert told["stream"] == "security"
    assert file.read_text().splitlines() == [line]
    assert "correlation_id" not in structlog.contextvars.get_contextvars()


def test_every_field_is_documented() -> None:
    words = (ROOT / "docs" / "security-operations.md").read_text()
    approved = replace(request(State.ENDING), closing=Closing(Cause.REVOKED, AGENT))
    for told in (described(approved, Change.REMOVE, None), described(GRANTING, Change.ADD, NOON)):
        assert [name for name in told if f"`{name}`" not in words] == []
