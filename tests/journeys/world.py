"""The whole program as a process of its own, and people who talk to it over HTTP as Teams would."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from sandbox.tenant import DEFAULT_FILE, Tenant, read_tenant
from tests.builders import ROOT
from tests.microsoft import Answer, Channel, Connector, File, Files, Login, Person, Signing, Teams

_PREFIX = "/uk"


def free_port() -> int:
    """Below those that the system gives to whoever connects somewhere: one of them may be taken a moment later."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


class Program:
    """One process of `app.py`; with `command`, another part of it than `serve`."""

    def __init__(
        self, environment: Mapping[str, str], port: int, log: Path, command: tuple[str, ...] = ("serve", "--no-seats")
    ) -> None:
        self._command = command
        self.url = f"http://127.0.0.1:{port}"
        self._environment = dict(environment) | {"PORT": str(port)}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "app.py", *self._command, "--sandbox",
                cwd=ROOT, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(40), aiohttp.ClientSession() as session:
            while True:
                if self._process.returncode is not None:
                    raise AssertionError(f"the program stopped: {self._log.read_text()[-3000:]}")
                try:
                    async with session.get(f"{self.url}/healthz"):
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    async def stop(self) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), 30)

    async def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def log(self) -> str:
        return self._log.read_text()


class World:
    """`async with World() as world`: the program with a fresh database and a tenant, and Teams beside it."""

    def __init__(
        self,
        tenant_file: Path = DEFAULT_FILE,
        policy_file: Path | None = None,
        more: Mapping[str, str] | None = None,
        command: tuple[str, ...] = ("serve", "--no-seats"),
    ) -> None:
        """`more` are further settings of the program; `command` is what its first process does."""
        self.tenant: Tenant = read_tenant(tenant_file)
        self.connector = Connector(Login())
        self.connector.require_token = False
        self.files = Files()
        self._stack = AsyncExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="mfa-"))
        self._sandbox = f"http://127.0.0.1:{(port := free_port())}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.environment = kept | {
            "DATA_DIR": str(self.folder),
            "SANDBOX_PORT": str(port),
            "SANDBOX_TENANT": str(tenant_file),
            **({"MFA_POLICY": str(policy_file)} if policy_file else {}),
            **(more or {}),
        }
        self.program = self.another_program(*command)
        self.channel = Channel("19:decisions@thread.tacv2", "19:team@thread.tacv2", self.tenant.helpdesk.team)

    @property
    def book_url(self) -> str:
        """The embedded database."""
        return f"postgresql://postgres:@/postgres?host={self.folder}/pg"

    def another_program(self, *command: str) -> Program:
        """A second process on the same database and tenant; start it yourself."""
        log = self.folder / "program.log"
        return Program(self.environment, free_port(), log, command or ("serve", "--no-seats"))

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.add_routes([*self.connector.routes(_PREFIX), *self.files.routes()])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.files.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        service_url = f"{self.files.base}{_PREFIX}/"
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        )
        self.teams = Teams("bot", service_url, Signing(), lambda: self._session)
        self.teams.tenant_id = self.tenant.tenant_id
        await self.program.start()
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        await self.program.stop()
        await self._stack.aclose()
        shutil.rmtree(self.folder, ignore_errors=True)

    def person(self, name: str) -> Person:
        """Somebody of the tenant, by name or the beginning of the name or UPN."""
        exact = [one for one in self.tenant.users if one.name == name]
        user = next(one for one in exact or self.tenant.users if one.name.startswith(name) or one.upn.startswith(name))
        return Person(user.name, user.id)

    def seat(self, name: str, where: Channel | None = None, *, program: Program | None = None) -> "Seat":
        return Seat(self, self.person(name), where, program or self.program)

    async def helpdesk_channel(self) -> None:
        """The app is added to the helpdesk's team."""
        answer = await self.post(self.teams.installed(self.person(self.agent), self.channel))
        assert answer.status == 200, answer.text

    @property
    def agent(self) -> str:
        return next(user.name for user in self.tenant.users if "helpdesk" in user.groups)

    async def post(self, activity: Any, program: Program | None = None) -> Answer:
        return await self.teams.post(f"{(program or self.program).url}/api/messages", activity, token="")

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, f"{self._sandbox}/sandbox/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None

    def card_in_channel(self, words: str) -> tuple[str, Any]:
        """The newest card in the helpdesk's channel that says so: its id, and the card as it is now."""
        calls = [call for call in self.connector.sent if call.conversation_id.startswith(self.channel.channel_id)]
        for call in reversed(calls):
            for activity_id, message in self.connector.showing(call.conversation_id).items():
                if words in str(message):
                    return activity_id, message
        raise AssertionError(f"the channel does not say {words!r}")

    async def change_members(self, name: str, action: str = "add", **more: str) -> str:
        """Somebody changes the group of short exemptions in Entra, behind the bot's back; gives the account's id."""
        entra_id = self.person(name).entra_id
        await self.sandbox("POST", "members", {"group": "exempt_short", "user": entra_id, "action": action, **more})
        return entra_id

    async def advance(self, duration: str) -> None:
        await self.sandbox("POST", "clock", {"advance": duration})

    async def members(self, group: str = "exempt_short") -> set[str]:
        url = f"{self._sandbox}/v1.0/groups/{self.tenant.groups[group]}/members"
        found: set[str] = set()
        while url:
            async with self._session.get(url, headers={"Authorization": "Bearer test"}) as answer:
                page = await answer.json()
            found |= {one["id"] for one in page["value"]}
            url = page.get("@odata.nextLink", "")
        return found

    async def set_clock(self, moment: str) -> None:
        """Sets the clock, and waits until every process follows it: they look each second."""
        await self.sandbox("POST", "clock", {"set": moment})
        await asyncio.sleep(2)

    async def members_are(self, wanted: set[str], group: str = "exempt_short") -> bool:
        return await self.members(group) == wanted

    async def mails_to(self, address: str, number: int) -> bool:
        """Whether so many e-mails have come to this address."""
        return len([mail for mail in await self.sandbox("GET", "mail") if mail["to"] == [address]]) == number

    async def mail_to(self, address: str) -> Any:
        """The newest e-mail to this address; None where there is none."""
        mails = [mail for mail in await self.sandbox("GET", "mail") if mail["to"] == [address]]
        return mails[-1] if mails else None

    async def fault(self, **fault: Any) -> None:
        await self.sandbox("POST", "faults", fault)

    def in_channel(self) -> str:
        """Everything that the helpdesk's channel shows now, as text."""
        shown = {
            call.conversation_id: self.connector.showing(call.conversation_id)
            for call in self.connector.sent
            if call.conversation_id.startswith(self.channel.channel_id)
        }
        return "\n".join(text_of(message) for thread in shown.values() for message in thread.values())


