"""Exceptions in a real browser: what `make run` gives, with pictures to look at."""

import asyncio
import re
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import Running
from tests.browser.playground import SCREENSHOTS, Person, launch
from tests.builders import LONG
from tests.journeys.long_term import ANSWERS

SIZE = {"width": 1280, "height": 900}


async def test_a_lost_phone_in_the_browser(running: Running) -> None:
    async with running.seat_of("Meera Patel") as lead, async_playwright() as playwright:
        browser = await launch(playwright)
        anna = Person(await browser.new_page(viewport=SIZE), "Anna")  # type: ignore[arg-type]
        karen = Person(await browser.new_page(viewport=SIZE), "Karen")  # type: ignore[arg-type]
        await anna.open(running.requester)
        await karen.open(running.agent)
        meera = Person(await browser.new_page(viewport=SIZE), "Meera")  # type: ignore[arg-type]
        await meera.open(lead)
        await anna.takes_a_picture("01-welcome", card=True)
        await karen.takes_a_picture("01-welcome-agent", card=True)
        await meera.takes_a_picture("01-welcome-lead", card=True)
        await karen.types("tour")
        await karen.sees("Step 1")
        await karen.takes_a_picture("01-tour", card=True)
        await anna.types("I lost my phone")
        await anna.sees("Who is the exception for?")
        await anna.takes_a_picture("02-who")
        await anna.presses("For me")
        await anna.sees("Check, then send")
        await anna.takes_a_picture("03-check", card=True)
        await anna.presses("Send request")
        await anna.sees("Telephone the helpdesk")
        await anna.takes_a_picture("04-receipt", card=True)

        await karen.go_to("MFA exceptions")
        await karen.sees("Waiting for the helpdesk")
        await karen.takes_a_picture("05-helpdesk-channel", card=True)
        await karen.presses("Approve")
        await karen.sees("How did you verify the caller?")
        await karen.takes_a_picture("06-verify", card=True)
        await karen.chooses("Called back on a number in the NHS Directory")
        await karen.fills("Ticket number, if there is one", "INC0012345")
        await karen.presses("Approve for 24 hours")
        await karen.sees("Exception is on")
        await karen.sees_no_button("Approve")
        await karen.takes_a_picture("07-approved")

        await anna.sees("is on until")
        await anna.takes_a_picture("08-granted", card=True)
        await running.advance("PT20H")
        await anna.sees("ends in 4 hours")
        await anna.takes_a_picture("09-reminder")
        await running.advance("PT4H")
        await anna.sees("has ended")
        await anna.takes_a_picture("10-ended")

        await karen.go_to("Personal Chat")
        await karen.types("caller has no signal")
        await karen.sees("NHSmail address or name of the caller")
        await karen.takes_a_picture("11-caller")
        await karen.types("John Smith")
        await karen.sees("Several people match")
        await karen.takes_a_picture("12-choice")
        await karen.types("farah.aziz@nhs.example")
        await karen.sees("An exception is not possible now")
        await karen.takes_a_picture("13-refused")

        await karen.presses("Choose somebody else")
        await karen.types("caller liam.doherty@nhs.example")
        await karen.sees("How did you verify the caller?")
        await karen.types("called back, ticket INC0012346")
        await karen.sees("Check, then grant")
        await karen.takes_a_picture("14-check-caller", card=True)
        await karen.types("grant")
        await meera.sees("An unusual approval")
        await meera.takes_a_picture("40-lead-unusual", card=True)
        await meera.presses("Revoke")
        await meera.sees("Why is it revoked?")
        await meera.takes_a_picture("41-lead-revoke", card=True)
        await browser.close()


CODE = re.compile(r"\d{4}-\d{4}")


async def mail_with_the_code(running: Running) -> Any:
    async with asyncio.timeout(20):
        while True:
            for mail in await running.mails():
                if CODE.search(mail["body"]):
                    return mail
            await asyncio.sleep(0.2)


