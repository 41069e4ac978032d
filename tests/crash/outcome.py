"""How a run ended: what the book, Entra, the audit and people's chats say, without what may differ between two runs."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import dict_row

from adapters.database.audit import reading
from domain.chain import Checked, check
from tests.crash.run import Run
from tests.microsoft import Call

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d(?::?\d\d)?)?"
    r"|\d{1,2}(?::\d\d)?[ap]m|midday|midnight"
    r"|in \d+ (?:hour|minute)s?(?: and \d+ minutes?)?|(?:\w+day )?\d{1,2} [A-Z][a-z]+ \d{4}"
)
_REFERENCE = re.compile(r"MFA-\w{4}-\w{4}")
_DIFFERS = frozenset(
    {"version", "code", "codes", "salt", "digest", "looked_at", "evidence", "data_key", "correlation_id"}
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
    said: Counter[str]
    """What went out as notices, mails and posts: to whom, which, how often."""
    repeats: Counter[str] = field(default_factory=Counter)
    """How often more than once each of those may have gone out, as `attempts` has it."""
    broken: tuple[str, ...] = ()
    """Turns that were not finished, and what is wrong with the audit's chain."""


async def outcome(run: Run) -> Outcome:
    async with await psycopg.AsyncConnection.connect(run.database, row_factory=dict_row) as book:
        requests = await _all(
            book, "SELECT *, ends_at - starts_at AS lasts FROM requests ORDER BY asked_at, subject_id"
        )
        audit = await _all(book, "SELECT what, by_id, details, reference FROM audit ORDER BY id")
        notices = await _all(book, "SELECT * FROM notices ORDER BY key")
        files = await _all(book, "SELECT reference, count(*) AS files FROM evidence_files GROUP BY reference")
        turns = await _all(book, "SELECT activity_id FROM seen WHERE NOT done")
    members = await run.sandbox("GET", "members")
    said, repeats = await _said(run, notices)
    unfinished = [f"not finished: the turn of {one['activity_id']}" for one in turns]
    return Outcome(
        requests=[_same(one) for one in (*requests, *files)],
        members={group: sorted(one["name"] for one in people) for group, people in members.items()},
        audit=Counter(_plain(one) for one in audit if one["what"] not in _PASSING),
        notices={_words(one["key"]): f"{one['status']} {one['way']}" for one in notices},
        said=said,
        repeats=repeats,
        broken=(*unfinished, *await asyncio.to_thread(_broken_chains, run.database)),
    )


def _broken_chains(url: str) -> list[str]:
    with reading(url) as audit:
        return [
            finding.sentence
            for tenant_id, head in audit.heads().items()
            for finding in check(audit.links(tenant_id), head, (), partial(audit.known, tenant_id), Checked())
        ]


async def _all(book: psycopg.AsyncConnection[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    found = await book.execute(query.encode())
    return await found.fetchall()


async def _said(run: Run, notices: Sequence[Mapping[str, Any]]) -> tuple[Counter[str], Counter[str]]:
    """Messages like those of the notices table, in their chats, and all e-mails; and what may be there again."""
    calls = [call for call in run.connector.sent if call.method == "POST" and call.activity.get("summary")]
    ways = Counter(map(_whom_and_what, calls))
    again: dict[str, int] = {}
    for one in notices:  # one message may tell several of them
        again[one["activity_id"]] = max(again.get(one["activity_id"], 0), one["attempts"] - 1)
    repeats: Counter[str] = Counter()
    for call in calls:
        if call.activity_id in again:
            repeats[_whom_and_what(call)] += again[call.activity_id]
    by_mail = sum(one["attempts"] - 1 for one in notices if one["way"] == "mail")
    mails = Counter(f"{mail['to'][0]} {_words(mail['subject'])}" for mail in await run.sandbox("GET", "mail"))
    said = Counter({said: times for said, times in ways.items() if said in repeats}) + mails
    return said, repeats + Counter(dict.fromkeys(mails, by_mail))


def _whom_and_what(call: Call) -> str:
    """A post that is sent again shows how it stands by then, so of posts only their number is the same."""
    place, thread, _ = call.conversation_id.partition(";")
    return f"{place} a post" if thread else f"{place} {_words(call.activity['summary'])}"


def differences(got: Outcome, wanted: Outcome) -> list[str]:
    """What is otherwise than in the run without a crash, a sentence each; empty where nothing is."""
    found = list(got.broken)
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
        if not usual <= times <= usual + got.repeats[words]:
            found.append(
                f"said {times} times, and should {usual} times ({got.repeats[words]} more are counted): {words}"
            )
    return found


def _plain(row: Mapping[str, Any]) -> str:
    return json.dumps(_same(row), sort_keys=True)


def _same(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _same(one, key) for key, one in value.items() if key not in _DIFFERS}
    if isinstance(value, list | tuple):
        parts = [_same(one) for one in value]
        return sorted(parts) if name == "done" else parts
    if isinstance(value, datetime):
        return "(a moment)"
    if isinstance(value, timedelta):
        return round(value / timedelta(minutes=1))
    return _words(value) if isinstance(value, str) else value


def _words(text: str) -> str:
    return _MOMENT.sub("(a moment)", _REFERENCE.sub("(the reference)", text))
