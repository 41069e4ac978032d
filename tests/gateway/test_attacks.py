"""Everything that pretends to be Teams is turned away: never let in, never a 5xx, never a reason in the answer."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import jwt
import pytest

from tests.gateway.running import Bot, running
from tests.microsoft import Answer, Microsoft
from tests.microsoft.signing import public_pem, rsa_key

Forge = Callable[[Microsoft], str]


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(microsoft: Microsoft) -> str:
    header = {"alg": "none", "typ": "JWT", "kid": microsoft.signing.key_id}
    return f"{_part(header)}.{_part(microsoft.teams.claims())}."


def _hs256_with_the_public_key(microsoft: Microsoft) -> str:
    import hashlib
    import hmac

    signed = f"{_part({'alg': 'HS256', 'kid': microsoft.signing.key_id})}.{_part(microsoft.teams.claims())}"
    pem = public_pem(microsoft.signing.published[microsoft.signing.key_id])
    mark = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def _with_other_claims_but_the_same_signature(microsoft: Microsoft) -> str:
    header, _, mark = microsoft.teams.token().split(".")
    return f"{header}.{_part(microsoft.teams.claims(aud='somebody else'))}.{mark}"


def _claims(**changes: Any) -> Forge:
    return lambda microsoft: microsoft.teams.token(**changes)


def _signed(**how: Any) -> Forge:
    return lambda microsoft: microsoft.signing.sign(microsoft.teams.claims(), **how)


NOW = time.time()
FORGED: dict[str, Forge] = {
    "no token": lambda _: "",
    "garbage": lambda _: "garbage",
    "garbage in three parts": lambda _: "a.b.c",
    "parts that are JSON but not objects": lambda _: f"{_part(1)}.{_part([])}.{_part('x')}",
    "alg none": _unsigned,
    "alg none with a signature": lambda m: _unsigned(m) + "AAAA",
    "HS256 with the public key": _hs256_with_the_public_key,
    "RS384": _signed(algorithm="RS384"),
    "PS256": _signed(algorithm="PS256"),
    "another key under a known id": lambda m: m.signing.sign(m.teams.claims(), key=rsa_key("stranger")),
    "a key of its own in the header": lambda m: m.signing.sign(
        m.teams.claims(),
        key=rsa_key("stranger"),
        kid="mine",
        jwk=json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key("stranger").public_key())),
    ),
    "other claims under a good signature": _with_other_claims_but_the_same_signature,
    "expired": _claims(exp=NOW - 3600),
    "not yet valid": _claims(nbf=NOW + 3600),
    "without an end": _claims(exp=None),
    "an end that is no number": _claims(exp="tomorrow"),
    "an endless end": _claims(exp=float("inf")),
    "no issuer": _claims(iss=None),
    "another issuer": _claims(iss="https://sts.windows.net/37c354b2-85b0-47f5-b222-07b48d774ee3/"),
    "the emulator's issuer": _claims(iss="https://login.microsoftonline.com/d6d49420-f39b-4df7-a1dc-d59a935871db/v2.0"),
    "no audience": _claims(aud=None),
    "an empty audience": _claims(aud=""),
    "another bot's audience": _claims(aud="00000000-0000-0000-0000-000000000000"),
    "many audiences": lambda m: m.teams.token(aud=[m.teams.app_id, "another"]),
    "no key id": _signed(kid=None),
    "an unknown key id": _signed(kid="nobody's"),
    "a key id that is a number": lambda m: f"{_part({'alg': 'RS256', 'kid': 5})}.{_part(m.teams.claims())}.AAAA",
    "no serviceUrl claim": _claims(serviceurl=None),
    "another serviceUrl claim": _claims(serviceurl="https://smba.trafficmanager.net/uk/"),
}


def _refused(answer: Answer, bot: Bot, *statuses: int) -> None:
    assert answer.status in statuses
    assert answer.body == {"error": "This request was not accepted."}
    assert bot.turns == []


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_token_that_is_not_teams_own_gets_401(microsoft: Microsoft, bot: Bot, forge: Forge) -> None:
    answer = await microsoft.teams.post(bot.url, microsoft.teams.message("hello"), token=forge(microsoft))
    _refused(answer, bot, 401)


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "bearer a b", "Bearer " + "x" * 7000])
async def test_a_header_that_is_no_bearer_token_gets_401(microsoft: Microsoft, bot: Bot, header: str) -> None:
    async with aiohttp.ClientSession() as session:
        answer = await session.post(bot.url, json=microsoft.teams.message("hello"), headers={"Authorization": header})
        assert answer.status == 401
    assert bot.turns == []


async def test_a_key_that_teams_may_not_sign_with_gets_401(microsoft: Microsoft) -> None:
    microsoft.signing.endorsements = ["webchat"]
    async with running(microsoft.settings()) as bot:
        _refused(await microsoft.teams.post(bot.url, microsoft.teams.message("hello")), bot, 401)


async def test_a_token_within_five_minutes_of_its_end_is_taken(microsoft: Microsoft, bot: Bot) -> None:
    token = microsoft.teams.token(exp=time.time() - 60)
    assert (await microsoft.teams.post(bot.url, microsoft.teams.message("hello"), token=token)).status == 200


CHANGES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "no channel id": ({"channelId": None}, (403,)),
    "the emulator's channel": ({"channelId": "emulator"}, (403,)),
    "another channel": ({"channelId": "webchat"}, (403,)),
    "a channel id that is a list": ({"channelId": ["msteams"]}, (400,)),
    "no serviceUrl": ({"serviceUrl": None}, (400, 401)),
    "an empty serviceUrl": ({"serviceUrl": ""}, (400, 401)),
    "a serviceUrl that is a number": ({"serviceUrl": 5}, (400,)),
    "another serviceUrl": ({"serviceUrl": "https://smba.trafficmanager.net/uk/"}, (401,)),
    "no tenant": ({"channelData": {}}, (403,)),
    "no channelData": ({"channelData": None}, (403,)),
    "another tenant": ({"channelData": {"tenant": {"id": "00000000-0000-0000-0000-000000000000"}}}, (403,)),
    "a tenant that is text": ({"channelData": {"tenant": "37c354b2-85b0-47f5-b222-07b48d774ee3"}}, (400,)),
    "a tenant id that is a list": ({"channelData": {"tenant": {"id": []}}}, (400,)),
    "channelData that is text": ({"channelData": "x"}, (400,)),
    "channelData that is a list": ({"channelData": [1]}, (400,)),
}


@pytest.mark.parametrize(("changes", "statuses"), CHANGES.values(), ids=CHANGES.keys())
async def test_an_activity_that_does_not_fit_its_token_is_turned_away(
    microsoft: Microsoft, bot: Bot, changes: dict[str, Any], statuses: tuple[int, ...]
) -> None:
    answer = await microsoft.teams.post(bot.url, microsoft.teams.message("hello") | changes)
    _refused(answer, bot, *statuses)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://smba.trafficmanager.net/uk/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://smba.trafficmanager.net:8443/uk/",
        "https://botframework.com/",
        "https://evilbotframework.com/",
        "https://127.0.0.1/",
        "https://smba.trafficmanager.net/{conversationId}/",
        "https://smba.trafficmanager.net\\@evil.example/",
        "https://smba.trafficmanager.net/uk?x=https://evil.example/",
        "https://smba.trafficmanager.net/../x",
        "file:///etc/passwd",
    ],
)
async def test_a_good_token_does_not_make_a_foreign_service_url_good(microsoft: Microsoft, url: str) -> None:
    from bot.gateway.settings import TEAMS_HOSTS

    async with running(microsoft.settings(service_hosts=TEAMS_HOSTS)) as bot:
        token = microsoft.teams.token(serviceurl=url)
        answer = await microsoft.teams.post(
            bot.url, microsoft.teams.message("hello") | {"serviceUrl": url}, token=token
        )
        _refused(answer, bot, 403)


async def test_the_tenant_may_be_written_in_capitals(microsoft: Microsoft, bot: Bot) -> None:
    activity = microsoft.teams.message("hello")
    activity["channelData"]["tenant"]["id"] = microsoft.teams.tenant_id.upper()
    assert (await microsoft.teams.post(bot.url, activity)).status == 200
    assert bot.turns[0].address.tenant_id == microsoft.teams.tenant_id
