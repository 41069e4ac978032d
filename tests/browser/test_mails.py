"""Each e-mail in a real browser, as narrow as a phone and as wide as a desk, light and dark; with pictures."""

from typing import Any

from playwright.async_api import Page, async_playwright

from cards.mail_layout import Steps
from tests.browser.playground import SCREENSHOTS, launch
from tests.builders import ROOT
from tests.cards.test_mails import every_mail

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# Landmarks are the mail client's: it shows the e-mail within its own page.
ASK_AXE = """async () => (await axe.run(document)).violations
    .filter(one => !["region", "landmark-one-main"].includes(one.id)).map(one => `${one.id}: ${one.help}`)"""


async def looks(page: Page, name: str, html: str, width: int, colours: Any) -> None:
    await page.set_viewport_size({"width": width, "height": 400})
    await page.emulate_media(color_scheme=colours)
    await page.set_content(html)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
    await page.screenshot(path=SCREENSHOTS / "mails" / f"{name}-{width}-{colours}.png", full_page=True)


async def test_every_mail_can_be_read_by_everybody() -> None:
    # One audience of each is enough for the looks: the words of all are tested without a browser.
    each = {name.partition(" to ")[0].replace(" ", "-"): mail for name, mail in reversed(list(every_mail()))}
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page()
        asked_for: list[str] = []
        page.on("request", lambda request: asked_for.append(request.url))
        for name, mail in each.items():
            await looks(page, name, mail.html, 800, "light")
            if isinstance(mail.parts[1], Steps):  # the longest, with one of each part
                await looks(page, name, mail.html, 800, "dark")
            await looks(page, name, mail.html, 320, "dark")
            await page.add_script_tag(path=AXE)
            assert await page.evaluate(ASK_AXE) == [], f"{name}, dark"
            await looks(page, name, mail.html, 320, "light")
            await page.add_script_tag(path=AXE)
            assert await page.evaluate(ASK_AXE) == [], f"{name}, light"
        assert asked_for == []
        await browser.close()