async def until(true: Callable[[], Any], seconds: float = 40) -> Any:
    """Waits until something is so, and gives it; coroutines are awaited."""
    async with asyncio.timeout(seconds):
        while True:
            value = true()
            value = await value if asyncio.iscoroutine(value) else value
            if value:
                return value
            await asyncio.sleep(0.05)


def text_of(value: Any) -> str:
    """All words of a message or card, a line each."""
    if isinstance(value, dict):
        own = [str(value[key]) for key in ("text", "title", "value", "label") if isinstance(value.get(key), str)]
        return "\n".join(filter(None, [*own, *(text_of(part) for key, part in value.items() if key != "fallback")]))
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_of, value)))
    return ""


def buttons_of(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if str(value.get("type", "")).startswith("Action.") else []
        return own + [one for key, part in value.items() if key != "fallback" for one in buttons_of(part)]
    return [one for part in value for one in buttons_of(part)] if isinstance(value, list) else []


class Seat:
    """One person at Teams, in their own chat or in a channel."""

    def __init__(self, world: World, person: Person, where: Channel | None, program: Program) -> None:
        self.world = world
        self.person = person
        self.where = where
        self.program = program
        self.answer: Answer | None = None

    @property
    def shown(self) -> dict[str, dict[str, Any]]:
        conversation = self.where.conversation_id if self.where else self.person.chat_id
        return self.world.connector.showing(conversation)

    @property
    def text(self) -> str:
        """What the last message says."""
        return text_of(list(self.shown.values())[-1]) if self.shown else ""

    @property
    def all_text(self) -> str:
        return "\n".join(text_of(message) for message in self.shown.values())

    def shows(self, words: str) -> bool:
        return words in self.all_text

    async def say(self, text: str) -> str:
        """Types a message; gives what the last message in the chat says then."""
        self.answer = await self.world.post(self.world.teams.message(text, self.person, self.where), self.program)
        return self.text

    async def send_files(self, *files: File, text: str = "") -> str:
        """Sends files in this person's own chat."""
        self.answer = await self.world.post(self.world.teams.files(*files, text=text, sender=self.person), self.program)
        return self.text

    async def press(
        self, title: str, *, submit: bool = False, card_id: str = "", card: Any = None, **inputs: str
    ) -> str:
        """Presses a button of the last card that has it; gives what is then shown in its place, or said."""
        card_id, button = self._button(title, card_id, card)
        teams = self.world.teams
        data = button["data"] | inputs
        build = teams.submit if submit else teams.execute
        activity = build(button["data"]["verb"], data, self.person, self.where, card_id)
        self.answer = await self.world.post(activity, self.program)
        assert self.answer.status == 200, self.answer.text
        if submit:
            return self.text
        value = self.answer.body["value"]
        return value if isinstance(value, str) else text_of(value)

    def _button(self, title: str, card_id: str, card: Any) -> tuple[str, dict[str, Any]]:
        places = [(card_id, card)] if card is not None else list(reversed(self.shown.items()))
        for place, message in places:
            for button in buttons_of(message):
                if button["title"] == title and place in ("", card_id or place):
                    return place, button
        raise AssertionError(f"no button {title!r}; there are {[b['title'] for _, m in places for b in buttons_of(m)]}")
