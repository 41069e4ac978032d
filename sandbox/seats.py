"""Seats in the Agents Playground, a chat client in the browser: a requester's and a helpdesk agent's by default.

Each seat is a process of its own, because the Playground knows one current user. They end with this process.
"""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import aiohttp

from sandbox.tenant import Tenant, User

CLI = Path("node_modules") / "@microsoft" / "m365agentsplayground" / "cli.js"
OTHERS = 5
"""The Playground wants exactly so many other people."""
_PR_SET_PDEATHSIG = 1
_PATIENCE = 40.0
"""Seconds that a seat may take to answer."""


class SeatsError(Exception):
    """The seats cannot be opened. The message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Seat:
    title: str
    user: User
    url: str


def requester_of(tenant: Tenant) -> User:
    """The first person who could ask for an exception and be granted one; else simply the first."""
    fit = [user for user in tenant.users if user.enabled and not user.privileged and not user.groups]
    core = [user for user in fit if {"microsoftAuthenticator", "phone"} & set(user.methods)]
    return (core or fit or list(tenant.users))[0]


def agent_of(tenant: Tenant) -> User:
    """The first member of the helpdesk; else the last person of the tenant."""
    agents = [user for user in tenant.users if "helpdesk" in user.groups]
    return (agents or list(reversed(tenant.users)))[0]


@dataclass(frozen=True, slots=True)
class Sitter:
    """Who shall have a seat. `title` says which; with `helpdesk`, they see the helpdesk's channel."""

    title: str
    user: User
    helpdesk: bool = False


def both(tenant: Tenant) -> tuple[Sitter, ...]:
    return (
        Sitter("Requester", requester_of(tenant)),
        Sitter("Helpdesk agent", agent_of(tenant), helpdesk=True),
    )


def config(tenant: Tenant, user: User, *, helpdesk: bool) -> dict[str, Any]:
    """The Playground's configuration of one seat. Only the agent's has the helpdesk's team."""
    others = [one for one in tenant.users if one.id != user.id][:OTHERS]
    people = [_account(one) for one in others]
    people += [_account(User(f"stand-in-{n}", f"Stand-in {n}", f"stand-in-{n}@x.example")) for n in range(OTHERS)]
    name = "helpdesk" if helpdesk else "ward"
    team = tenant.helpdesk.team if helpdesk else str(uuid5(NAMESPACE_URL, f"{tenant.tenant_id}/ward"))
    return {
        "version": "0.1.1",
        "tenantId": tenant.tenant_id,
        "bot": {"id": "28:mfa-exceptions", "name": "MFA exceptions"},
        "currentUser": _account(user),
        "users": people[:OTHERS],
        "personalChat": {"id": f"a:{name}-{user.id}"},
        "groupChat": {"id": f"19:{name}-group@thread.v2", "name": "Group chat"},
        "team": {
            "id": f"19:{name}@thread.tacv2",
            "name": "NHSmail Helpdesk" if helpdesk else "Ward 7",
            "aadGroupId": team,
            "channels": [{"id": f"19:{name}-mfa@thread.tacv2", "name": "MFA exceptions" if helpdesk else "Rota"}],
        },
    }


def _account(user: User) -> dict[str, str]:
    given, _, family = user.name.partition(" ")
    return {
        "id": f"29:{user.id}",
        "name": user.name,
        "userPrincipleName": user.upn,
        "aadObjectId": user.id,
        "givenName": given or user.name,
        "surname": family or user.name,
        "email": user.mail or user.upn,
    }


class Seats:
    def __init__(self) -> None:
        self.seats: list[Seat] = []
        self._processes: list[asyncio.subprocess.Process] = []

    async def open(
        self,
        tenant: Tenant,
        sitters: Sequence[Sitter],
        endpoint: str,
        root: Path,
        folder: Path,
        say: Callable[[str], None],
        first_port: int,
    ) -> Sequence[Seat]:
        """Starts them all and waits until they answer. Raises `SeatsError`. `close` stops whatever was started."""
        node = shutil.which("node")
        if node is None:
            raise SeatsError("Node.js is not installed, so there is no Playground. Install Node.js 20 or newer.")
        if not (root / CLI).exists():
            raise SeatsError("The Playground is not set up. Run “make setup”, then start again.")
        for number, one in enumerate(sitters):
            say(f"Opening a seat for the {one.title.lower()} ...")
            port = first_port + number
            content = json.dumps(config(tenant, one.user, helpdesk=one.helpdesk))
            await self._start(node, root, folder / one.title.lower().replace(" ", "-"), content, endpoint, port)
            seat = Seat(one.title, one.user, f"http://127.0.0.1:{port}")
            if one.helpdesk:
                await _add_to_team(json.loads(content), seat.url, port)
            self.seats.append(seat)
        return self.seats

    async def _start(self, node: str, root: Path, folder: Path, content: str, endpoint: str, port: int) -> None:
        path = folder / "playground.yml"  # JSON is YAML
        await asyncio.to_thread(_write, path, content)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with (folder / "playground.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                node, str((root / CLI).resolve()), "start", "-e", endpoint, "-c", "msteams", "-p", str(port),
                "--disable-telemetry",
                cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=kept | {"TEAMSAPPTESTER_BROWSER": "none", "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(path)},
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )  # fmt: skip
        self._processes.append(process)
        await _answers(process, port, folder / "playground.log")

    async def close(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def _answers(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(_PATIENCE), aiohttp.ClientSession() as session:
            while process.returncode is None:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/"):
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
    except TimeoutError:
        raise SeatsError(f"The Playground does not answer on port {port}. See {log}.") from None
    raise SeatsError(f"The Playground stopped: is port {port} taken? See {log}.")


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


async def _add_to_team(settings: dict[str, Any], url: str, port: int) -> None:
    """The Playground only tells the bot of the personal chat, so it is made to tell of the helpdesk's channel too."""
    team, channel, user = settings["team"], settings["team"]["channels"][0], settings["currentUser"]
    activity = {
        "type": "installationUpdate",
        "action": "add",
        "id": f"added-{channel['id']}",
        "channelId": "msteams",
        "serviceUrl": f"http://localhost:{port}/_connector",
        "from": {"id": user["id"], "name": user["name"], "aadObjectId": user["aadObjectId"]},
        "recipient": settings["bot"],
        "conversation": {"id": channel["id"], "conversationType": "channel", "isGroup": True},
        "channelData": {
            "tenant": {"id": settings["tenantId"]},
            "team": {"id": team["id"], "name": team["name"], "aadGroupId": team["aadGroupId"]},
            "channel": {"id": channel["id"]},
            "settings": {"selectedChannel": {"id": channel["id"]}},
        },
    }
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
        session.post(f"{url}/_internal/v1/customActivities", json=activity) as answer,
    ):
        if answer.status >= 300:
            raise SeatsError(
                f"The Playground did not pass on that the bot is in the helpdesk's team ({answer.status})."
            )


def _end_with_parent() -> None:
    """In the child, before it runs: it ends when its parent does, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
