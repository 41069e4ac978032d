"""Who is in the pretend tenant, read from a TOML file. A bad file is refused whole, with a sentence for each fault."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field, StrictBool, TypeAdapter, ValidationError

DEFAULT_FILE = Path(__file__).with_name("tenant.toml")
GROUPS = ("helpdesk", "leads", "exempt_short", "exempt_long")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_METHODS = [
    "microsoftAuthenticator",
    "phone",
    "fido2",
    "password",
    "email",
    "softwareOath",
    "hardwareOath",
    "temporaryAccessPass",
    "windowsHelloForBusiness",
    "platformCredential",
    "x509Certificate",
]
_STRICT: dict[str, Any] = {"extra": "forbid"}

Text = Annotated[str, Field(min_length=1, max_length=256, pattern=r"\S")]
LineOf = Callable[[str, Sequence[str | int]], int | None]


class BadTenantError(Exception):
    """The tenant file cannot be used. `sentences` say where and how to mend it, one for each fault."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class User:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    id: Text
    """Entra object id, in lower case. It need not be a GUID."""
    name: Text
    upn: Text
    mail: str = ""
    """The UPN where the file says nothing."""
    enabled: StrictBool = True
    privileged: StrictBool = False
    """Holds a directory role."""
    guest: StrictBool = False
    """Invited from another tenant: Graph's `userType` is then Guest."""
    methods: tuple[str, ...] = ()
    """Graph's type names without prefix and suffix."""
    groups: tuple[str, ...] = ()
    """Names from `[groups]`."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    address: Text
    purpose: str = "shared"


@dataclass(frozen=True, slots=True)
class Site:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    ods: Text
    name: Text
    mailbox: Text
    owners: tuple[str, ...] = ()
    """The addresses of the people who answer for the mailbox."""


@dataclass(frozen=True, slots=True)
class Helpdesk:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    team: str = ""
    """The Entra group id of the helpdesk's team; the group `helpdesk` where the file says nothing."""
    mailbox: str = ""
    """The address that the bot sends from; the first shared mailbox that is no site's where the file says nothing."""


@dataclass(frozen=True, slots=True)
class ConditionalAccess:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    policy: str = "b7e2a9d4-6c31-4f58-8a07-93d5e1c24f60"
    """The id of the policy that asks for MFA."""


@dataclass(frozen=True, slots=True)
class Tenant:
    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    tenant_id: Text
    groups: dict[str, Text]
    """Group name to Entra group id, in lower case. The names in `GROUPS` are always there."""
    users: Annotated[tuple[User, ...], Field(min_length=1)]
    mailboxes: tuple[Mailbox, ...] = ()
    sites: tuple[Site, ...] = ()
    helpdesk: Helpdesk = field(default_factory=Helpdesk)
    conditional_access: ConditionalAccess = field(default_factory=ConditionalAccess)
    nested: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Group name to the names of the groups that are members of it."""

    @property
    def digest(self) -> str:
        """The same for the same content, whatever the file's comments and spacing."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def read_tenant(path: Path | str = DEFAULT_FILE, line_of: LineOf | None = None) -> Tenant:
    """Raises `BadTenantError` with all that is wrong. `line_of` finds the line of a key in the text, if given."""
    path = Path(path)
    text = _text(path)

    def sentence(at: tuple[str | int, ...], meaning: str) -> str:
        line = line_of(text, at) if line_of else None
        return f"{path}, {f'line {line}, ' if line else ''}{_spoken(at)}: {meaning}"

    try:
        tenant = TypeAdapter(Tenant).validate_python(_parsed(path, text))
    except ValidationError as error:
        raise BadTenantError(
            tuple(sentence(fault["loc"], _meaning(fault)) for fault in _worth_telling(error))
        ) from None
    found = tuple(sentence(at, meaning) for at, meaning in _faults(tenant))
    if found:
        raise BadTenantError(found)
    return _completed(tenant)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadTenantError((f"{path}: the tenant file cannot be read: {reason}.",)) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadTenantError((f"{path}: this is not valid TOML: {error}.",)) from None
    except ValueError:  # Python reads no more than 4,300 digits
        raise BadTenantError((f"{path}: this is not valid TOML: a number is too long.",)) from None
    except RecursionError:
        raise BadTenantError((f"{path}: this is not valid TOML: brackets stand too deep in each other.",)) from None


def _spoken(at: tuple[str | int, ...]) -> str:
    """`("users", 3, "mail")` as "users, number 4, mail": people count from 1."""
    return ", ".join(f"number {part + 1}" if isinstance(part, int) else part for part in at) or "the file"


_MEANINGS = {
    "missing": "this is missing. Add it.",
    "bool_type": "write true or false, without quotation marks.",
    "string_type": "write a text in quotation marks.",
    "string_too_short": "this is empty. Write a text in quotation marks.",
    "string_pattern_mismatch": "this is empty. Write a text in quotation marks.",
    "tuple_type": "write a list in square brackets.",
    "too_short": "at least one is needed.",
    "dict_type": 'write a table of names and ids, as in helpdesk = "an id".',
}
_KEYS = {
    "users": User,
    "mailboxes": Mailbox,
    "sites": Site,
    "helpdesk": Helpdesk,
    "conditional_access": ConditionalAccess,
}


def _worth_telling(error: ValidationError) -> list[Any]:
    """A list whose items are all bad counts as too short as well; that is left out."""
    faults = error.errors()
    parents = {fault["loc"][:1] for fault in faults if len(fault["loc"]) > 1}
    return [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in parents]


