"""The yearly pack: a spreadsheet, a page to read and print, and a manifest with the hash of both."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from adapters import pack_page as html
from adapters.audit_export import described
from adapters.database.audit import AuditReader
from adapters.database.pack import PackReader
from adapters.database.sealing import MasterKeys
from adapters.pack_sheet import Sheet, workbook
from cards import pack as words
from domain.chain import Checked, check, moment
from domain.moments import uk_time
from domain.pack import Action, Documented, Figure, Summary, Year, document, drifted, warned
from domain.policy import Policy

SHEET, PAGE = "exceptions.xlsx", "exceptions.html"
_SHOWN_FINDINGS = 20
_EXCEPTION_COLUMNS = ("Reference", "Who and where", "Kind and reason", "Risk", "Approved", "Reviews", "Plan", "End")
_SIGNED = (
    "Reviewed by the senior information risk owner",
    "Delegation of approvals confirmed by",
    "Open actions owned by",
)


@dataclass(frozen=True, slots=True)
class Chain:
    """One tenant's audit, as it was when the pack was written."""

    tenant_id: str
    number: int
    """How many entries."""
    hash: str
    """Of the last one."""
    findings: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Pack:
    """What was written."""

    exceptions: int
    actions: int
    chains: tuple[Chain, ...]
    manifest: str
    """The SHA-256 of the manifest, which holds that of the other files."""

    @property
    def is_whole(self) -> bool:
        return all(chain.is_whole for chain in self.chains)


@dataclass(frozen=True, slots=True)
class _Out:
    """Where rows go while they come."""

    exceptions: tuple[Sheet, html.Rows]
    actions: tuple[Sheet, html.Rows]
    follow_ups: tuple[Sheet, html.Rows]


def write(
    reader: PackReader,
    year: Year,
    policy: Policy,
    *,
    out: Path,
    at: datetime,
    about: Mapping[str, Any],
    master: MasterKeys | None = None,
) -> Pack:
    """Into the empty folder `out`; the manifest last, so without one a pack is not complete. Blocking.

    `master`: opens the answers about risk and replacement; without it, none is opened. `about` goes into the manifest.
    """
    title = words.title(year)
    chains, summary = tuple(_chains(reader.audit)), Summary()
    summary.not_granted.update(reader.not_granted(year))
    with workbook(out / SHEET, title, at) as book, html.rows(out, 3) as (exceptions, actions, follow_ups):
        # The first sheet is the summary, which is known last.
        summarised = book.sheet("Summary", ("What", *_kinds(policy).values()), (58, 26, 26))
        sheets = _Out(
            (book.sheet("Exceptions", words.COLUMNS, (18,)), exceptions),
            (book.sheet("Open actions", words.ACTION_COLUMNS, (40, 20, 22, 50, 60)), actions),
            (book.sheet("Follow-ups", words.FOLLOW_UP_COLUMNS, (18, 24, 30, 70, 24)), follow_ups),
        )
        _all(reader, year, policy, at, master, sheets, summary)
        _write_summary(summarised, title, at, policy, chains, summary)
        with html.page(out / PAGE, title) as page:
            _write_page(page, title, at, policy, chains, summary, sheets)
    manifest = {
        **about,
        "time": moment(at),
        "exceptions": exceptions.number,
        "open_actions": actions.number,
        "answers_opened": master is not None,
        "chains": [
            {"tenant_id": one.tenant_id, "number": one.number, "hash": one.hash, "whole": one.is_whole}
            for one in chains
        ],
        "files": {name: described(out / name) for name in (SHEET, PAGE)},
    }
    written = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    (out / "manifest.json").write_bytes(written)
    return Pack(exceptions.number, actions.number, chains, sha256(written).hexdigest())


def _chains(audit: AuditReader) -> Iterator[Chain]:
    for tenant_id, head in audit.heads().items():
        seen = Checked()
        found = check(audit.links(tenant_id), head, [], partial(audit.known, tenant_id), seen)
        findings = tuple(finding.sentence for finding in found)
        yield Chain(tenant_id, seen.head.number, seen.head.hash, findings)


def _all(
    reader: PackReader,
    year: Year,
    policy: Policy,
    at: datetime,
    master: MasterKeys | None,
    out: _Out,
    summary: Summary,
) -> None:
    for some in reader.exceptions(year):
        references = [one.reference for one in some]
        noted = reader.noted(references)
        opened = reader.answers(references, master) if master else None
        for request in some:
            one = document(request, noted[request.reference], policy, at, opened)
            summary.add(one, year)
            _write_exception(out, one, policy)
            _write_actions(out, one.actions, summary)
    _write_actions(out, (drifted(*one) for one in reader.drifts()), summary)
    concerned = (site for site in reader.sites() if site.ods in summary.on_at)
    _write_actions(out, chain.from_iterable(map(warned, concerned)), summary)


def _write_exception(out: _Out, one: Documented, policy: Policy) -> None:
    sheet, rows = out.exceptions
    request = one.request
    sheet.row(words.row(one, policy))
    digest = f"Evidence, SHA-256: {request.given.digest}" if request.given else ""
    rows.add(
        (
            request.reference,
            (request.subject.name, request.subject.address, words.site_of(request)),
            (words.kind_of(request, policy), words.reason_of(request, policy)),
            (*words.risk(one, policy), digest),
            words.approval(one),
            words.reviewed(one.reviews) or "None yet",
            words.plan(one),
            words.ended(request),
        )
    )
    if one.follow_up:
        sheet, rows = out.follow_ups
        sheet.row(words.follow_up_row(one, policy))
        rows.add(words.follow_up_row(one, policy))


