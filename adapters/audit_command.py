"""`python app.py audit`: verify, anchor and export, on the database that DATABASE_URL names."""

import argparse
import json
import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.audit_export import export
from adapters.database import migrate
from adapters.database.audit import AuditReader, Wanted, reading
from adapters.policy_file import BadFileError
from domain import reference
from domain.chain import START, Checked, Head, check, moment
from domain.site import code_of


def add_options(commands: Any) -> None:
    """`commands` is what argparse gives for subcommands."""
    audit = commands.add_parser("audit", help="prove, check and hand out what was done")
    what = audit.add_subparsers(dest="what", required=True)
    verify = what.add_parser("verify", help="find what was changed, removed, inserted or reordered")
    verify.add_argument("--anchor", type=Path, metavar="FILE", help="compare with what was written down there")
    anchor = what.add_parser("anchor", help="write down where the chain ends now, in a file outside")
    anchor.add_argument("file", type=Path, metavar="FILE")
    out = what.add_parser("export", help="entries with what proves them, and a script that checks it")
    out.add_argument("--request", metavar="REF", help="of one request")
    out.add_argument("--person", metavar="ID_OR_ADDRESS", help="by or about one person")
    out.add_argument("--site", metavar="ODS", help="of one site and its requests")
    out.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="from this time on, as 2026-11-24")
    out.add_argument("--to", dest="before", type=_moment, metavar="TIME", help="before this time")
    out.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    out.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that is empty or not there yet")


def run(options: argparse.Namespace, url: str) -> int:
    """The exit status: 0; 1 where something was found, or nothing to export. Raises as `app.main` expects. Blocking."""
    if options.what == "verify":
        return _verify(url, _anchors(options.anchor) if options.anchor else [])
    if options.what == "anchor":
        return _anchor(url, options.file)
    return _export(url, options)


def _verify(url: str, anchors: list[tuple[str, Head]]) -> int:
    status = 0
    with reading(url) as audit:
        heads = audit.heads()
        for tenant_id in sorted({*heads, *(tenant_id for tenant_id, _ in anchors)}):
            seen = Checked()
            mine = [head for tenant, head in anchors if tenant == tenant_id]
            for finding in check(audit.links(tenant_id), heads.get(tenant_id), mine, _asker(audit, tenant_id), seen):
                status = 1
                _say(finding.sentence)
            if not seen.findings:
                _say(_whole(tenant_id, seen.head, len(mine)))
        if not heads and not anchors:
            _say("The audit has no entries yet.")
    return status


def _asker(audit: AuditReader, tenant_id: str) -> Any:
    return lambda hashes: audit.known(tenant_id, hashes)


def _whole(tenant_id: str, head: Head, anchors: int) -> str:
    checked = f" {anchors} anchors fit." if anchors else ""
    tenant = f" of tenant {tenant_id}" if tenant_id else ""
    return f"The audit{tenant} is whole: {head.number} entries, the last with the hash {head.hash}.{checked}"


def _anchor(url: str, file: Path) -> int:
    with reading(url) as audit:
        heads = {tenant_id: head or Head(0, START) for tenant_id, head in audit.heads().items()}
    time = moment(datetime.now(UTC))
    lines = [
        json.dumps({"time": time, "tenant_id": tenant_id, "number": head.number, "hash": head.hash})
        for tenant_id, head in heads.items()
    ]
    try:
        with file.open("a", encoding="utf-8") as anchors:
            anchors.write("".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise BadFileError((f"{file}: cannot be written: {error.strerror}.",)) from None
    for head in heads.values():
        _say(f"Written down: {head.number} entries, the last with the hash {head.hash}.")
    return 0


def _anchors(file: Path) -> list[tuple[str, Head]]:
    found = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFileError((f"{file}: cannot be read: {error}.",)) from None
    for number, line in enumerate(lines, 1):
        try:
            one = json.loads(line)
            found.append((str(one["tenant_id"]), Head(int(one["number"]), str(one["hash"]), str(one["time"]))))
        except (ValueError, KeyError, TypeError):
            raise BadFileError((f"{file}, line {number}: this is not an anchor.",)) from None
    return [one for one in found if one[1].number]


def _export(url: str, options: argparse.Namespace) -> int:
    asked = {name: getattr(options, name) for name in ("request", "person", "site", "since", "before")}
    if not any(asked.values()):
        raise BadFileError(("Say what to export: --request, --person, --site, --from or --to.",))
    make_folder(options.out)
    about = {
        "about": {name: moment(one) if isinstance(one, datetime) else one for name, one in asked.items() if one},
        "program": program(),
        "tables": migrate.head(),
    }
    with reading(url) as audit:
        wanted = _wanted(options, audit)
        done = export(audit, wanted, form=options.format, out=options.out, at=datetime.now(UTC), about=about)
    _say(f"{done.entries} entries are in {options.out}. The manifest's SHA-256 is {done.manifest}.")
    return 0 if done.entries else 1


def _wanted(options: argparse.Namespace, audit: AuditReader) -> Wanted:
    ref = reference.read(options.request) if options.request else ""
    if ref is None:
        raise BadFileError((f"{options.request} is not a reference: write it as MFA-7K3Q-9XDM.",))
    site = code_of(options.site) if options.site else ""
    if options.site and not site:
        raise BadFileError((f"{options.site} is not an ODS code.",))
    return Wanted(ref, _people(options.person, audit), site or "", options.since, options.before)


def _people(given: str | None, audit: AuditReader) -> tuple[str, ...]:
    if not given:
        return ()
    if "@" not in given:
        return (given.strip().lower(),)
    found = audit.people(given.strip())
    if not found:
        raise BadFileError((f"Nobody had the address {given} in a request or at a site: give the Entra object id.",))
    return found


def make_folder(folder: Path) -> None:
    """What is in it is about people: nobody else on the machine reads it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise BadFileError((f"{folder}: cannot be used: {error.strerror}.",)) from None
    if taken:
        raise BadFileError((f"{folder}: is not empty. Give a folder that is empty or not there yet.",))


def _moment(text: str) -> datetime:
    """An ISO 8601 date or time; UTC where it names no zone."""
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        raise argparse.ArgumentTypeError(f"“{text}” is not a time: write 2026-11-24 or 2026-11-24T09:00:00Z")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not a time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def program() -> str:
    """The program's name and version."""
    try:
        with (Path(__file__).resolve().parents[1] / "pyproject.toml").open("rb") as file:
            project = tomllib.load(file)["project"]
    except OSError:
        return "mfa-exceptions-bot"
    return f"{project['name']} {project['version']}"


def _say(sentence: str) -> None:
    print(sentence, flush=True, file=sys.stdout)  # noqa: T201  # the command line speaks here
