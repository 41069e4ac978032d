"""How a run ended: what the book, Entra, the audit and people's chats say, without what may differ between two runs."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.crash.run import Run
from tests.microsoft import Call

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d(?::?\d\d)?)?"
    r"|\d{1,2}(?::\d\d)?[ap]m|midday|midnight"
    r"|in \d+ (?:hour|minute)s?(?: and \d+ minutes?)?|(?:\w+day )?\d{1,2} [A-Z][a-z]+ \d{4}"
)
_REFERENCE = re.compile(r"MFA-\w{4}-\w{4}")
_DIFFERS = frozenset(
    {"version", "code", "codes", "salt", "digest", "next_due", "looked_at", "evidence", "data_key", "correlation_id"}
)
_MAY_REPEAT = frozenset({"read", "code_issued"})
"""Audit lines of something that did happen again: a page that was read, a code that was made anew for an e-mail."""
_PASSING = frozenset({"trouble", "started_again"})


@dataclass(frozen=True)
class Outcome:
    requests: list[Mapping[str, Any]]
    """And how many files each has."""
    members: Mapping[str, list[str]]
    audit: Counter[str]
    notices: Mapping[str, str]
    """By key: how it went out."""
    attempts: Mapping[str, int]
    """By key, more than one: it may have gone out more than once."""
    said: Counter[str]
    """What went out as notices, mails and posts: to whom, which, how often."""
    unfinished: list[str] = field(default_factory=list)


async def outcome(run: Run) -> Outcome:
    async with await psycopg.AsyncConnection.connect(run.database, row_factory=dict_row) as book:
        requests = await _all(book, "SELECT * FROM requests ORDER BY asked_at, subject_id")
        audit = await _all(book, "SELECT what, by_id, details, reference FROM audit ORDER BY id")
        notices = await _all(book, "SELECT * FROM notices ORDER BY key")
        files = await _all(book, "SELECT reference, count(*) AS files FROM evidence_files GROUP BY reference")
        turns = await _all(book, "SELECT activity_id FROM seen WHERE NOT done")
    members = await run.sandbox("GET", "members")
    return Outcome(
        requests=[_same(one) for one in (*requests, *files)],
        members={group: sorted(one["name"] for one in people) for group, people in members.items()},
        audit=Counter(_plain(one) for one in audit if one["what"] not in _PASSING),
        notices={_words(one["key"]): f"{one['status']} {one['way']}" for one in notices},
        attempts={_words(one["key"]): one["attempts"] for one in notices if one["attempts"] > 1},
        said=await _said(run, notices),
        unfinished=[f"the turn of {one['activity_id']}" for one in turns],
    )


async def _all(book: psycopg.AsyncConnection[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    found = await book.execute(query.encode())
    return await found.fetchall()


async def _said(run: Run, notices: list[dict[str, Any]]) -> Counter[str]:
    """Messages like those of the notices table, in their chats; and all e-mails."""
    calls = [call for call in run.connector.sent if call.method == "POST" and call.activity.get("summary")]
    ways = Counter(map(_whom_and_what, calls))
    ids = {one["activity_id"] for one in notices}
    wanted = {_whom_and_what(call) for call in calls if call.activity_id in ids}
    mails = Counter(f"{mail['to'][0]} {_words(mail['subject'])}" for mail in await run.sandbox("GET", "mail"))
    return Counter({said: times for said, times in ways.items() if said in wanted}) + mails


def _whom_and_what(call: Call) -> str:
    """A post that is sent again shows how it stands by then, so of posts only their number is the same."""
    place, thread, _ = call.conversation_id.partition(";")
    return f"{place} a post" if thread else f"{place} {_words(call.activity['summary'])}"


def differences(got: Outcome, wanted: Outcome) -> list[str]:
    """What is otherwise than in the run without a crash, a sentence each; empty where nothing is."""
    found = [f"not finished: {one}" for one in got.unfinished]
    if len(got.requests) != len(wanted.requests):
        found.append(f"there are {len(got.requests)} requests and files, and should be {len(wanted.requests)}")
    for is_now, should_be in zip(got.requests, wanted.requests, strict=False):
        found += [
            f"{name} of a request is {is_now.get(name)}, and should be {should_be.get(name)}"
            for name in sorted(is_now.keys() | should_be.keys())
            if is_now.get(name) != should_be.get(name)
        ]
    if got.members != wanted.members:
        found.append(f"Entra's groups hold {got.members}, and should hold {wanted.members}")
    for line in sorted(got.audit.keys() | wanted.audit.keys()):
        times, usual = got.audit[line], wanted.audit[line]
        if times < usual or (times > usual and not (usual and json.loads(line)["what"] in _MAY_REPEAT)):
            found.append(f"the audit says {times} times, and should {usual} times: {line}")
    if got.notices != wanted.notices:
        found.append(f"the notices are {got.notices}, and should be {wanted.notices}")
    for words in sorted(got.said.keys() | wanted.said.keys()):
        times, usual = got.said[words], wanted.said[words]
        again = sum(attempts - 1 for attempts in got.attempts.values())
        if not usual <= times <= usual + again:
            found.append(f"said {times} times, and should {usual} times (tried again: {got.attempts}): {words}")
    return found


def _plain(row: Mapping[str, Any]) -> str:
    return json.dumps(_same(row), sort_keys=True)


def _same(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        kept = {
            key: one for key, one in value.items() if key not in _DIFFERS and not key.endswith("_at") and key != "at"
        }
        return {key: _same(one, key) for key, one in kept.items()}
    if isinstance(value, list | tuple):
        parts = [_same(one) for one in value]
        return sorted(parts) if name == "done" else parts
    if isinstance(value, datetime):
        return "(a moment)"
    return _words(value) if isinstance(value, str) else value


def _words(text: str) -> str:
    return _MOMENT.sub("(a moment)", _REFERENCE.sub("(the reference)", text))
