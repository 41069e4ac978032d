"""The evidence as an agent reads it, for that person only. A long one has several pages."""

import json
from collections.abc import Mapping, Sequence

from cards.card import Card
from cards.parts import (
    Part,
    agents_help_line,
    button,
    buttons,
    card,
    choice,
    facts,
    heading,
    link,
    mistake,
    next_step,
    plain,
    quiet,
    words,
)
from cards.request import asked_back, next_for_agents, reason_title, state_line
from domain.evidence import EvidenceFile
from domain.moments import uk_time
from domain.policy import Option, Policy
from domain.request import Answer, Given, Request, State
from texts import say

ROOM = 16_000
"""Bytes of evidence on one page: Teams takes 28 KB for the whole card."""


def pages(request: Request, answers: Mapping[str, str], policy: Policy) -> list[list[Part]]:
    """Question and answer after question and answer, as many on a page as fit."""
    kind = policy.kinds[request.kind]
    evidence = kind.evidence
    told = [(item.title, answers.get(item.id, "")) for item in kind.checklist(request.reason)]
    if evidence:
        told += _told(request.tried, evidence.methods, "agent.why_it_fails_title")
        told += _told(request.remedies, evidence.remedies, "agent.why_it_does_not_help_title")
    told.append((say("agent.since_when_title"), request.since))
    out: list[list[Part]] = [[]]
    used = 0
    for title, answer in told:
        parts = [words(plain(title), weight="Bolder"), words(plain(answer, longest=5000) or say("agent.no_answer"))]
        size = len(json.dumps(parts, ensure_ascii=False).encode())
        if used and used + size > ROOM:
            out.append([])
            used = 0
        out[-1] += parts
        used += size
    return out


def _told(said: Sequence[Answer], options: Sequence[Option], key: str) -> list[tuple[str, str]]:
    words_of = {one.id: one.words for one in said}
    return [(say(key, option=option.title), words_of[option.id]) for option in options if option.id in words_of]


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
        actions.append(button(say("agent.next_page_button"), "review", {**data, "page": str(page + 1)}))
    if request.state is State.AWAITING_DECISION:
        actions += [
            button(say("agent.approve_button"), "approve", data, style="positive"),
            button(say("agent.send_back_button"), "ask_back", data),
            button(say("agent.reject_button"), "reject", data, style="destructive"),
        ]
    shown = choice(
        "file",
        say("agent.files_label"),
        [(plain(one.name), one.id) for one in files],
        error=say("agent.file_error"),
    )
    summary, title = _titles(request, policy, page + 1, len(parts))
    return card(
        summary,
        heading(title),
        mistake(said) if said else None,
        state_line(request),
        next_step(next_for_agents(request)),
        facts(
            [
                (say("everyone.reference_label"), request.reference),
                (say("everyone.reason_label"), reason_title(request, policy)),
                (say("agent.given_by_label"), _given_by(given)),
                (say("agent.mailbox_label"), given.mailbox if given else ""),
                (say("agent.asked_before_label"), asked_back(request)),
            ]
        ),
        *parts[page],
        shown if files else None,
        buttons(button(say("agent.open_file_button"), "file", data, inputs=True)) if files else None,
        quiet(say("agent.only_you_see_this")),
        buttons(*actions) if actions else None,
        agents_help_line(policy),
    )


def _titles(request: Request, policy: Policy, page: int, pages: int) -> tuple[str, str]:
    """The summary and the heading."""
    name, reason = request.subject.name, reason_title(request, policy)
    if pages == 1:
        return say("agent.review_summary", subject=name, reason=reason), say("agent.review_title", subject=name)
    return (
        say("agent.review_page_summary", subject=name, reason=reason, page=page, pages=pages),
        say("agent.review_page_title", subject=name, page=page, pages=pages),
    )


def _given_by(given: Given | None) -> str:
    return f"{given.by.name}, {uk_time(given.at)}" if given else say("agent.not_sent_yet")


def file_link(request: Request, file: EvidenceFile, url: str, policy: Policy) -> Card:
    return card(
        say("agent.open_file_summary", file=file.name),
        heading(say("agent.open_file_title")),
        words(say("agent.file_link_works_once", file=plain(file.name))),
        buttons(
            link(say("agent.open_file_button"), url),
            button(say("everyone.back_button"), "review", {"reference": request.reference}),
        ),
        agents_help_line(policy),
    )
