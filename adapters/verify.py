"""Checks an export of the audit. Needs Python 3.9 or newer and nothing else: no network, no database, none of our code.

    python verify.py [FOLDER] [--anchor FILE]

Exit status 0: everything fits. 1: something does not, a sentence for each. 2: the export cannot be read.

What is checked:

1.  Each file is the one in manifest.json (SHA-256).
2.  Each entry has its own hash. The digest of an entry is the SHA-256 of its content as JSON in UTF-8: the fields
    activity, at, by_id, details, id, policy_version, reference, tenant_id and what, keys sorted, no spaces, nothing
    escaped but quotation marks, backslashes and control characters. Its hash is the SHA-256 of its digest, followed
    by the hash of the entry before it, both written as 64 hexadecimal digits.
3.  The entries and the digests of those between them, which proof.jsonl gives without their contents, make one
    chain from the first exported entry to the end in manifest.json.
4.  With --anchor: that chain has the hashes that were written down in that file outside, at the time.
"""

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTENT = ("activity", "at", "by_id", "details", "id", "policy_version", "reference", "tenant_id", "what")


def digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chained(content_digest: str, previous: str) -> str:
    return hashlib.sha256((content_digest + previous).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """A cell that a spreadsheet would take for a formula has an apostrophe in front, which is no part of it."""
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for cells in csv.DictReader(file):
            row: dict[str, Any] = {name: cell[1:] if cell.startswith("'") else cell for name, cell in cells.items()}
            row.update(number=int(row["number"]), id=int(row["id"]), details=json.loads(row["details"]))
            yield row


def check(folder: Path, anchors: list[dict[str, Any]]) -> Iterator[str]:
    """Gives what is wrong, a sentence each."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, wanted in manifest["files"].items():
        path = folder / Path(name).name
        if not path.is_file():
            yield f"{name} is missing."
        elif sha256_of(path) != wanted["sha256"]:
            yield f"{name} is not the file that the manifest names: it was changed."
    entries = folder / ("entries.csv" if manifest["format"] == "csv" else "entries.jsonl")
    rows = (rows_of if manifest["format"] == "csv" else lines_of)(entries)
    proof = lines_of(folder / "proof.jsonl")
    row, other, count = next(rows, None), next(proof, None), 0
    for chain in manifest["chains"]:
        tenant, last = chain["tenant_id"], chain["previous"]
        for number in range(chain["first"], chain["number"] + 1):
            if row and (row["tenant_id"], row["number"]) == (tenant, number):
                content = {name: row[name] for name in CONTENT}
                count += 1
                if chained(digest(content), row["previous"]) != row["hash"]:
                    yield f"Entry {number} (id {row['id']}) was changed: its hash is another one."
                elif row["previous"] != last:
                    yield f"Entry {number} (id {row['id']}) does not follow the entry before it."
                last, row = row["hash"], next(rows, None)
            elif other and (other["tenant_id"], other["number"]) == (tenant, number):
                last, other = chained(other["digest"], last), next(proof, None)
            else:
                yield f"Entry {number} was removed: it is neither in {entries.name} nor in proof.jsonl."
                return
            for anchor in anchors:
                if (anchor["tenant_id"], anchor["number"]) == (tenant, number) and anchor["hash"] != last:
                    yield f"Entry {number} is not the one in the anchor of {anchor['time']}."
        if last != chain["hash"]:
            yield f"The chain does not end in the hash that the manifest names for entry {chain['number']}."
        for anchor in anchors:
            if (
                anchor["tenant_id"] == tenant
                and anchor["number"] > chain["number"]
                and anchor["time"] <= manifest["time"]
            ):
                yield f"The chain ends before entry {anchor['number']}, which the anchor of {anchor['time']} counts."
    if row:
        yield f"Entry {row['number']} (id {row['id']}) was inserted, or is not in its place."
    if other:
        yield f"Line {other['number']} of proof.jsonl was inserted, or is not in its place."
    if count != manifest["entries"]:
        yield f"The manifest names {manifest['entries']} entries, and {count} were found in their places."


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks an export of the audit.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path())
    parser.add_argument("--anchor", type=Path, help="a file of anchors that was kept outside")
    options = parser.parse_args()
    found = False
    try:
        anchors = list(lines_of(options.anchor)) if options.anchor else []
        for sentence in check(options.folder, anchors):
            found = True
            print(sentence)
        manifest = json.loads((options.folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"The export cannot be read: {type(error).__name__}: {error}")
        return 1 if found else 2
    if found:
        return 1
    ends = "".join(f" The chain ends with entry {one['number']}, {one['hash']}." for one in manifest["chains"])
    print(f"{manifest['entries']} entries fit, and so does every file.{ends}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
