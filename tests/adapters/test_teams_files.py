"""Downloads from a real server on loopback, over TLS as from SharePoint, which behaves as badly as it can."""

import asyncio
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from adapters.teams_files import SHAREPOINT, TeamsFiles, may_fetch
from domain.errors import Refusal, Trouble
from tests.files import PDF

SIGNED = "download.aspx?UniqueId=1150d938%2D8870&tempauth=v1.secret%2Bword%3D"
MOST = 1_000_000


class Server:
    """SharePoint as it should be at /good, and otherwise at each other address. `asked` holds what came in."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.host = ""
        self.hung_up = asyncio.Event()
        """The client went away before an endless file ended."""
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/{way}/{rest:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        self.host = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            self._ended.set()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        way = request.match_info["way"]
        if way.isdecimal():
            return web.Response(
                status=int(way), text="secret page", headers={"Location": f"https://{self.host}/good/x"}
            )
        match way:
            case "good":
                return web.Response(body=PDF, headers={"Set-Cookie": "FedAuth=1; Path=/"})
            case "packed":
                return web.Response(body=PDF, headers={"Content-Encoding": "gzip"})
            case "claims":
                return await self._partly(request, {"Content-Length": str(MOST * 1000)}, PDF)
            case "short":
                return await self._partly(request, {"Content-Length": str(len(PDF) + 10)}, PDF, drop=True)
            case "endless":
                return await self._endless(request)
            case "stalls":
                return await self._partly(request, {}, PDF, wait=True)
            case _:
                await self._ended.wait()
                return web.Response(status=500)

    async def _partly(
        self, request: web.Request, headers: dict[str, str], body: bytes, *, drop: bool = False, wait: bool = False
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(body)
        if wait:
            await self._ended.wait()
        if drop and request.transport is not None:
            request.transport.close()
        return response

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(bytes(64 * 1024))
            await asyncio.sleep(0)
        self.hung_up.set()
        return response


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    one = Server()
    async with one.running(tls):
        yield one


@pytest.fixture
async def files(server: Server, tmp_path: Path) -> AsyncIterator[TeamsFiles]:
    async with TeamsFiles({server.host}, ca_file=str(tmp_path / "ca.pem"), seconds=5) as one:
        yield one


async def refused(files: TeamsFiles, url: str, most_bytes: int = MOST) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await files.fetch(url, most_bytes=most_bytes)
    assert "secret" not in refusal.value.sentence
    return refusal.value


async def troubled(files: TeamsFiles, url: str) -> str:
    """What is said, after making sure that nothing of the address would be logged either."""
    with pytest.raises(Trouble) as trouble:
        await files.fetch(url, most_bytes=MOST)
    assert not trouble.value.for_good
    assert "secret" not in "".join(traceback.format_exception(trouble.value))
    return trouble.value.message


async def test_a_file_arrives_as_it_is_and_its_address_is_used_letter_by_letter(
    server: Server, files: TeamsFiles
) -> None:
    assert await files.fetch(f"https://{server.host}/good/{SIGNED}", most_bytes=len(PDF)) == PDF
    assert server.asked[0].raw_path == f"/good/{SIGNED}"


async def test_no_token_cookie_or_packing_is_asked_for(server: Server, files: TeamsFiles) -> None:
    for _ in range(2):
        await files.fetch(f"https://{server.host}/good/{SIGNED}", most_bytes=MOST)
    headers = server.asked[1].headers
    assert "Authorization" not in headers
    assert "Cookie" not in headers
    assert headers["Accept-Encoding"] == "identity"


async def test_a_proxy_of_the_environment_is_not_used(
    server: Server, files: TeamsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await files.fetch(f"https://{server.host}/good/x", most_bytes=MOST) == PDF


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_wherever_it_leads(server: Server, files: TeamsFiles, status: int) -> None:
    refusal = await refused(files, f"https://{server.host}/{status}/{SIGNED}")
    assert refusal.rule == "file_gone"
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 404, 410])
async def test_a_file_that_is_not_there_has_to_be_sent_again(server: Server, files: TeamsFiles, status: int) -> None:
    assert "Send it to this chat again" in (await refused(files, f"https://{server.host}/{status}/{SIGNED}")).sentence


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_server_that_is_busy_or_broken_is_trouble(server: Server, files: TeamsFiles, status: int) -> None:
    assert str(status) in await troubled(files, f"https://{server.host}/{status}/{SIGNED}")


async def test_a_file_that_says_that_it_is_too_large_is_not_read(server: Server, files: TeamsFiles) -> None:
    assert (await refused(files, f"https://{server.host}/claims/{SIGNED}")).rule == "evidence_too_large"
    assert (await refused(files, f"https://{server.host}/good/x", len(PDF) - 1)).rule == "evidence_too_large"


async def test_a_file_without_an_end_ends_at_the_limit(server: Server, files: TeamsFiles) -> None:
    assert (await refused(files, f"https://{server.host}/endless/{SIGNED}")).rule == "evidence_too_large"
    await server.hung_up.wait()


async def test_a_file_that_is_shorter_than_it_says_is_trouble(server: Server, files: TeamsFiles) -> None:
    assert "cannot be fetched" in await troubled(files, f"https://{server.host}/short/{SIGNED}")


async def test_packed_content_is_not_unpacked(server: Server, files: TeamsFiles) -> None:
    assert (await refused(files, f"https://{server.host}/packed/{SIGNED}")).rule == "file_packed"


@pytest.mark.parametrize("way", ["stalls", "silent"])
async def test_a_server_that_stops_talking_is_trouble_before_long(server: Server, tmp_path: Path, way: str) -> None:
    async with TeamsFiles({server.host}, ca_file=str(tmp_path / "ca.pem"), seconds=0.3) as impatient:
        assert "in time" in await troubled(impatient, f"https://{server.host}/{way}/{SIGNED}")


async def test_a_server_with_an_unknown_certificate_is_trouble(server: Server) -> None:
    async with TeamsFiles({server.host}) as strict:
        await troubled(strict, f"https://{server.host}/good/{SIGNED}")
    assert server.asked == []


async def test_a_server_that_is_not_there_is_trouble(tmp_path: Path) -> None:
    async with TeamsFiles({"127.0.0.1:1"}) as files:
        await troubled(files, f"https://127.0.0.1:1/good/{SIGNED}")


async def test_an_address_elsewhere_is_not_asked(server: Server, files: TeamsFiles) -> None:
    for url in (f"http://{server.host}/good/x", f"https://user@{server.host}/good/x", "", "https://", "C:\\a.pdf"):
        assert (await refused(files, url)).rule == "file_elsewhere"
    assert server.asked == []


async def test_the_sandbox_fetches_from_this_machine_only() -> None:
    plain = Server()
    async with plain.running(None), TeamsFiles(SHAREPOINT, only_loopback=True) as files:
        assert await files.fetch(f"http://{plain.host}/good/x", most_bytes=MOST) == PDF
        assert (await refused(files, "https://tenant.sharepoint.com/x")).rule == "file_elsewhere"


@pytest.mark.parametrize(
    "url",
    [
        "https://tenant.sharepoint.com/personal/x/_layouts/15/download.aspx?UniqueId=1&tempauth=a.b-c_d%3D",
        "https://tenant-my.sharepoint.com/a",
        "https://TENANT.SharePoint.com:443/a",
        "https://a.b.sharepoint.com/",
    ],
)
def test_sharepoint_is_allowed(url: str) -> None:
    assert may_fetch(url, SHAREPOINT)


@pytest.mark.parametrize(
    "url",
    [
        "http://tenant.sharepoint.com/a",
        "ftp://tenant.sharepoint.com/a",
        "file:///etc/passwd",
        "//tenant.sharepoint.com/a",
        "https://sharepoint.com/a",
        "https://.sharepoint.com/a",
        "https://evilsharepoint.com/a",
        "https://sharepoint.com.evil.example/a",
        "https://tenant.sharepoint.com.evil.example/a",
        "https://evil.example/tenant.sharepoint.com/a",
        "https://evil.example?.sharepoint.com/a",
        "https://evil.example#.sharepoint.com/a",
        "https://evil.example\\.sharepoint.com/a",
        "https://evil.example\\@tenant.sharepoint.com/a",
        "https://user@tenant.sharepoint.com/a",
        "https://user:word@tenant.sharepoint.com/a",
        "https://tenant.sharepoint.com@evil.example/a",
        "https://tenant.sharepoint.com:8443/a",
        "https://tenant.sharepoint.com:0443/a",
        "https://tenant.sharepoint.com:443@evil.example/a",
        "https://tenant.sharepoint.com:/a",
        "https://tenant.sharepoint.com./a",
        "https://tenant.sharepoint.com%2eevil.example/a",
        "https://tenant。sharepoint。com/a",
        "https://tenant.sharepoint.com/a b",
        "https://tenant.sharepoint.com/a\r\nHost: evil.example",
        "https://tenant.sharepoint.com/a#b",
        " https://tenant.sharepoint.com/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/a",
        "https://tenant.sharepoint.com/" + "a" * 9000,
    ],
)
def test_nothing_else_is_allowed(url: str) -> None:
    assert not may_fetch(url, SHAREPOINT)


@pytest.mark.parametrize("url", ["http://evil.example/a", "http://127.0.0.1.evil.example/a", "http://10.0.0.1/a"])
def test_the_sandbox_allows_this_machine_only(url: str) -> None:
    assert not may_fetch(url, SHAREPOINT, only_loopback=True)
