"""The package that is uploaded to Teams: the manifest filled in, and the icons. It is checked, then written.

https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package
"""

import io
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from adapters.settings import BadSettingsError

FOLDER = Path(__file__).resolve().parent
ICONS = ("color.png", "outline.png")
LONGEST_DEVELOPER = 32
LONGEST_URL = 2048
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_NUMBER = r"(0|[1-9][0-9]{0,4})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)+(?=[a-z0-9-]*[a-z]){_LABEL}", re.ASCII | re.IGNORECASE)
_URL = re.compile(r"https://([^\s/?#@:\\]+)(:[0-9]{1,5})?([/?#][!-~]*)?", re.ASCII | re.IGNORECASE)
_RESOURCE = re.compile(r"(api|https)://[!-~]+", re.ASCII | re.IGNORECASE)
_PLACE = re.compile(r"\$\{\{([A-Z_]+)\}\}")
_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold: the same input gives the same bytes at any time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What stands in one package and not in another, as it was given: an empty text was not given."""

    bot_id: str
    host: str
    """The name under which Teams and browsers reach the bot."""
    developer: str
    website: str
    privacy: str
    terms: str
    version: str
    app_id: str
    """The app's id in Teams; empty: one that always belongs to this bot."""
    resource: str
    """The bot's application id URI in Entra; empty: the one that Microsoft recommends for a bot."""


def wanted(given: Mapping[str, str | None], environ: Mapping[str, str]) -> Wanted:
    """`given`: by the names of `Wanted`. The bot and its host may also come from the settings of `serve`."""
    texts = {field.name: (given.get(field.name) or "").strip() for field in fields(Wanted)}
    texts["bot_id"] = texts["bot_id"] or environ.get("MicrosoftAppId", "").strip()
    texts["host"] = texts["host"] or _host_of(environ.get("PUBLIC_URL", "").strip())
    return Wanted(**texts)


def package(wanted: Wanted) -> bytes:
    """A zip with three files: not compressed, because libraries do not agree on how. Raises `BadSettingsError`."""
    files = {"manifest.json": json.dumps(filled(wanted), indent=2, ensure_ascii=False).encode() + b"\n"}
    files |= {name: (FOLDER / name).read_bytes() for name in ICONS}
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_STORED) as packed:
        for name, content in files.items():
            entry = ZipInfo(name, _FIRST_MOMENT)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, content)
    return out.getvalue()


def filled(wanted: Wanted) -> dict[str, Any]:
    """The manifest. Raises `BadSettingsError` with a sentence for each fault."""
    if faults := tuple(_faults(wanted)):
        raise BadSettingsError(faults)
    bot_id, host = wanted.bot_id.lower(), wanted.host.lower()
    values = {
        "APP_ID": wanted.app_id.lower() or str(uuid5(UUID(bot_id), "Teams app")),
        "BOT_ID": bot_id,
        "HOST": host,
        "VERSION": wanted.version,
        "DEVELOPER": wanted.developer,
        "WEBSITE": wanted.website,
        "PRIVACY": wanted.privacy,
        "TERMS": wanted.terms,
        "RESOURCE": wanted.resource or f"api://{host}/botid-{bot_id}",
    }
    template = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    manifest: dict[str, Any] = _fill(template, values)
    return manifest


def write(path: Path, content: bytes) -> None:
    """All of it or nothing, also over another file. Raises `BadSettingsError`."""
    try:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "this is no file name"
        sentence = f"--out: {path} cannot be written ({why}). Name a file in a folder that you may write to."
        raise BadSettingsError((sentence,)) from None


def _fill(part: Any, values: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _fill(one, values) for name, one in part.items()}
    if isinstance(part, list):
        return [_fill(one, values) for one in part]
    return _PLACE.sub(lambda place: values[place[1]], part) if isinstance(part, str) else part


def _faults(wanted: Wanted) -> Iterator[str]:
    if not wanted.bot_id:
        yield "--bot-id is missing: give the bot's app id in Entra, or set MicrosoftAppId."
    elif not _GUID.fullmatch(wanted.bot_id):
        yield f"--bot-id is “{wanted.bot_id}”: write the id as 8-4-4-4-12 hexadecimal digits."
    if wanted.app_id and not _GUID.fullmatch(wanted.app_id):
        yield (
            f"--app-id is “{wanted.app_id}”: write the id as 8-4-4-4-12 hexadecimal digits, or leave it out and it is "
            "made from the bot's id."
        )
    if not wanted.host:
        yield "--host-name is missing: give the public name where Teams reaches the bot, or set PUBLIC_URL."
    elif why := _not_a_host(wanted.host):
        yield f"--host-name is “{wanted.host}”: {why}"
    if not _VERSION.fullmatch(wanted.version):
        yield f"--package-version is “{wanted.version}”: write three numbers, as in 1.2.0."
    if not wanted.developer:
        yield "--developer is missing: give the name of the organisation that runs the bot."
    elif len(wanted.developer) > LONGEST_DEVELOPER:
        yield (
            f"--developer has {len(wanted.developer)} characters: Teams shows up to {LONGEST_DEVELOPER}. Shorten the "
            "name."
        )
    elif not wanted.developer.isprintable():
        yield "--developer holds a character that cannot be shown. Write the name on one line."
    for flag, url, page in (
        ("--website", wanted.website, "where people find help"),
        ("--privacy", wanted.privacy, "that says how personal data is handled"),
        ("--terms", wanted.terms, "with the terms of use"),
    ):
        if not url:
            yield f"{flag} is missing: give the https:// address of the page {page}."
        elif not _is_url(url):
            yield f"{flag} is “{url}”: give the whole address of the page {page}. It begins with https://."
    if wanted.resource and not _RESOURCE.fullmatch(wanted.resource):
        yield (
            f"--resource is “{wanted.resource}”: give the application id URI from Entra, which begins with api:// or "
            "https://, or leave it out."
        )


def _not_a_host(host: str) -> str:
    """What is wrong with a host name and how to mend it; empty: nothing."""
    if "://" in host or "/" in host:
        return "give the name alone, without https:// and without a path."
    if re.search(r"\s", host):
        return "a host name has no spaces. Give one name alone."
    if re.fullmatch(r"\[.*\]|[0-9.]+(:[0-9]+)?|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*", host, re.IGNORECASE):
        return "this is an IP address. Teams needs a name with a public certificate."
    if ":" in host:
        return "give the name alone, without a port. Teams reaches the bot on port 443."
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return "Teams cannot reach your own machine. Give the public name of the bot."
    if not _HOST.fullmatch(host):
        return "this is no public host name. Write it as in bot.example.nhs.uk, without wildcards."
    return ""


def _is_url(url: str) -> bool:
    found = _URL.fullmatch(url)
    return found is not None and len(url) <= LONGEST_URL and not _not_a_host(found[1])


def _host_of(url: str) -> str:
    """The host in an address; what is no address comes back whole, so that the fault can be shown."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
