"""Links to files of the evidence, as a browser meets them: over HTTP, with a real PostgreSQL behind."""

import asyncio
import re
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import unquote

import aiohttp
import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from adapters.database.file_links import PostgresFileLinks
from bot.evidence_pages import CONTENT_TYPES, disposition, routes
from bot.web import make_app
from domain.errors import Trouble
from domain.evidence import EXTENSIONS, EvidenceFile
from services.book import Entry
from services.file_links import FileLinks
from tests.adapters.postgres import postgres
from tests.builders import AGENT, NOON
from tests.files import EACH, PDF

FILE = EvidenceFile("f1", "Llythyr – <b>Dr</b> Ŵyn.pdf", "pdf", len(PDF), sha256(PDF).hexdigest(), NOON, "id-of-owner")
GONE = "This link does not work any more"


@dataclass
class MovableClock:
    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment


@dataclass
class Browser:
    """A browser of an agent's, and what stands behind the bot's door."""

    url: str
    reference: str
    session: aiohttp.ClientSession
    links: FileLinks
    store: PostgresEvidence
    book: PostgresBook
    clock: MovableClock
    database: AsyncEngine

    async def issue(self, file_id: str = FILE.id) -> str:
        return await self.links.issue(self.reference, file_id, AGENT.id, self.clock.now())

    async def get(self, url: str, method: str = "GET") -> tuple[int, str]:
        async with self.session.request(method, url, allow_redirects=False) as answer:
            return answer.status, (await answer.read()).decode(errors="replace")

    async def entries(self) -> tuple[Entry, ...]:
        return await self.book.entries(self.reference)


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    with postgres() as started:
        yield started


@pytest.fixture
async def browser(database_url: str) -> AsyncIterator[Browser]:
    database = make_engine(database_url)
    reference = f"MFA-{secrets.token_hex(4)}"
    async with database.begin() as connection:
        await connection.execute(text("TRUNCATE evidence, evidence_files, file_links"))
    store, book, clock = (
        PostgresEvidence(database, [Fernet.generate_key().decode()]),
        PostgresBook(database),
        MovableClock(),
    )
    links = FileLinks(PostgresFileLinks(database), store, book, clock, "", "2026-1")

    async def nothing() -> None:
        return None

    async def messages(_: web.Request) -> web.Response:
        return web.Response()

    runner = web.AppRunner(make_app(messages, {}, nothing, routes(links)), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    await store.add_file(reference, FILE, PDF)
    async with aiohttp.ClientSession() as session:
        yield Browser(url, reference, session, replace(links, public_url=url), store, book, clock, database)
    await runner.cleanup()
    await database.dispose()


async def test_a_link_shows_what_the_file_is_and_its_button_gives_it_once(browser: Browser) -> None:
    url = await browser.issue()
    status, page = await browser.get(url)
    assert status == 200
    assert "Llythyr – &lt;b&gt;Dr&lt;/b&gt; Ŵyn.pdf" in page
    assert '<form method="post">' in page
    async with browser.session.post(url) as given:
        assert given.status == 200
        assert await given.read() == PDF
    assert GONE in (await browser.get(url, "POST"))[1]
    assert GONE in (await browser.get(url))[1]


async def test_a_scanner_that_opens_the_link_first_uses_up_nothing(browser: Browser) -> None:
    url = await browser.issue()
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        await browser.get(url, method)
    assert await browser.entries() == ()
    assert (await browser.get(url, "POST"))[0] == 200


async def test_who_read_which_file_is_in_the_audit_by_its_hash_and_nothing_else(browser: Browser) -> None:
    await browser.get(await browser.issue(), "POST")
    assert await browser.entries() == (
        Entry(NOON, browser.reference, "read", AGENT.id, "", "2026-1", {"file": FILE.sha256}),
    )


async def test_of_many_who_press_at_once_one_gets_the_file(browser: Browser) -> None:
    url = await browser.issue()
    found = await asyncio.gather(*(browser.get(url, "POST") for _ in range(8)))
    assert sorted(status for status, _ in found) == [200, *[404] * 7]
    assert len(await browser.entries()) == 1


async def test_a_link_works_for_five_minutes_of_the_programs_clock(browser: Browser) -> None:
    early, late = await browser.issue(), await browser.issue()
    browser.clock.moment = NOON + timedelta(minutes=4, seconds=59)
    assert (await browser.get(early, "POST"))[0] == 200
    browser.clock.moment = NOON + timedelta(minutes=5)
    for method in ("GET", "POST"):
        status, page = await browser.get(late, method)
        assert (status, GONE in page) == (404, True)
        assert "Open the request again in Teams" in page
    assert len(await browser.entries()) == 1


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 5000, "%00" * 43, "..%2f..%2fetc%2fpasswd", "é" * 43])
async def test_an_unknown_link_says_the_same_as_a_used_one(browser: Browser, token: str) -> None:
    for method in ("GET", "POST"):
        status, page = await browser.get(f"{browser.url}/evidence/{token}", method)
        assert (status, GONE in page) == (404, True)


