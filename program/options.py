"""What can be typed after `python app.py`."""

import argparse
from pathlib import Path

from adapters import audit_command


def typed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="The MFA exceptions bot for NHSmail.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer Teams and do the work that is due")
    serve.add_argument("--sandbox", action="store_true", help="try it out: a pretend tenant, on this machine only")
    serve.add_argument("--no-seats", action="store_true", help="with --sandbox: do not open seats in the Playground")
    serve.add_argument("--no-jobs", action="store_true", help="only answer Teams; others do the work")
    worker = commands.add_parser("worker", help="only do the work that is due; Teams cannot speak to it")
    worker.add_argument("--sandbox", action="store_true", help="work for the pretend tenant")
    worker.set_defaults(no_seats=True, no_jobs=False)
    migrated = commands.add_parser("migrate", help="bring the database's tables up to this version")
    migrated.add_argument("--role", metavar="NAME", help="let this role do what serve needs, and no more")
    audit_command.add_options(commands)
    evidence = commands.add_parser("evidence", help="look after the evidence").add_subparsers(
        dest="what", required=True
    )
    evidence.add_parser("rotate-keys", help="wrap every request's key anew with the first of EVIDENCE_KEYS")
    _person_options(commands)
    _pack_options(commands)
    reconcile = commands.add_parser("reconcile", help="compare the exemption groups in Entra with the book, both ways")
    reconcile.add_argument("--dry-run", action="store_true", help="only show what is found and what would be done")
    reconcile.add_argument("--most-removals", metavar="N", type=int, help="act on up to so many at once, this time")
    reconcile.add_argument("--sandbox", action="store_true", help="ask the pretend tenant")
    watchdog = commands.add_parser("watchdog", help="end overdue exceptions even if the workers are dead")
    watchdog.add_argument("--once", action="store_true", help="look once, instead of until stopped")
    watchdog.add_argument("--sandbox", action="store_true", help="watch the pretend tenant")
    sites = commands.add_parser("sites", help="look after the register of sites").add_subparsers(
        dest="what", required=True
    )
    imported = sites.add_parser("import", help="compare the register with a file, and bring it up to the file")
    imported.add_argument("file", metavar="FILE.csv", type=Path, help="columns ods,name,mailbox,owners,...")
    imported.add_argument("--apply", action="store_true", help="make the changes; otherwise they are only shown")
    imported.add_argument("--sandbox", action="store_true", help="ask the pretend tenant")
    _package_options(commands)
    return parser.parse_args(arguments)


def _package_options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    packed = commands.add_parser("package", help="write the package that is uploaded to Teams")
    packed.add_argument("--out", metavar="FILE.zip", type=Path, default=Path("mfa-exceptions.zip"))
    packed.add_argument("--bot-id", metavar="ID", help="the bot's app id in Entra; otherwise MicrosoftAppId")
    packed.add_argument(
        "--host-name", dest="host", metavar="NAME", help="the bot's public name; otherwise PUBLIC_URL's"
    )
    packed.add_argument("--developer", metavar="NAME", help="the organisation that runs the bot")
    packed.add_argument("--website", metavar="URL", help="the page where people find help")
    packed.add_argument("--privacy", metavar="URL", help="the page that says how personal data is handled")
    packed.add_argument("--terms", metavar="URL", help="the page with the terms of use")
    packed.add_argument("--package-version", dest="version", metavar="X.Y.Z", default="1.0.0", help="default 1.0.0")
    packed.add_argument("--app-id", metavar="ID", help="the app's id in Teams; otherwise made from the bot's id")
    packed.add_argument("--resource", metavar="URI", help="the application id URI; otherwise api://NAME/botid-ID")


def _person_options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    person = commands.add_parser("person", help="what is kept about one person").add_subparsers(
        dest="what", required=True
    )
    export = person.add_parser("export", help="write all of it into a file, for a subject access request")
    export.add_argument("person", metavar="ID_OR_ADDRESS", help="the Entra id or the e-mail address")
    export.add_argument("--out", metavar="FILE.json", type=Path, required=True, help="a new file")
    erase = person.add_parser("erase", help="erase what need not stay")
    erase.add_argument("person", metavar="ID_OR_ADDRESS", help="the Entra id or the e-mail address")
    erase.add_argument("--yes", action="store_true", help="do it; otherwise it is only shown")


def _pack_options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pack = commands.add_parser("pack", help="document a year's exceptions for the Data Security and Protection Toolkit")
    pack.add_argument("--from", dest="first", metavar="DATE", required=True, help="the first day, as 2026-04-01")
    pack.add_argument("--to", dest="last", metavar="DATE", required=True, help="the last day, included")
    pack.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder that is empty or not there yet")
    pack.add_argument("--answers", action="store_true", help="open the sealed answers about risk and replacement")
