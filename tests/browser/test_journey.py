"""A short-term exception in a real browser: what `make run` gives, with pictures to look at."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator

import aiohttp
import pytest
from playwright.async_api import async_playwright

from tests.browser.playground import Person, launch
from tests.builders import ROOT
from tests.journeys.world import free_port


class Running:
    """`app.py serve --sandbox` with its two seats, as it prints them."""

    def __init__(self, lines: list[str]) -> None:
        self.requester = _address("Requester", lines)
        self.agent = _address("Helpdesk agent", lines)
        self.sandbox = _address("The pretend tenant", lines).removesuffix("/sandbox")

    async def advance(self, duration: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.sandbox}/sandbox/clock", json={"advance": duration}) as answer,
        ):
            assert answer.status == 200


def _address(begins: str, lines: list[str]) -> str:
    line = next((line for line in lines if line.startswith(begins)), "")
    found = re.search(r"http://\S+", line)
    assert found, f"no line that begins with {begins!r} in {lines}"
    return found[0]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory(prefix="mfa-") as folder:
        ports = {"PORT": free_port(), "SANDBOX_PORT": free_port(), "SEATS_PORT": free_port()}
        environment = os.environ | {"DATA_DIR": folder} | {name: str(port) for name, port in ports.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "app.py", "serve", "--sandbox", cwd=ROOT, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(90):
            async for line in process.stdout:
                lines.append(line.decode().strip())
                if lines[-1].startswith("Ready."):
                    break
        yield Running(lines)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(Running(lines).agent)


async def test_a_lost_phone_in_the_browser(running: Running) -> None:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        size = {"width": 1280, "height": 900}
        anna = Person(await browser.new_page(viewport=size), "Anna")  # type: ignore[arg-type]
        karen = Person(await browser.new_page(viewport=size), "Karen")  # type: ignore[arg-type]
        await anna.open(running.requester)
        await karen.open(running.agent)
        await anna.takes_a_picture("01-welcome")
        await anna.types("I lost my phone")
        await anna.sees("Who is the exception for?")
        await anna.takes_a_picture("02-who")
        await anna.presses("For me")
        await anna.sees("Check, then send")
        await anna.takes_a_picture("03-check")
        await anna.presses("Send request")
        await anna.sees("Waiting for the helpdesk")
        await anna.takes_a_picture("04-receipt")

        await karen.go_to("MFA exceptions")
        await karen.sees("Waiting for the helpdesk")
        await karen.takes_a_picture("05-helpdesk-channel")
        await karen.presses("Approve")
        await karen.sees("How did you verify the caller?")
        await karen.takes_a_picture("06-verify")
        await karen.chooses("Called back on a number in the NHS Directory")
        await karen.fills("Ticket number, if there is one", "INC0012345")
        await karen.presses("Approve for 24 hours")
        await karen.sees("Exception is on")
        await karen.sees_no_button("Approve")
        await karen.takes_a_picture("07-approved")

        await anna.sees("is on until")
        await anna.takes_a_picture("08-granted")
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
        await browser.close()