def _meaning(fault: Any) -> str:
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        at = fault["loc"]
        keys = ", ".join(key.name for key in fields(_KEYS[str(at[0])] if len(at) > 1 else Tenant))
        return f"this key is not known. Write one of these instead, or take it out: {keys}."
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "dataclass_type":
        return f"write a table with keys, as in {f'[[{name}]]' if len(fault['loc']) > 1 else f'[{name}]'}."
    if fault["type"] == "tuple_type" and len(fault["loc"]) == 1:
        return f"write [[{name}]] above each of them, with two brackets on either side."
    return _MEANINGS.get(fault["type"], f"{fault['msg'][:1].lower()}{fault['msg'][1:]}.")


def _faults(tenant: Tenant) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield from _group_faults(tenant)
    seen: dict[str, int] = {}
    for number, user in enumerate(tenant.users):
        at = ("users", number)
        yield from _id_faults((*at, "id"), user.id)
        for key, value in (("id", user.id), ("upn", user.upn)):
            first = seen.setdefault(f"{key} {value.lower()}", number)
            if first != number:
                yield (*at, key), f"{value} is already user number {first + 1}. Give each user an own {key}."
        yield from _address_faults((*at, "upn"), user.upn)
        if user.mail:
            yield from _address_faults((*at, "mail"), user.mail)
        for name in user.groups:
            if name not in tenant.groups:
                yield (*at, "groups"), f"{name} is not in [groups]. Write one of: {', '.join(tenant.groups)}."
        for method in user.methods:
            if not re.fullmatch(r"[A-Za-z0-9]{1,60}", method):
                yield (*at, "methods"), f"{method!r} is not a method. Write, for example: {', '.join(_METHODS[:4])}."
    for number, mailbox in enumerate(tenant.mailboxes):
        yield from _address_faults(("mailboxes", number, "address"), mailbox.address)
    for number, site in enumerate(tenant.sites):
        yield from _address_faults(("sites", number, "mailbox"), site.mailbox)
        first = seen.setdefault(f"ods {site.ods.upper()}", number)
        if first != number:
            yield (
                ("sites", number, "ods"),
                f"{site.ods} is already site number {first + 1}. Give each site an own code.",
            )
        for owner in site.owners:
            yield from _address_faults(("sites", number, "owners"), owner)
    if tenant.helpdesk.team:
        yield from _id_faults(("helpdesk", "team"), tenant.helpdesk.team)
    if tenant.helpdesk.mailbox:
        yield from _address_faults(("helpdesk", "mailbox"), tenant.helpdesk.mailbox)
    yield from _id_faults(("conditional_access", "policy"), tenant.conditional_access.policy)


def _group_faults(tenant: Tenant) -> Iterator[tuple[tuple[str | int, ...], str]]:
    strange = [name for name in tenant.groups if name not in GROUPS]
    for name in GROUPS:
        if name not in tenant.groups:
            meant = get_close_matches(name, strange, n=1)
            hint = f"{meant[0]} looks like it: rename that." if meant else f'Add {name} = "the id of the group".'
            yield ("groups", name), f"this group is missing. {hint}"
    for name, value in tenant.groups.items():
        yield from _id_faults(("groups", name), value)
    for name, within in tenant.nested.items():
        for one in (name, *within):
            if one not in tenant.groups:
                yield ("nested", name), f"{one} is not in [groups]. Write one of: {', '.join(tenant.groups)}."


def _id_faults(at: tuple[str | int, ...], value: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not ID.fullmatch(value):
        yield at, f"{value!r} cannot be an id. Write a GUID, or letters, digits, dots, underscores and hyphens."


def _address_faults(at: tuple[str | int, ...], value: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not re.fullmatch(r"[^@\s/]+@[^@\s/]+", value):
        yield at, f"{value!r} is not an address. Write one as in anna.baker@nhs.example."


def _completed(tenant: Tenant) -> Tenant:
    """Fills in what the file left out. Graph takes ids in either case, so ids are kept in small letters."""
    groups = {name: value.lower() for name, value in tenant.groups.items()}
    users = tuple(
        replace(user, id=user.id.lower(), mail=user.mail or user.upn, methods=tuple(map(_method, user.methods)))
        for user in tenant.users
    )
    helpdesk = Helpdesk(
        (tenant.helpdesk.team or groups["helpdesk"]).lower(), tenant.helpdesk.mailbox or _sender(tenant)
    )
    access = ConditionalAccess(tenant.conditional_access.policy.lower())
    return replace(tenant, groups=groups, users=users, helpdesk=helpdesk, conditional_access=access)


def _method(name: str) -> str:
    """As Graph spells it; its full type name is understood too."""
    name = re.sub("(?i:AuthenticationMethod)$", "", name)
    return next((known for known in _METHODS if known.lower() == name.lower()), name)


def _sender(tenant: Tenant) -> str:
    of_sites = {site.mailbox.lower() for site in tenant.sites}
    spare = [mailbox.address for mailbox in tenant.mailboxes if mailbox.address.lower() not in of_sites]
    return spare[0] if spare else f"helpdesk@{tenant.users[0].upn.rpartition('@')[2]}"


def directory_role(tenant: Tenant) -> str:
    """The id of the directory role that privileged users hold."""
    return str(uuid5(NAMESPACE_URL, f"{tenant.tenant_id}/helpdesk-administrator"))
