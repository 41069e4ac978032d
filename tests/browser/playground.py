"""A person at a Playground seat in a real browser: what they type, press and see."""

import os
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, Playwright, expect

from tests.browser.get_ready import OWN, browser

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
PATIENCE = 20_000
"""Milliseconds."""


async def launch(playwright: Playwright) -> Browser:
    path = browser()
    assert path, "there is no browser: run `make test`, or install Chromium"
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return await playwright.chromium.launch(executable_path=None if path == OWN else path, args=[*ARGUMENTS, *root])


class Person:
    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name

    async def open(self, url: str) -> None:
        await self.page.goto(url)
        await self.sees("MFA exceptions")

    async def go_to(self, chat: str) -> None:
        """A chat or channel of the list at the left."""
        await self.page.get_by_role("treeitem").filter(has_text=chat).last.click()

    async def types(self, text: str) -> None:
        box = self.page.locator("[contenteditable=true][role=textbox]").first
        await box.click()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def presses(self, title: str) -> None:
        await self._nothing_moves()
        await self.page.get_by_role("button", name=title, exact=True).last.click(timeout=PATIENCE)

    async def chooses(self, title: str) -> None:
        await self._nothing_moves()
        await self.page.get_by_text(title, exact=True).last.click(timeout=PATIENCE)

    async def fills(self, label: str, text: str) -> None:
        await self._nothing_moves()
        await self.page.get_by_label(label).last.fill(text, timeout=PATIENCE)

    async def sees(self, text: str) -> None:
        await expect(self._conversation().get_by_text(text).last).to_be_visible(timeout=PATIENCE)

    async def sees_no_button(self, title: str) -> None:
        await expect(self.page.get_by_role("button", name=title, exact=True)).to_have_count(0, timeout=PATIENCE)

    async def takes_a_picture(self, name: str, *, card: bool = False) -> None:
        """Of the whole page; with `card`, of the newest card alone, too, as NAME-card.png."""
        SCREENSHOTS.mkdir(exist_ok=True)
        await self.page.wait_for_timeout(400)  # the page scrolls to the newest message in its own time
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        if card:
            await self._takes_a_picture_of_the_card(SCREENSHOTS / f"{name}-card.png")

    async def _takes_a_picture_of_the_card(self, path: Path) -> None:
        """In a window that is high enough for all of it: what is scrolled away would be left out."""
        size = self.page.viewport_size
        assert size is not None
        newest = self.page.locator(".ac-adaptiveCard").last
        box = await newest.bounding_box()
        assert box is not None
        await self.page.set_viewport_size({"width": size["width"], "height": size["height"] + round(box["height"])})
        await newest.screenshot(path=path)
        await self.page.set_viewport_size(size)

    async def _nothing_moves(self) -> None:
        """Until the cards are the same twice: one is drawn again when its message is updated, and loses its answers."""
        before: list[str] | None = None
        while (now := await self.page.locator(".ac-adaptiveCard").all_inner_texts()) != before:
            before = now
            await self.page.wait_for_timeout(300)

    def _conversation(self) -> Locator:
        return self.page.locator("body")