async def test_a_file_that_was_removed_or_purged_cannot_be_fetched(browser: Browser) -> None:
    url = await browser.issue()
    await browser.store.remove_file(browser.reference, FILE.id)
    assert (await browser.get(url, "POST"))[0] == 404
    await browser.store.purge(browser.reference)
    assert (await browser.get(url, "POST"))[0] == 404
    async with browser.database.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM file_links"))).scalar() == 0


async def test_a_token_is_long_and_never_in_the_database(browser: Browser) -> None:
    tokens = [(await browser.issue()).rpartition("/")[2] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    async with browser.database.connect() as connection:
        rows = [str(tuple(row)) for row in await connection.execute(text("SELECT * FROM file_links"))]
    assert len(rows) == 3
    assert not any(token in row for token in tokens for row in rows)


async def test_links_that_are_too_old_are_forgotten_when_the_next_one_is_made(browser: Browser) -> None:
    await browser.issue()
    browser.clock.moment = NOON + timedelta(hours=1)
    await browser.issue()
    async with browser.database.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM file_links"))).scalar() == 1


async def test_nothing_of_a_page_or_a_file_is_kept_framed_sniffed_or_told_to_others(browser: Browser) -> None:
    url = await browser.issue()
    for method in ("GET", "POST", "GET"):
        async with browser.session.request(method, url) as answer:
            headers = answer.headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "noindex" in headers["X-Robots-Tag"]
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "Set-Cookie" not in headers


class Reader(HTMLParser):
    """Notes what a page consists of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.style = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= attrs

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"] and not self.style:
            self.style = data


async def test_a_page_has_no_script_and_nothing_from_elsewhere_and_its_own_style_is_allowed(browser: Browser) -> None:
    async with browser.session.get(await browser.issue()) as answer:
        page, policy = Reader(await answer.text()), answer.headers["Content-Security-Policy"]
    assert not {"script", "img", "link", "iframe", "a"} & set(page.tags)
    assert not {"src", "href", "style", "onclick"} & set(page.attributes)
    assert f"'sha256-{b64encode(sha256(page.style.encode()).digest()).decode()}'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy


async def test_a_page_can_be_read_aloud(browser: Browser) -> None:
    url = await browser.issue()
    for address in (url, f"{browser.url}/evidence/unknown"):
        page = Reader((await browser.get(address))[1])
        assert page.attributes["lang"] == "en-GB"
        assert [page.tags.count(tag) for tag in ("title", "main", "h1")] == [1, 1, 1]


@pytest.mark.parametrize("kind", sorted(EACH))
async def test_a_file_is_a_download_of_its_own_kind_and_cannot_run(browser: Browser, kind: str) -> None:
    content = EACH[kind] + (b"" if kind in ("png", "docx", "jpeg") else b"\n")
    file = replace(FILE, id=kind, name=f"a.{EXTENSIONS[kind][0]}", kind=kind, sha256=sha256(content).hexdigest())
    await browser.store.add_file(browser.reference, file, content)
    async with browser.session.post(await browser.issue(kind)) as given:
        assert await given.read() == content
        assert given.headers["Content-Type"] == CONTENT_TYPES[kind]
        assert given.headers["Content-Disposition"].startswith("attachment; ")
        assert given.headers["Content-Security-Policy"].startswith("sandbox;")


def test_a_name_in_a_header_cannot_end_the_header_or_its_quotes() -> None:
    said = disposition('a"; x=y\r\nSet-Cookie: z – Ŵyn.pdf')
    assert re.fullmatch(r"attachment; filename=\"[A-Za-z0-9 ._-]+\"; filename\*=UTF-8''[A-Za-z0-9%._~-]+", said)
    assert unquote(said.partition("''")[2]) == 'a"; x=y\r\nSet-Cookie: z – Ŵyn.pdf'


async def test_without_its_key_a_link_says_sorry_and_is_not_used_up(browser: Browser) -> None:
    url = await browser.issue()
    blind = replace(browser.links, evidence=PostgresEvidence(browser.database, []))
    with pytest.raises(Trouble):
        await blind.take(url.rpartition("/")[2])
    assert (await browser.get(url, "POST"))[0] == 200


class AwayStore(PostgresEvidence):
    async def files(self, reference: str) -> tuple[EvidenceFile, ...]:
        raise Trouble("the database cannot be reached")


async def test_trouble_is_a_page_that_says_so_without_saying_what(browser: Browser) -> None:
    away = replace(browser.links, evidence=AwayStore(browser.database, []))
    app = web.Application()
    app.add_routes(routes(away))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    token = (await browser.issue()).rpartition("/")[2]
    for method in ("GET", "POST"):
        status, page = await browser.get(f"http://127.0.0.1:{runner.addresses[0][1]}/evidence/{token}", method)
        assert (status, "Try again in a minute" in page, "database" in page) == (503, True, False)
    await runner.cleanup()
