"""A small tenant to test with, and builders of tenant files."""

import json
from pathlib import Path
from typing import Any

from sandbox.tenant import Tenant, read_tenant

HELPDESK, LEADS, SHORT, LONG = "group-helpdesk", "group-leads", "group-short", "group-long"
GROUPS = {"helpdesk": HELPDESK, "leads": LEADS, "exempt_short": SHORT, "exempt_long": LONG}


def person(id: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "upn": f"{id}@nhs.example", **more}


PEOPLE = [
    person("anna", "Anna Baker", mail="anna.baker@nhs.example", methods=["password", "microsoftAuthenticator"]),
    person("zoe", "Zoë Fernández-Wójcik", methods=["password", "phone", "fido2"]),
    person("siobhan", "Siobhan O'Neill") | {"upn": "siobhan.o'neill@nhs.example"},
    person("farah", "Farah Aziz", enabled=False),
    person("gareth", "Gareth Lloyd", privileged=True, groups=["helpdesk"]),
    person("meera", "Meera Patel", groups=["helpdesk", "leads"]),
    person("cher", "Cher"),
]


def content(**changes: Any) -> dict[str, Any]:
    """What a tenant file says, with `changes`; a key that is changed to None is left out."""
    whole = {
        "tenant_id": "a-tenant",
        "groups": GROUPS,
        "users": PEOPLE,
        "mailboxes": [
            {"address": "mfa@nhs.example"},
            {"address": "riverside@nhs.example", "purpose": "shared"},
            {"address": "room7@nhs.example", "purpose": "room"},
        ],
        "sites": [
            {"ods": "ZZ901", "name": "Riverside", "mailbox": "riverside@nhs.example", "owners": ["anna@nhs.example"]}
        ],
        "helpdesk": {"team": HELPDESK, "mailbox": "mfa@nhs.example"},
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def toml(values: dict[str, Any]) -> str:
    """Texts, flags, lists, tables and lists of tables, as a person would write them."""
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lists = {key: value for key, value in values.items() if _is_tables(value)}
    lines = [f"{key} = {_written(value)}" for key, value in values.items() if key not in tables | lists]
    for key, table in tables.items():
        lines += ["", f"[{key}]", *(f"{name} = {_written(value)}" for name, value in table.items())]
    for key, items in lists.items():
        for item in items:
            lines += ["", f"[[{key}]]", *(f"{name} = {_written(value)}" for name, value in item.items())]
    return "\n".join(lines) + "\n"


def file(folder: Path, **changes: Any) -> Path:
    path = folder / "tenant.toml"
    path.write_text(toml(content(**changes)), encoding="utf-8")
    return path


def tenant(folder: Path, **changes: Any) -> Tenant:
    return read_tenant(file(folder, **changes))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON's texts, flags, numbers and lists are TOML's
