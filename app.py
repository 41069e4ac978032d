"""The command line: `python app.py --help`."""

import os
import signal
import sys

if __name__ == "__main__" and sys.argv[1:2] in (["serve"], ["worker"]):
    # The kernel drops a signal to process 1 of a container that has no handler for it, and `asked_to_stop` has one only
    # after seconds. Until then the real bot has begun nothing. Of other commands nobody may believe that they are done.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import argparse
import asyncio

from adapters import audit_command
from adapters.database import migrate, roles
from adapters.policy_file import BadFileError
from adapters.settings import BadSettingsError, read_keys, read_real, read_sandboxed
from bot.log import set_up
from domain.errors import Trouble
from program import ROOT, beside, pretend, real
from program.bot import Role
from program.options import typed
from sandbox.tenant import BadTenantError
from texts import BadTexts


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, or 2 where the settings or files cannot be used; each fault is then a sentence on stderr."""
    options = typed(arguments)
    try:
        return asyncio.run(_command(options))
    except (BadSettingsError, BadFileError, BadTenantError, BadTexts) as bad:
        for sentence in bad.sentences:
            print(sentence, file=sys.stderr)  # noqa: T201  # the command line speaks here
        return 2
    except Trouble as trouble:
        what = "Cannot start" if options.command in ("serve", "worker") else "This did not work"
        print(f"{what}: {trouble.message}.", file=sys.stderr)  # noqa: T201
        return 2


async def _command(options: argparse.Namespace) -> int:
    security_log = os.environ.get("SECURITY_LOG_FILE", "").strip()
    try:
        set_up(security_log=security_log)
    except OSError as error:
        raise BadSettingsError((f"SECURITY_LOG_FILE: {security_log} cannot be written: {error.strerror}.",)) from None
    if options.command == "migrate":
        await asyncio.to_thread(migrate.migrate, beside.wanted_database())
        if options.role:
            await asyncio.to_thread(roles.grant, beside.wanted_database(), options.role)
        return 0
    if options.command == "audit":
        return await asyncio.to_thread(audit_command.run, options, beside.wanted_database())
    if options.command == "evidence":
        return await beside.rotate_keys(beside.wanted_database(), read_keys(os.environ))
    if options.command == "person":
        return await beside.person(beside.wanted_database(), options)
    if options.command == "pack":
        return await beside.pack(beside.wanted_database(), options)
    if options.command == "sites":
        return await beside.sites(options.file, apply=options.apply, sandbox=options.sandbox)
    if options.command == "reconcile":
        return await beside.reconcile(options)
    if options.command == "watchdog":
        return await beside.watchdog(options)
    if options.command == "package":
        return beside.package(options)
    role = Role(answers=options.command == "serve", works=not options.no_jobs)
    if options.sandbox:
        return await pretend.serve(read_sandboxed(os.environ, ROOT), role, seats=not options.no_seats)
    return await real.serve(read_real(os.environ, ROOT), role)


if __name__ == "__main__":
    sys.exit(main())
