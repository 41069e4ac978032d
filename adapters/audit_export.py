"""An export of the audit: entries, what proves that they are unchanged, a manifest, and a script that checks it all."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from adapters.database.audit import AuditReader, Wanted
from domain.chain import Link, digest, moment

COLUMNS = (
    "number", "id", "at", "tenant_id", "reference", "what", "by_id", "activity", "policy_version", "details",
    "previous", "hash",
)  # fmt: skip
CHECKER = Path(__file__).with_name("verify.py")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""What a spreadsheet may take for the beginning of a formula; and the apostrophe, so that ours can be told."""


@dataclass(frozen=True, slots=True)
class Exported:
    entries: int
    manifest: str
    """The SHA-256 of the manifest, which holds that of every other file."""


def export(
    audit: AuditReader, wanted: Wanted, *, form: str, out: Path, at: datetime, about: Mapping[str, Any]
) -> Exported:
    """Writes into the empty folder `out`; the manifest last, so without one an export is not complete. Blocking.

    `form` is `jsonl` or `csv`; `about` goes into the manifest: what was asked for, and which version wrote it.
    """
    count, chains = 0, []
    name = f"entries.{form}"
    with (_jsonl if form == "jsonl" else _csv)(out / name) as entry, _jsonl(out / "proof.jsonl") as proof:
        for tenant_id in audit.heads():
            first: Link | None = None
            last: Link | None = None
            for link, is_wanted in _marked(audit, tenant_id, wanted):
                first = first or link
                last = link
                if is_wanted:
                    count += 1
                    entry({**link.content, "number": link.number, "previous": link.previous, "hash": link.hash})
                else:
                    proof({"tenant_id": tenant_id, "number": link.number, "digest": digest(link.content)})
            if first and last:
                chains.append(
                    {
                        "tenant_id": tenant_id,
                        "first": first.number,
                        "previous": first.previous,
                        "number": last.number,
                        "hash": last.hash,
                    }
                )
    (out / CHECKER.name).write_bytes(CHECKER.read_bytes())
    manifest = {
        **about,
        "time": moment(at),
        "format": form,
        "entries": count,
        "chains": chains,
        "files": {one: described(out / one) for one in (name, "proof.jsonl", CHECKER.name)},
        "check": f"python {CHECKER.name}",
    }
    written = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    (out / "manifest.json").write_bytes(written)
    return Exported(count, sha256(written).hexdigest())


def _marked(audit: AuditReader, tenant_id: str, wanted: Wanted) -> Iterator[tuple[Link, bool]]:
    """Every entry from the first one that is wanted, and whether it is wanted itself."""
    numbers = iter(audit.wanted(tenant_id, wanted))
    following = next(numbers, None)
    if following is None:
        return
    for link in audit.links(tenant_id, after=following - 1):
        is_wanted = link.number == following
        yield link, is_wanted
        if is_wanted:
            following = next(numbers, None)


Write = Callable[[Mapping[str, Any]], None]


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def write(row: Mapping[str, Any]) -> None:
            file.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")

        yield write


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)

        def write(row: Mapping[str, Any]) -> None:
            writer.writerow([cell(row[name]) for name in COLUMNS])

        yield write


def cell(value: Any) -> str:
    """As text; what a spreadsheet would take for a formula has an apostrophe in front."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def described(path: Path) -> dict[str, Any]:
    """For a manifest: how long a file is, and its SHA-256."""
    found, size = sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
            size += len(block)
    return {"sha256": found.hexdigest(), "bytes": size}
