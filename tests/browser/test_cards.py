"""Every card in every state as the official renderer draws it: nothing is cut off, no words do harm, axe is content."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from cards.card import Card
from tests.browser.playground import SCREENSHOTS, launch
from tests.browser.teams_themes import CONTRAST, DARK, LIGHT, THEMES, Theme
from tests.builders import ROOT
from tests.cards.golden import WORDS, as_kept
from tests.cards.states import LONGEST, everything

PAGE = '<!doctype html><html lang="en-GB"><head><title>Cards</title><style></style></head><body></body></html>'
SCRIPTS = (
    "node_modules/adaptivecards/dist/adaptivecards.min.js",
    "node_modules/markdown-it/dist/markdown-it.min.js",
    "node_modules/axe-core/axe.min.js",
    "tests/browser/cards.js",
)
PHONE, DESK = {"width": 320, "height": 800}, {"width": 1280, "height": 900}
ZOOMED = {"width": 640, "height": 800}
"""What is left of a desk's 1,280 where everything is twice as large (WCAG 2.2, 1.4.4)."""
OWN_PAGE = {"page-has-heading-one": {"enabled": False}}
"""A card's headings are of level 2, below those of Teams; the page around the cards is ours."""
NO_HEADING = {f"plain_words.{name}" for name in ("refused", "answered", "went_wrong", "thanks")}
"""One sentence, in answer to what was just typed or pressed."""
PICTURES = (
    "alarms.alarm: stuck, short, granting, stuck",
    "ask.confirm: own",
    "ask.details: required, typed before",
    "ask_site.tried: first",
    "decide.approve: short, awaiting_decision",
    "drifts.drift: stranger",
    "evidence.overview: sent back, one answer",
    "lists.queue: more",
    "notices.notice: granted, subject, short, active",
    "plain_words.welcome: agent",
    "request.decision: long, active",
    "request.mine: long, awaiting_decision, subject",
    "review.review: waiting, page 1",
    "site.form: open, one owner",
    "together.notices_together: evidence_wanted, three",
    "site.site: closed, one owner",
)
IN_A_LINE = (
    "[a](http://evil.example) ![b](http://evil.example/b.png) <http://evil.example> <at>bot</at> "
    "<a href='//evil.example'>c</a> <img src=x onerror=alert(1)> \\[d](http://evil.example) &lt;at&gt;e&lt;/at&gt; "
    "&#91;f](http://evil.example) **g** __h__ *i* _j_ `k` ~~l~~ ***m*** [n][o] {{DATE(2026-01-01T00:00:00Z)}}"
)
IN_LINES = (
    "# a\n\n- b\n\n  + b\n\n* c\n\n1. d\n\n2) d\n\n> e\n\n    f\n\n```\ng\n```\n\n~~~\nh\n~~~\n\n---\n\n- - -\n\n"
    "***\n\ni\n===\n\nj\n-\n\nk|l\n-|-\nm|n\n\n[o]: http://evil.example\n\n[o]\n\n<div>\n<at>bot</at>\n</div>"
)
Cards = list[tuple[str, Mapping[str, Any]]]
KEPT: Cards = [
    (f"{family}: {state}", one["card"]) for family, states in as_kept().items() for state, one in states.items()
]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
        await page.set_content(PAGE)
        for script in SCRIPTS:
            await page.add_script_tag(path=ROOT / script)
        yield page
        await browser.close()


async def draw(page: Page, cards: Cards, theme: Theme, *, zoom: int = 1, mistakes: bool = True) -> None:
    """`mistakes`: with the sentences below the fields that are wrongly filled."""
    await page.evaluate("css => (document.querySelector('style').textContent = css)", theme.css(zoom))
    given = [cards, theme.host_config(zoom), mistakes]
    assert await page.evaluate("([cards, config, mistakes]) => draw(cards, config, mistakes)", given) == []


async def out_of_sight(page: Page) -> list[str]:
    """Facts with a word that is longer than a screen are the renderer's fault: it puts them into a table, which grows
    with its longest word (https://github.com/microsoft/AdaptiveCards/issues/3890)."""
    return [fault for fault in await page.evaluate("outOfSight()") if not fault.startswith(_SITES_WITH_LONGEST)]


_SITES_WITH_LONGEST = tuple(f"site.site: {status}, {LONGEST}" for status in ("open", "closed", "succeeded"))