def _write_actions(out: _Out, actions: Iterable[Action], summary: Summary) -> None:
    sheet, rows = out.actions
    for action in actions:
        summary.act(action)
        sheet.row(words.action_row(action))
        rows.add(words.action_row(action))


def _kinds(policy: Policy) -> dict[str, str]:
    return {name: kind.title for name, kind in policy.kinds.items()}


def _figures(policy: Policy, summary: Summary) -> Iterator[tuple[words.Cell, ...]]:
    kinds = list(_kinds(policy))
    for figure in Figure:
        yield (words.FIGURES[figure], *(summary.figures[kind, figure] for kind in kinds))
    for state, title in words.NOT_GRANTED.items():
        yield (title, *(summary.not_granted[kind, state.value] for kind in kinds))


def _counted_actions(summary: Summary) -> list[tuple[words.Cell, ...]]:
    return [(words.ACTIONS[what][0], number) for what, number in sorted(summary.actions.items())]


def _checked(one: Chain) -> str:
    entries = f"{one.number} entries, the last with the hash {one.hash}"
    tenant = f" of tenant {one.tenant_id}" if one.tenant_id else ""
    if one.is_whole:
        return f"The audit{tenant} is whole: {entries}."
    return f"The audit{tenant} is NOT whole: {len(one.findings)} findings in {entries}."


def _notes(at: datetime, policy: Policy, chains: tuple[Chain, ...]) -> Iterator[str]:
    yield f"Written at {uk_time(at)}, from our own records. All times are UK local time."
    yield f"States, ends and open actions are as they were then. Titles are those of the policy {policy.version}."
    yield from (_checked(one) for one in chains)
    if not chains:
        yield "The audit has no entries yet."


def _write_summary(
    sheet: Sheet, title: str, at: datetime, policy: Policy, chains: tuple[Chain, ...], summary: Summary
) -> None:
    for row in (*_figures(policy, summary), *_counted_actions(summary), (title,)):
        sheet.row(row)
    for sentence in (*_notes(at, policy, chains), *_findings(chains)):
        sheet.row((sentence,))


def _findings(chains: tuple[Chain, ...]) -> Iterator[str]:
    return islice((sentence for one in chains for sentence in one.findings), _SHOWN_FINDINGS)


def _write_page(
    page: IO[str], title: str, at: datetime, policy: Policy, chains: tuple[Chain, ...], summary: Summary, out: _Out
) -> None:
    page.write(f"<h1>{html.text(title)}</h1>\n")
    page.write("<p><strong>Official: sensitive.</strong> This names people and why they need an exception.</p>\n")
    page.write(_CONTENTS)
    page.writelines(html.paragraph(sentence) for sentence in _notes(at, policy, chains))
    if findings := list(_findings(chains)):
        page.write('<div class="bad">\n<h2>What is wrong with the audit</h2>\n')
        page.writelines(html.paragraph(sentence) for sentence in findings)
        page.write("</div>\n")
    page.write('<h2 id="summary">Summary</h2>\n')
    html.write_table(page, "The year in figures", ("What", *_kinds(policy).values()), _figures(policy, summary))
    actions = _counted_actions(summary) or [("None", 0)]
    html.write_table(page, "Open actions by sort", ("What", "How many"), actions)
    page.write('<h2 id="policy">What the MFA policy asks for, and where it is answered</h2>\n')
    html.write_table(page, "Exceptions in the NHS England MFA policy", ("It asks that", "Here"), words.ASKED_FOR)
    page.write('<h2 id="review">Yearly review</h2>\n')
    blank = [(one, "", "", "") for one in _SIGNED]
    html.write_table(
        page, "To be filled in by hand", ("What", "Name and role", "Date", "Signature"), blank, wide="signed"
    )
    for mark, heading, caption, columns, rows in (
        ("actions", "Open actions", "What is still to be done", words.ACTION_COLUMNS, out.actions[1]),
        ("exceptions", "Exceptions", "Each exception in force", _EXCEPTION_COLUMNS, out.exceptions[1]),
        ("follow-ups", "Follow-ups", _FOLLOW_UPS, words.FOLLOW_UP_COLUMNS, out.follow_ups[1]),
    ):
        page.write(f'<h2 id="{mark}">{heading}</h2>\n')
        if rows.number:
            html.write_table(page, caption, columns, rows, wide=f"{mark}-table")
        else:
            page.write("<p>None.</p>\n")


_FOLLOW_UPS = (
    "What people were told to do besides. Whether they did is not recorded; a new method is a sign that they did"
)
_CONTENTS = """<nav aria-label="Contents">
<ul>
<li><a href="#summary">Summary</a></li>
<li><a href="#policy">What the MFA policy asks for</a></li>
<li><a href="#review">Yearly review</a></li>
<li><a href="#actions">Open actions</a></li>
<li><a href="#exceptions">Exceptions</a></li>
<li><a href="#follow-ups">Follow-ups</a></li>
</ul>
</nav>
"""
