"""The bot's token: fetched once, renewed before it ends, one request at a time, whichever way the bot proves itself."""

import asyncio
import base64
import datetime
from pathlib import Path

import jwt
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from bot.gateway.login import Issued, token_source
from bot.gateway.settings import AppType, Certificate, ManagedIdentity, SecretFile
from bot.gateway.token import BotToken
from domain.errors import Trouble
from tests.gateway.running import chat, running
from tests.microsoft import Microsoft
from tests.microsoft.signing import rsa_key


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Gives token-1, token-2 and so on, each for an hour; `down` makes it fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False

    def __call__(self) -> Issued:
        self.asked += 1
        if self.down:
            raise Trouble("down")
        return Issued(f"token-{self.asked}", 3600)


async def test_it_is_renewed_in_the_background_before_it_ends() -> None:
    clock, source = Clock(), Source()
    token = BotToken(source, clock)
    assert [await token.value(), await token.value()] == ["token-1", "token-1"]
    clock.now = 3301
    assert await token.value() == "token-1"
    await asyncio.sleep(0.05)
    assert await token.value() == "token-2"
    assert source.asked == 2
    await token.close()


async def test_an_outage_shortly_before_the_end_is_not_felt() -> None:
    clock, source = Clock(), Source()
    token = BotToken(source, clock)
    await token.value()
    source.down, clock.now = True, 3400
    for _ in range(20):
        assert await token.value() == "token-1"
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert source.asked == 2
    clock.now = 3601
    with pytest.raises(Trouble):
        await token.value()
    source.down, clock.now = False, 3603
    assert await token.value() == "token-4"
    await token.close()


async def test_many_callers_share_one_request() -> None:
    source = Source()
    token = BotToken(source, Clock())
    assert set(await asyncio.gather(*(token.value() for _ in range(50)))) == {"token-1"}
    assert source.asked == 1
    await token.close()


async def test_only_the_present_token_can_be_refused() -> None:
    source = Source()
    token = BotToken(source, Clock())
    first = await token.value()
    token.refused(first)
    second = await token.value()
    token.refused(first)
    assert await token.value() == second
    assert source.asked == 2
    await token.close()


def made(key_name: str) -> tuple[bytes, x509.Certificate]:
    """A private key in PEM, and a certificate of it."""
    key = rsa_key(key_name)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bot")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, certificate


async def test_a_certificate_proves_who_the_bot_is(microsoft: Microsoft, tmp_path: Path) -> None:
    key, certificate = made("bot")
    pem = tmp_path / "bot.pem"
    pem.write_bytes(key)
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()
    settings = microsoft.settings(credentials=Certificate(str(pem), thumbprint))
    issued = await asyncio.to_thread(token_source(settings))
    assert issued.value in microsoft.login.issued
    (form,) = microsoft.login.requests
    assert form["client_assertion"].count(".") == 2
    assert "client_secret" not in form


def certificate_in(assertion: str) -> str:
    """The SHA-256 thumbprint that a signed assertion names, in hexadecimal."""
    named: str = jwt.get_unverified_header(assertion)["x5t#S256"]
    return base64.urlsafe_b64decode(named + "=").hex()


async def test_a_new_certificate_in_the_same_file_is_taken_up_with_the_next_token(
    microsoft: Microsoft, tmp_path: Path
) -> None:
    pem = tmp_path / "bot.pem"
    fetch = token_source(microsoft.settings(credentials=Certificate(str(pem))))
    wanted = []
    for name in ("bot", "the bot's next key"):
        key, certificate = made(name)
        pem.write_bytes(key + certificate.public_bytes(serialization.Encoding.PEM))
        await asyncio.to_thread(fetch)
        wanted.append(certificate.fingerprint(hashes.SHA256()).hex())
    assert [certificate_in(form["client_assertion"]) for form in microsoft.login.requests] == wanted
    assert len(set(wanted)) == 2


async def test_a_new_secret_in_the_same_file_is_taken_up_without_a_restart(
    microsoft: Microsoft, tmp_path: Path
) -> None:
    """The old secret is refused and the token that it bought too: nobody notices."""
    file = tmp_path / "secret"
    file.write_text(f"{microsoft.login.secret}\n")
    async with running(microsoft.settings(credentials=SecretFile(str(file)))) as bot:
        await bot.messenger.say(chat(microsoft), "before")
        microsoft.login.secret = "the next secret"
        file.write_text(microsoft.login.secret)
        microsoft.login.revoke_all()
        await bot.messenger.say(chat(microsoft), "after")
    assert [call.text for call in microsoft.connector.sent] == ["before", "after"]
    assert [form["client_secret"] for form in microsoft.login.requests] == ["the bot's secret", "the next secret"]


async def test_a_secret_that_is_late_in_its_file_is_found_at_the_next_try(microsoft: Microsoft, tmp_path: Path) -> None:
    """The login service refuses the old one first, and the file is being written."""
    file = tmp_path / "secret"
    file.write_text("the secret of last year")
    fetch = token_source(microsoft.settings(credentials=SecretFile(str(file))))
    with pytest.raises(Trouble, match="invalid_client"):
        await asyncio.to_thread(fetch)
    file.write_text("")
    with pytest.raises(Trouble, match="empty"):
        await asyncio.to_thread(fetch)
    file.unlink()
    with pytest.raises(Trouble) as missing:
        await asyncio.to_thread(fetch)
    assert not missing.value.for_good
    file.write_text(microsoft.login.secret)
    assert (await asyncio.to_thread(fetch)).value in microsoft.login.valid


async def test_a_managed_identity_proves_who_the_bot_is(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    async def give(request: web.Request) -> web.Response:
        asked.append({**request.query, "secret": request.headers["X-IDENTITY-HEADER"]})
        return web.json_response({"access_token": "from-the-machine", "expires_on": "4000000000", "resource": "x"})

    app = web.Application()
    app.router.add_get("/msi/token", give)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "only App Service knows")
    settings = microsoft.settings(credentials=ManagedIdentity(), app_type=AppType.MANAGED_IDENTITY)
    try:
        issued = await asyncio.to_thread(token_source(settings))
    finally:
        await runner.cleanup()
    assert issued.value == "from-the-machine"
    assert issued.lifetime > 3600
    (query,) = asked
    assert (query["resource"], query["client_id"]) == ("https://api.botframework.com", settings.app_id)
    assert microsoft.login.requests == []


async def test_a_missing_certificate_is_trouble(microsoft: Microsoft, tmp_path: Path) -> None:
    settings = microsoft.settings(credentials=Certificate(str(tmp_path / "none.pem"), "AB" * 20))
    with pytest.raises(Trouble):
        await asyncio.to_thread(token_source(settings))


async def test_a_bot_of_many_tenants_asks_bot_frameworks_own_tenant(microsoft: Microsoft) -> None:
    settings = microsoft.settings(app_type=AppType.MULTI_TENANT)
    issued = await asyncio.to_thread(token_source(settings))
    assert issued.value in microsoft.login.issued
    assert issued.lifetime == 3600
