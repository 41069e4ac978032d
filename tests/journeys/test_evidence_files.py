"""Files as evidence, lived through over HTTP with the whole program: sent in Teams, kept, read by a link, removed."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from services.book import Entry
from tests.files import DOCX, PDF, PNG, docx
from tests.journeys import long_term as steps
from tests.journeys.world import Seat, World, buttons_of, until
from tests.microsoft import File


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


async def giving(world: World) -> tuple[Seat, str]:
    """An owner who has opened the evidence with the code, and the reference."""
    helen = world.seat("Helen Marsh")
    await helen.say("hi")
    reference = await steps.ask(world.seat("Bilal Hussain"))
    await steps.vouch(world, helen, reference)
    return helen, reference


def link_in(message: Any) -> str:
    """The address behind the card's button."""
    return next(str(one["url"]) for one in buttons_of(message) if "/evidence/" in str(one.get("url", "")))


async def test_a_file_that_the_site_sends_is_read_by_an_agent_once(
    world: World, session: aiohttp.ClientSession
) -> None:
    helen, reference = await giving(world)
    said = await helen.send_files(
        world.files.put("letter from the site.pdf", PDF),
        world.files.put("plan.png", PNG),
        world.files.put("a mistake.docx", DOCX),
    )
    for name in ("letter from the site.pdf", "plan.png", "a mistake.docx"):
        assert name in said
    assert "a mistake" not in await helen.say("remove 3")
    await helen.press("Back to the list")
    await steps.answer_all(helen)
    await helen.press("Send to the helpdesk", statement="true")
    await until(lambda: "2 files" in world.in_channel())
    assert "letter" not in world.in_channel()

    agent = world.seat(world.agent)
    assert "letter from the site.pdf" in await agent.say(f"review {reference}")
    file = next(
        choice["value"]
        for message in agent.shown.values()
        for choice in choices_of(message)
        if choice["title"] == "letter from the site.pdf"
    )
    await agent.press("Open the file", file=file)
    assert agent.answer is not None
    url = link_in(agent.answer.body)
    assert url.startswith(f"{world.program.url}/evidence/")
    async with session.get(url) as page:
        assert "letter from the site.pdf" in await page.text()
    async with session.post(url) as given:
        assert (given.status, await given.read()) == (200, PDF)
    async with session.post(url) as again:
        assert again.status == 404

    entries = [(one.what, one.by_id, one.details["file"]) for one in await audited(world, reference)]
    letter, plan, mistake = (sha256(content).hexdigest() for content in (PDF, PNG, DOCX))
    assert entries[:4] == [
        ("file_added", helen.person.entra_id, letter),
        ("file_added", helen.person.entra_id, plan),
        ("file_added", helen.person.entra_id, mistake),
        ("file_removed", helen.person.entra_id, mistake),
    ]
    assert ("read", agent.person.entra_id, letter) in entries


async def audited(world: World, reference: str) -> list[Entry]:
    """What the audit says about the request's files."""
    database = make_engine(world.book_url)
    found = await PostgresBook(database).entries(reference)
    await database.dispose()
    return [one for one in found if "file" in one.details]


async def test_what_cannot_be_kept_is_said_with_what_to_do_and_the_rest_is_kept(world: World) -> None:
    helen, _ = await giving(world)
    said = await helen.send_files(
        world.files.put("letter.docx", DOCX),
        world.files.put("letter again.docx", DOCX),
        world.files.put("macros.docx", docx({"word/vbaProject.bin": b"x"})),
        world.files.put("renamed.pdf", PNG),
        world.files.put("large.pdf", PDF + b"\n" * 5_000_000),
        File("elsewhere.pdf", "https://evil.example/elsewhere.pdf"),
        File("picture in the text", ""),
    )
    for sentence in (
        "as “letter.docx”",
        "without macros",
        "ends in “.png”",
        "too large",
        "from where it is kept",
        "with the paper clip",
    ):
        assert sentence in said
    assert [choice["title"] for choice in choices_of(list(helen.shown.values())[-1])] == ["letter.docx (1 KB)"]


async def test_an_address_that_has_expired_asks_for_the_file_again(world: World) -> None:
    helen, _ = await giving(world)
    letter = world.files.put("letter.pdf", PDF)
    world.files.expire()
    assert "Send it to this chat again" in await helen.send_files(letter)
    assert "letter.pdf" in await helen.send_files(world.files.put("letter.pdf", PDF))


async def test_nothing_of_a_file_or_its_address_is_in_the_log(world: World) -> None:
    helen, _ = await giving(world)
    await helen.send_files(
        world.files.put("name of a person.pdf", PDF), File("x.pdf", "https://evil.example/?tempauth=secret")
    )
    log = world.program.log()
    for private in ("name of a person", "tempauth", "download.aspx", "evil.example"):
        assert private not in log


def choices_of(value: Any) -> list[dict[str, str]]:
    if isinstance(value, dict):
        own = value.get("choices", [])
        return [*own, *(one for part in value.values() for one in choices_of(part))]
    return [one for part in value for one in choices_of(part)] if isinstance(value, list) else []
