"""Draws the icons of the Teams app from their sources: `make icons`."""

import asyncio

from playwright.async_api import async_playwright

from tests.browser.playground import launch
from tests.builders import ROOT

SIZES = {"color": 192, "outline": 32}
"""Pixels, both ways."""


async def draw() -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        for name, size in SIZES.items():
            source = (ROOT / "manifest" / f"{name}.svg").read_text(encoding="utf-8")
            page = await browser.new_page(viewport={"width": size, "height": size})
            await page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{source}")
            await page.screenshot(path=ROOT / "manifest" / f"{name}.png", omit_background=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(draw())
