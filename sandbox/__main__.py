"""Runs the pretend tenant alone: `python -m sandbox`. It reads SANDBOX_TENANT, HOST, SANDBOX_PORT and DATA_DIR."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.server import DEFAULT_PORT, Sandbox, SandboxError
from sandbox.tenant import DEFAULT_FILE, BadTenantError, read_tenant


def _from_environment(environment: Mapping[str, str]) -> Sandbox:
    port = environment.get("SANDBOX_PORT") or str(DEFAULT_PORT)
    if not port.isdecimal():
        raise SandboxError(f"SANDBOX_PORT is {port!r}. Write a number, as in {DEFAULT_PORT}.")
    tenant = read_tenant(Path(environment.get("SANDBOX_TENANT") or DEFAULT_FILE))
    data_dir = Path(environment.get("DATA_DIR") or "var")
    return Sandbox(tenant, data_dir, environment.get("HOST") or "127.0.0.1", int(port))


async def _serve() -> None:
    sandbox = _from_environment(os.environ)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await sandbox.start()
    sys.stdout.write(f"The pretend tenant is at {sandbox.url}/sandbox\n")
    sys.stdout.flush()
    try:
        await stopped.wait()
    finally:
        await sandbox.close()


def main() -> int:
    """0 when it was asked to stop, 2 when it could not start."""
    try:
        asyncio.run(_serve())
    except (BadTenantError, SandboxError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
