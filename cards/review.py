"""The evidence as an agent reads it, for that person only. A long one has several pages."""

import json
from collections.abc import Mapping, Sequence

from cards.card import Card
from cards.parts import (
    Part,
    button,
    buttons,
    card,
    choice,
    facts,
    heading,
    help_line,
    link,
    mistake,
    plain,
    quiet,
    words,
)
from cards.request import asked_back, reason_title
from domain.evidence import EvidenceFile
from domain.moments import uk_time
from domain.policy import Option, Policy
from domain.request import Answer, Request, State

ROOM = 16_000
"""Bytes of evidence on one page: Teams takes 28 KB for the whole card."""


def pages(request: Request, answers: Mapping[str, str], policy: Policy) -> list[list[Part]]:
    """Question and answer after question and answer, as many on a page as fit."""
    kind = policy.kinds[request.kind]
    evidence = kind.evidence
    told = [(item.title, answers.get(item.id, "")) for item in kind.checklist(request.reason)]
    if evidence:
        told += _told(request.tried, evidence.methods, "Why it fails: ")
        told += _told(request.remedies, evidence.remedies, "Why it does not help: ")
    told.append(("Since when MFA cannot be used", request.since))
    out: list[list[Part]] = [[]]
    used = 0
    for title, answer in told:
        parts = [words(plain(title), weight="Bolder"), words(plain(answer, longest=5000) or "No answer")]
        size = len(json.dumps(parts, ensure_ascii=False).encode())
        if used and used + size > ROOM:
            out.append([])
            used = 0
        out[-1] += parts
        used += size
    return out


def _told(said: Sequence[Answer], options: Sequence[Option], before: str) -> list[tuple[str, str]]:
    words_of = {one.id: one.words for one in said}
    return [(f"{before}{option.title}", words_of[option.id]) for option in options if option.id in words_of]


def review(
    request: Request,
    answers: Mapping[str, str],
    files: Sequence[EvidenceFile],
    policy: Policy,
    page: int = 0,
    said: str = "",
) -> Card:
    """Shown in the agent's own chat, or in answer to their own click."""
    parts = pages(request, answers, policy)
    page = min(max(page, 0), len(parts) - 1)
    data = {"reference": request.reference}
    given = request.given
    actions: list[Part] = []
    if page + 1 < len(parts):
        actions.append(button("Next page", "review", {**data, "page": str(page + 1)}))
    if request.state is State.AWAITING_DECISION:
        actions += [
            button("Approve", "approve", data, style="positive"),
            button("Send back", "ask_back", data),
            button("Reject", "reject", data, style="destructive"),
        ]
    shown = choice("file", "Files", [(plain(one.name), one.id) for one in files], error="Choose a file.")
    if files:
        actions.append(button("Open the file", "file", data, inputs=True))
    number = f" (page {page + 1} of {len(parts)})" if len(parts) > 1 else ""
    return card(
        f"Evidence for {request.subject.name}: {reason_title(request, policy)}{number}",
        heading(f"Evidence for {request.subject.name}{number}"),
        mistake(said) if said else None,
        facts(
            [
                ("Reference", request.reference),
                ("Reason", reason_title(request, policy)),
                ("Given by", f"{given.by.name}, {uk_time(given.at)}" if given else "Not sent yet"),
                ("Mailbox", given.mailbox if given else ""),
                ("Asked before", asked_back(request)),
            ]
        ),
        *parts[page],
        shown if files else None,
        quiet("Only you see this. The audit keeps that you read it. Do not copy it into other systems."),
        buttons(*actions) if actions else None,
        help_line(policy),
    )


def file_link(request: Request, file: EvidenceFile, url: str, policy: Policy) -> Card:
    return card(
        f"Open {file.name}",
        heading("Open the file"),
        words(f"{plain(file.name)}. The link works once, for 5 minutes. The audit keeps that you opened it."),
        buttons(link("Open the file", url), button("Back", "review", {"reference": request.reference})),
        help_line(policy),
    )
