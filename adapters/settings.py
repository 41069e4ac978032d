"""Reads the settings from the environment: all that is wrong is said at once, a sentence each."""

import contextlib
import ipaddress
import os
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_PUBLIC_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?")
_SEPARATORS = re.compile(r"[\s,]+")
FILE_HOSTS = ("*.sharepoint.com",)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
WAYS = ("group", "pim")
APP_TYPES = ("SingleTenant", "MultiTenant", "UserAssignedMSI")
GROUPS = {
    "helpdesk": "HELPDESK_GROUP_ID",
    "leads": "LEADS_GROUP_ID",
    "exempt_short": "EXEMPT_SHORT_GROUP_ID",
    "exempt_long": "EXEMPT_LONG_GROUP_ID",
}
CREDENTIALS = (
    "MicrosoftAppId",
    "MicrosoftAppPassword",
    "MicrosoftAppPasswordFile",
    "MicrosoftAppCertificateFile",
    "MicrosoftAppCertificateThumbprint",
    "EVIDENCE_KEYS",
    "EVIDENCE_KEYS_FILE",
)


class BadSettingsError(Exception):
    """The program cannot start with these settings."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class Common:
    """What is needed with and without the sandbox."""

    host: str
    port: int
    data_dir: Path
    policy_file: Path
    texts_file: Path | None
    """What people read, in another language; None: British English."""
    database_url: str = field(repr=False)
    """A libpq URL; empty: the embedded PostgreSQL, in the sandbox only."""
    public_url: str
    """Where browsers reach the bot, without a slash at the end."""
    file_hosts: frozenset[str]
    teams_app: str
    """The bot's id in the tenant's app catalogue; empty: the app is not installed for people."""
    """Where files that people send in Teams may be fetched from: `host`, `*.host` or `host:port`."""
    exemption_way: str
    """`group`: members are added and removed. `pim`: they are assigned with an end by PIM for Groups."""
    mfa_policy: str
    """The Conditional Access policy that asks for MFA; empty: a grant is not proved by What If."""
    revoke_sessions: bool
    proxies: int
    """How many reverse proxies of ours stand in front."""


@dataclass(frozen=True, slots=True)
class Sandboxed:
    common: Common
    sandbox_port: int
    tenant_file: Path
    seats_port: int
    """The first of two ports, for the seats in the Playground."""


@dataclass(frozen=True, slots=True)
class Real:
    common: Common
    app_id: str
    app_type: str
    tenant_id: str
    secret: str = field(repr=False)
    secret_file: str
    """Where the secret came from, to be read again for each token; empty: it is in the environment."""
    certificate_file: str
    thumbprint: str
    groups: Mapping[str, str]
    """By the policy's names; Entra ids in lower case."""
    team: str
    mailbox: str
    evidence_keys: tuple[str, ...] = field(repr=False)
    """Fernet keys: the first one encrypts, all of them open."""


def read_sandboxed(environ: Mapping[str, str], root: Path) -> Sandboxed:
    """Raises `BadSettingsError`. The sandbox binds loopback only and takes no credentials."""
    reader = _Reader(environ)
    common = reader.common(root)
    if not _is_loopback(common.host):
        reader.faults.append(
            f"HOST is {common.host}: the sandbox lets anybody in, so it only listens on this machine. Use 127.0.0.1."
        )
    for name in CREDENTIALS:
        if environ.get(name, "").strip():
            reader.faults.append(
                f"{name} is set: the sandbox must not hold credentials. Unset it, or leave out --sandbox."
            )
    tenant = Path(environ.get("SANDBOX_TENANT", "").strip() or root / "sandbox" / "tenant.toml")
    common = replace(common, public_url=f"http://{common.host}:{common.port}")
    port = reader.port("SANDBOX_PORT", 3979)
    seats_port = reader.port("SEATS_PORT", 56150)
    reader.done()
    return Sandboxed(common, port, tenant, seats_port)