async def test_every_card_can_be_read_on_a_phone_at_a_desk_and_twice_as_large(page: Page) -> None:
    await draw(page, KEPT, LIGHT)
    assert await page.evaluate("unnamed()") == []
    assert {fault.partition(": ")[0] for fault in await page.evaluate("withoutHeading()")} == NO_HEADING
    assert await out_of_sight(page) == []
    await page.set_viewport_size(DESK)  # type: ignore[arg-type]
    assert await page.evaluate("outOfSight()") == []
    await page.set_viewport_size(ZOOMED)  # type: ignore[arg-type]
    await draw(page, KEPT, LIGHT, zoom=2)
    assert await out_of_sight(page) == []


async def test_axe_finds_nothing_in_any_theme(page: Page) -> None:
    cards = different_looks()
    for theme in THEMES:
        await draw(page, cards, theme)
        found = await page.evaluate("options => violations(options)", {"rules": OWN_PAGE})
        assert found == [], theme.name


async def test_what_cannot_be_read_is_found(page: Page) -> None:
    cut = {"type": "TextBlock", "text": "x" * 200}
    pale = {"type": "TextBlock", "text": "This is too pale to read", "color": "Warning", "wrap": True}
    body = [cut, pale, {"type": "Input.Text", "id": "a"}]
    await draw(page, [("bad: card", {"type": "AdaptiveCard", "version": "1.5", "body": body})], LIGHT)
    assert any("is cut off" in fault for fault in await page.evaluate("outOfSight()"))
    assert any("no label" in fault for fault in await page.evaluate("unnamed()"))
    assert await page.evaluate("withoutHeading()") == ["bad: card: no heading"]
    found = " ".join(await page.evaluate("options => violations(options)", {"rules": OWN_PAGE}))
    assert "label: bad: card" in found
    assert "color-contrast: bad: card" in found


async def test_no_words_make_a_link_a_mention_a_picture_or_any_format(page: Page) -> None:
    changed = {name for name, card in everything(IN_A_LINE) if "evil.example" in f"{card.summary} {card.content}"}
    names = {name for name, _ in KEPT} & changed
    assert len(names) > 100
    drawn = []
    for words in (WORDS, IN_A_LINE, IN_LINES):
        cards: Cards = [(name, _with_summary(card)) for name, card in everything(words) if name in names]
        await draw(page, cards, LIGHT)
        drawn.append(await page.evaluate("marks()"))
    assert all(set(marks) <= {"strong"} for marks in drawn[0].values())
    assert drawn[1] == drawn[0]
    assert drawn[2] == drawn[0]


async def test_words_that_are_not_made_plain_would_be_found(page: Page) -> None:
    body = [{"type": "TextBlock", "text": words, "wrap": True} for words in (IN_A_LINE, IN_LINES)]
    await draw(page, [("bad: card", {"type": "AdaptiveCard", "version": "1.5", "body": body})], LIGHT)
    marks = (await page.evaluate("marks()"))["bad: card"]
    assert {"a", "img", "strong", "em", "code", "ul", "ol", "h1", "h2", "hr", "blockquote", "pre"} <= marks.keys()


async def test_pictures_of_cards_are_taken(page: Page) -> None:
    folder = SCREENSHOTS / "cards"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [(name, card) for name, card in KEPT if name in PICTURES]
    assert len(chosen) == len(PICTURES)
    for theme, size in ((LIGHT, PHONE), (DARK, DESK), (CONTRAST, PHONE)):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await draw(page, chosen, theme, mistakes=False)
        for name, _ in chosen:
            file = folder / f"{name.partition(': ')[0]}-{theme.name}-{size['width']}.png"
            await page.locator(f'section[data-name="{name}"]').screenshot(path=file)


def _with_summary(card: Card) -> dict[str, Any]:
    summary = {"type": "TextBlock", "text": card.summary, "wrap": True}
    return {**card.content, "body": [*card.content["body"], summary]}


def different_looks() -> Cards:
    """One card of each family, and those in which a part looks like none before it, words apart."""
    seen: set[str] = set()
    chosen: Cards = []
    for name, card in KEPT:
        looks = {name.partition(": ")[0], *_looks(card, "default")}
        if not looks <= seen:
            chosen.append((name, card))
            seen |= looks
    return chosen


_TEXTS = {"text", "title", "label", "errorMessage", "placeholder", "value", "facts", "choices", "id", "url", "verb"}
_INSIDE = ("body", "items", "actions")


def _looks(part: Mapping[str, Any], ground: str) -> Iterator[str]:
    inner = part.get("style", ground) if part["type"] == "Container" else ground
    shown = {key: value for key, value in part.items() if key not in {*_TEXTS, *_INSIDE, "data", "fallback"}}
    yield json.dumps([ground, shown, sorted(_TEXTS & part.keys())], sort_keys=True)
    for key in _INSIDE:
        for one in part.get(key, []):
            yield from _looks(one, inner)