async def takes_a_picture_of_the_mail(browser: Browser, name: str, html: str) -> None:
    page = await browser.new_page(viewport={"width": 800, "height": 400})
    await page.set_content(html)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    await page.close()


async def test_a_long_term_exception_in_the_browser(running: Running) -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        anna = Person(await browser.new_page(viewport=SIZE), "Anna")  # type: ignore[arg-type]
        karen = Person(await browser.new_page(viewport=SIZE), "Karen")  # type: ignore[arg-type]
        await anna.open(running.requester)
        await karen.open(running.agent)
        await anna.types("long")
        await anna.presses("For a colleague")
        await anna.fills("NHSmail address or name of your colleague", "chidi.okafor@nhs.example")
        await anna.presses("Continue")
        await anna.sees("Is it for anybody else?")
        await anna.takes_a_picture("20-more")
        await anna.presses("That is everybody")
        await anna.fills("ODS code, shared mailbox or name of the site", "ZZ901")
        await anna.takes_a_picture("21-site")
        await anna.presses("Continue")
        await anna.chooses("Persistent work in a secure location")
        await anna.presses("Continue")
        for method in ("Microsoft Authenticator app", "Code by text message", "Call to a mobile phone"):
            await anna.fills(method, "No phones are allowed inside")
        await anna.takes_a_picture("22-methods")
        await anna.presses("Continue")
        for remedy in ("A hardware key", "An NHS smart card"):
            await anna.sees(remedy)
            await anna.fills("Why does it not help?", "It is not allowed inside either")
            await anna.takes_a_picture("23-remedy")
            await anna.presses("It does not help")
        await anna.fills("Since when can MFA not be used?", "March 2026")
        await anna.presses("Continue")
        await anna.sees("Check, then send")
        await anna.takes_a_picture("24-check")
        await anna.presses("Send request")
        await anna.sees("Waiting for evidence from the site")
        await anna.takes_a_picture("25-receipt", card=True)

        await anna.presses("Give evidence")
        mail = await mail_with_the_code(running)
        await takes_a_picture_of_the_mail(browser, "26-mail", mail["html"])
        await anna.fills("Code from the e-mail", CODE.findall(mail["body"])[0])
        await anna.takes_a_picture("26-code", card=True)
        await anna.presses("Continue")
        await anna.sees("0 of 5 answered")
        await anna.takes_a_picture("27-checklist", card=True)
        await anna.presses("Answer the next one")
        for item in LONG.checklist("secure_location"):
            await anna.fills(item.title, ANSWERS[item.id])
            await anna.takes_a_picture("28-question")
            await anna.presses("Save")
        await anna.sees("5 of 5 answered")
        await anna.presses("Files")
        await anna.sees("There are no files yet")
        await anna.takes_a_picture("29-files")
        await anna.presses("Back to the list")
        await anna.chooses("This evidence is true as far as I know. I give it for the site, and I answer for it.")
        await anna.takes_a_picture("30-complete", card=True)
        await anna.presses("Send to the helpdesk")
        await anna.sees_no_button("Send to the helpdesk")  # it says “Sent”, or is drawn again as the request already
        await anna.takes_a_picture("31-sent")

        await karen.go_to("MFA exceptions")
        await karen.sees("5 of 5 answers")
        await karen.takes_a_picture("32-helpdesk-channel", card=True)
        await karen.presses("Review the evidence")
        await karen.sees("HMP Northfield")
        await karen.takes_a_picture("33-review", card=True)
        await karen.presses("Approve")
        await karen.fills("Length in days, from 1 to 180", "90")
        await karen.takes_a_picture("34-approve")
        await karen.presses("Approve")
        await karen.sees("Exception is on")
        await karen.takes_a_picture("35-approved")
        await anna.sees("is on until")
        await anna.takes_a_picture("36-granted")
        await browser.close()