def read_real(environ: Mapping[str, str], root: Path) -> Real:
    """Raises `BadSettingsError` unless everything that the bot needs is there and well formed."""
    reader = _Reader(environ)
    common = reader.common(root)
    if not common.database_url:
        reader.faults.append("DATABASE_URL is missing: give the PostgreSQL server, as postgresql://user@host/name.")
    app_type = environ.get("MicrosoftAppType", "SingleTenant").strip() or "SingleTenant"
    if app_type not in APP_TYPES:
        reader.faults.append(f"MicrosoftAppType is “{app_type}”: use one of {', '.join(APP_TYPES)}.")
    settings = Real(
        common=common,
        app_id=reader.guid("MicrosoftAppId", "the bot's app id"),
        app_type=app_type,
        tenant_id=reader.guid("MicrosoftAppTenantId", "the Entra tenant"),
        secret=reader.secret(),
        secret_file=environ.get("MicrosoftAppPasswordFile", "").strip(),
        certificate_file=environ.get("MicrosoftAppCertificateFile", "").strip(),
        thumbprint=environ.get("MicrosoftAppCertificateThumbprint", "").strip(),
        groups={name: reader.guid(variable, f"the group “{name}” in Entra") for name, variable in GROUPS.items()},
        team=reader.guid("HELPDESK_TEAM_ID", "the Entra group of the helpdesk's team"),
        mailbox=reader.mail("HELPDESK_MAILBOX", "the mailbox that e-mails are sent from"),
        evidence_keys=reader.evidence_keys(),
    )
    if not _PUBLIC_URL.fullmatch(common.public_url):
        reader.faults.append(
            "PUBLIC_URL is missing or malformed: give the https:// address where browsers reach this bot."
        )
    if common.mfa_policy and not _GUID.fullmatch(common.mfa_policy):
        reader.faults.append("MFA_POLICY_ID is not an id: write it as 8-4-4-4-12 hexadecimal digits, or unset it.")
    reader.faults.extend(_credential_faults(settings))
    reader.done()
    return settings


def database_url(environ: Mapping[str, str]) -> str:
    """From the environment, or from a file (a container's secret). Raises `BadSettingsError`."""
    reader = _Reader(environ)
    url = reader.database_url()
    reader.done()
    return url


