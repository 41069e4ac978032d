"""A long-term exception's whole life, exported: every fact is there, and anybody can check that nothing was touched."""

import asyncio
import csv
import json
import os
import shutil
import sys
from collections.abc import Callable
from hashlib import scrypt, sha256
from pathlib import Path
from typing import Any

from domain.correlation import Change, correlation_id
from tests.builders import ROOT
from tests.journeys import long_term as steps
from tests.journeys.world import World, until


async def run(folder: Path, *command: str, **environ: str) -> tuple[int, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=folder, env=kept | environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def audit(world: World, *arguments: str) -> str:
    status, said = await run(ROOT, "app.py", "audit", *arguments, DATABASE_URL=world.book_url)
    assert status == 0, said
    return said


async def check(folder: Path, *arguments: str) -> tuple[int, str]:
    """With the script that is in the export and nothing else."""
    return await run(folder, "-I", "verify.py", *arguments)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "entries.jsonl").read_text().splitlines()]


async def test_a_long_exception_can_be_proved_from_the_export_alone(world: World, tmp_path: Path) -> None:
    await world.set_clock("2027-02-02T10:00:00Z")  # 150 days on is a Friday morning
    reference, bilal, helen, agent = await steps.granted(world)
    code = await steps.code_for(world, reference)
    anna = world.seat("Anna Baker")
    for press in ("I lost my phone", "For me", "Send request"):
        await (anna.say(press) if press.startswith("I ") else anna.press(press))
    await world.advance("P150D")
    await until(lambda: "renew it now" in helen.all_text)
    await audit(world, "anchor", str(tmp_path / "anchors.jsonl"))
    await world.advance("P30DT1M")
    await until(lambda: "has ended" in bilal.all_text and "has ended" in helen.all_text)
    calls = await world.sandbox("GET", "calls")
    assert "is whole" in await audit(world, "verify", "--anchor", str(tmp_path / "anchors.jsonl"))
    out = tmp_path / "out"
    await audit(world, "export", "--request", reference.lower(), "--out", str(out))

    found = lines(out)
    assert {one["reference"] for one in found} == {reference}
    by_what: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        by_what.setdefault(one["what"], []).append(one)
    asked = by_what["asked"][0]
    chidi = world.person("Chidi Okafor").entra_id
    assert asked["by_id"] == bilal.person.entra_id
    assert (asked["details"]["subject"], asked["details"]["site"]) == (chidi, steps.SITE)
    accepted = by_what["code_accepted"][0]
    assert accepted["by_id"] == helen.person.entra_id
    issued = [one for one in by_what["code_issued"] if "digest" in one["details"]]
    assert accepted["details"]["digest"] in {one["details"]["digest"] for one in issued}
    salt = bytes.fromhex(accepted["details"]["salt"])
    assert scrypt(code.encode(), salt=salt, n=2**14, r=8, p=1).hex() == accepted["details"]["digest"]
    given = by_what["evidence_given"][0]
    assert given["by_id"] == helen.person.entra_id
    assert len(given["details"]["sha256"]) == 64
    assert by_what["read"][0]["by_id"] == agent.person.entra_id
    approved = by_what["approved"][0]
    assert approved["by_id"] == agent.person.entra_id
    assert approved["policy_version"]
    grant = by_what["grant_confirmed"][0]["details"]["correlation_id"]
    end = by_what["end_confirmed"][0]["details"]["correlation_id"]
    assert (grant, end) == (correlation_id(reference, Change.ADD), correlation_id(reference, Change.REMOVE))
    notices = [one["details"] for one in by_what["notice"]]
    assert [one for one in notices if ":reminder:" in one["notice"] and one["to"] == helen.person.entra_id]
    assert [one for one in notices if one["way"] == "mail" and one["to"] == steps.MAILBOX]
    text = (out / "entries.jsonl").read_text()
    for answer in steps.ANSWERS.values():
        assert answer not in text
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["entries"], manifest["about"]) == (len(found), {"request": reference.lower()})
    assert manifest["chains"][0]["tenant_id"] == world.tenant.tenant_id
    assert "MFA-" not in (out / "proof.jsonl").read_text()
    assert await check(out) == await check(out, "--anchor", "../anchors.jsonl")
    assert (await check(out))[0] == 0

    sent = [call for call in calls if call["path"].endswith("/$ref")]
    assert [call["client-request-id"] for call in sent] == [grant, end]
    told = [json.loads(line) for line in world.program.log().splitlines() if '"stream": "security"' in line]
    assert [(one["event"], one["change"], one["correlation_id"]) for one in told] == [
        ("expected", "add", grant),
        ("expected", "remove", end),
    ]
    assert told[0]["approved_by"] == agent.person.entra_id

    for name, touch in TOUCHES.items():
        copy = tmp_path / "copies" / name
        shutil.copytree(out, copy)
        touch(copy)
        status, said = await check(copy)
        assert status == 1, name
        assert "manifest names" in said, name
        _agree(copy)
        status, said = await check(copy)
        assert status == 1, f"{name}: a manifest that agrees does not help: {said}"
    cut = tmp_path / "copies" / "anchored"
    shutil.copytree(out, cut)
    anchor = json.loads((tmp_path / "anchors.jsonl").read_text()) | {"hash": "0" * 64}
    (cut / "anchors.jsonl").write_text(json.dumps(anchor) + "\n")
    status, said = await check(cut, "--anchor", "anchors.jsonl")
    assert (status, "the anchor of" in said) == (1, True)

    for arguments in (("--person", "chidi.okafor@nhs.example"), ("--person", agent.person.entra_id),
                      ("--site", steps.SITE.lower()), ("--from", "2020-01-01", "--to", "2099-01-01")):  # fmt: skip
        name = "".join(arguments).strip("-")
        await audit(world, "export", *arguments, "--format", "csv", "--out", str(tmp_path / name))
        assert (await check(tmp_path / name))[0] == 0
        with (tmp_path / name / "entries.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert reference in {row["reference"] for row in rows}
    assert {row["reference"] for row in rows} > {reference}, "sites are in the audit, too"


def _change(folder: Path, change: Callable[[list[dict[str, Any]]], object], name: str = "entries.jsonl") -> None:
    rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    change(rows)
    (folder / name).write_text("".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows))


def _agree(folder: Path) -> None:
    """Makes the manifest say what the files are now."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, described in manifest["files"].items():
        described["sha256"] = sha256((folder / name).read_bytes()).hexdigest()
    manifest["entries"] = len((folder / "entries.jsonl").read_text().splitlines())
    (folder / "manifest.json").write_text(json.dumps(manifest))


TOUCHES: dict[str, Callable[[Path], None]] = {
    "changed": lambda folder: _change(folder, lambda rows: rows[3].update(by_id="somebody else")),
    "changed_detail": lambda folder: _change(folder, lambda rows: rows[0]["details"].update(reason="other")),
    "removed": lambda folder: _change(folder, lambda rows: rows.pop(2)),
    "inserted": lambda folder: _change(folder, lambda rows: rows.insert(2, rows[1])),
    "reordered": lambda folder: _change(folder, lambda rows: rows.insert(2, rows.pop(3))),
    "last_removed": lambda folder: _change(folder, lambda rows: rows.pop()),
    "proof": lambda folder: _change(folder, lambda rows: rows[0].update(digest="0" * 64), "proof.jsonl"),
}