def read_keys(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the evidence alone. Raises `BadSettingsError`."""
    reader = _Reader(environ)
    keys = reader.evidence_keys()
    reader.done()
    return keys


def policy_file(environ: Mapping[str, str], root: Path) -> Path:
    return Path(environ.get("MFA_POLICY", "").strip() or root / "policy" / "policy.toml")


def sandbox_keys(folder: Path) -> tuple[str, ...]:
    """The sandbox's key, made once in its folder: several processes that begin at once get the same one."""
    file = folder / "evidence.key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"evidence.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(urlsafe_b64encode(secrets.token_bytes(32)))
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return read_keys({"EVIDENCE_KEYS_FILE": str(file)})


def _credential_faults(settings: Real) -> Iterator[str]:
    if settings.app_type == "UserAssignedMSI":
        if settings.secret or settings.certificate_file:
            yield "MicrosoftAppType is UserAssignedMSI: a managed identity needs no password and no certificate."
        return
    if bool(settings.secret) == bool(settings.certificate_file):
        yield (
            "Give either MicrosoftAppPassword (or MicrosoftAppPasswordFile), or MicrosoftAppCertificateFile (with "
            "MicrosoftAppCertificateThumbprint where the file holds the key only)."
        )
    if settings.certificate_file and not Path(settings.certificate_file).is_file():
        yield f"MicrosoftAppCertificateFile: there is no file {settings.certificate_file}."
    elif settings.certificate_file and not settings.thumbprint and not _holds_certificate(settings.certificate_file):
        yield (
            "MicrosoftAppCertificateFile holds no certificate: put it into the file beside the key, or give "
            "MicrosoftAppCertificateThumbprint."
        )
    if settings.thumbprint and not re.fullmatch(r"[0-9A-Fa-f]{40}", settings.thumbprint):
        yield "MicrosoftAppCertificateThumbprint must be the certificate's SHA-1 thumbprint: 40 hexadecimal digits."


def _holds_certificate(file: str) -> bool:
    try:
        return "-----BEGIN CERTIFICATE-----" in Path(file).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def done(self) -> None:
        if self.faults:
            raise BadSettingsError(tuple(self.faults))

    def common(self, root: Path) -> Common:
        url = self.database_url()
        if url and not url.startswith(("postgresql://", "postgres://")):
            self.faults.append("DATABASE_URL must begin with postgresql://.")
        texts = self._environ.get("MFA_TEXTS", "").strip()
        return Common(
            host=self._environ.get("HOST", "").strip() or "127.0.0.1",
            port=self.port("PORT", 3978),
            data_dir=Path(self._environ.get("DATA_DIR", "").strip() or root / "var").resolve(),
            policy_file=policy_file(self._environ, root),
            texts_file=Path(texts) if texts else None,
            database_url=url,
            public_url=self._environ.get("PUBLIC_URL", "").strip().rstrip("/"),
            file_hosts=self.hosts("FILE_HOSTS", FILE_HOSTS),
            teams_app=self.catalogue_id("TEAMS_APP_ID"),
            exemption_way=self.one_of("EXEMPTION_WAY", WAYS),
            mfa_policy=self.policy_id("MFA_POLICY_ID"),
            revoke_sessions=self.one_of("REVOKE_SESSIONS", ("no", "yes")) == "yes",
            proxies=self.proxies("PROXIES_IN_FRONT"),
        )

    def one_of(self, name: str, words: tuple[str, ...]) -> str:
        """One of these words; the first where nothing is set."""
        given = self._environ.get(name, "").strip()
        if given.lower() in words:
            return given.lower()
        if given:
            self.faults.append(f"{name} is “{given}”: use one of {', '.join(words)}.")
        return words[0]

    def database_url(self) -> str:
        if self._environ.get("DATABASE_URL_FILE", "").strip():
            return self.content_of("DATABASE_URL_FILE")
        return self._environ.get("DATABASE_URL", "").strip()

    def proxies(self, name: str) -> int:
        given = self._environ.get(name, "").strip() or "0"
        if not re.fullmatch(r"[0-9]", given):
            self.faults.append(f"{name} is “{given}”: give how many reverse proxies of yours stand in front, 0 to 9.")
            return 0
        return int(given)

    def policy_id(self, name: str) -> str:
        given = self._environ.get(name, "").strip()
        if given and not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", given):
            self.faults.append(
                f"{name} is not an id: give the id of the Conditional Access policy that asks for MFA, or unset it."
            )
            return ""
        return given.lower()

    def hosts(self, name: str, usual: tuple[str, ...]) -> frozenset[str]:
        given = _listed(self._environ.get(name, "")) or usual
        for host in given:
            if not _HOST.fullmatch(host):
                self.faults.append(f"{name}: “{host}” is no host. Write host, *.host or host:port.")
        return frozenset(host.lower() for host in given)

    def evidence_keys(self) -> tuple[str, ...]:
        """From the environment, or from a file (a container's secret)."""
        name = "EVIDENCE_KEYS_FILE" if self._environ.get("EVIDENCE_KEYS_FILE", "").strip() else "EVIDENCE_KEYS"
        given = self._environ.get("EVIDENCE_KEYS", "")
        known = len(self.faults)
        if name == "EVIDENCE_KEYS_FILE":
            given = self.content_of(name)
        keys = _listed(given)
        if not keys and len(self.faults) == known:
            self.faults.append(f"{name} is missing or empty: give one or more Fernet keys, the newest first.")
        for number, key in enumerate(keys, 1):
            if not _FERNET_KEY.fullmatch(key):
                self.faults.append(f"{name}: key {number} is no Fernet key. It has 44 characters and ends in “=”.")
        return keys

    def content_of(self, name: str) -> str:
        """The text of the file that a setting names; empty, with a fault, where it cannot be read."""
        file = self._environ.get(name, "").strip()
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self.faults.append(f"{name}: {file} cannot be read.")
            return ""

    def port(self, name: str, default: int) -> int:
        given = self._environ.get(name, "").strip()
        if not given:
            return default
        if not given.isascii() or not given.isdecimal() or not 1 <= int(given) <= 65535:
            self.faults.append(f"{name} is “{given}”: give a port from 1 to 65535.")
            return default
        return int(given)

    def guid(self, name: str, what: str) -> str:
        given = self._environ.get(name, "").strip()
        if not given:
            self.faults.append(f"{name} is missing: give the id of {what}.")
        elif not _GUID.fullmatch(given):
            self.faults.append(f"{name} is not an id: write it as 8-4-4-4-12 hexadecimal digits.")
        return given.lower()

    def catalogue_id(self, name: str) -> str:
        given = self._environ.get(name, "").strip()
        if given and not re.fullmatch(r"[0-9A-Za-z._-]{1,64}", given):
            self.faults.append(f"{name} is not an id: give the app's id in the tenant's app catalogue, or unset it.")
            return ""
        return given

    def mail(self, name: str, what: str) -> str:
        given = self._environ.get(name, "").strip()
        if not _MAIL.fullmatch(given):
            self.faults.append(f"{name} is missing or no address: give {what}.")
        return given

    def secret(self) -> str:
        """From the environment, or from a file (a container's secret)."""
        given = self._environ.get("MicrosoftAppPassword", "").strip()
        file = self._environ.get("MicrosoftAppPasswordFile", "").strip()
        return self.content_of("MicrosoftAppPasswordFile") if file else given


def _listed(text: str) -> tuple[str, ...]:
    """What stands in a setting with several values, between spaces or commas."""
    return tuple(part for part in _SEPARATORS.split(text) if part)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
