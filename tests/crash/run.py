"""One run of a journey: a database of its own, replicas that are killed and started again, and Teams beside them."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import psycopg
from aiohttp import web

from tests.crash.grounds import Grounds, Lane, answers
from tests.crash.steps import KILL_AT, RECORD, killed, recorded
from tests.journeys.world import Program, Seat, World, free_port, text_of
from tests.microsoft import Answer, Channel, Signing, Teams

T = TypeVar("T")
_PREFIX = "/uk"
_numbers = itertools.count(1)
HEARD = "This has been received already."
BEGINNING = "2026-10-06T09:30:00Z"
"""A Tuesday morning, in each run: what depends on working hours is then the same in all of them."""
PATIENCE = 40
"""Seconds until a process that was killed must answer again."""


class Run(World):
    """`async with Run(...) as run`: a `World` whose processes may die at any moment.

    Whoever talks to it does as Teams does: what was not answered is sent again, with the same id.
    """

    def __init__(
        self,
        grounds: Grounds,
        lane: Lane,
        *,
        replicas: int = 1,
        kill_at: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(Path(lane.environment["SANDBOX_TENANT"]))
        self.folder.rmdir()
        self.folder = lane.folder
        self._grounds, self._lane = grounds, lane
        self._settings = dict(settings or {})
        self._sandbox = lane.sandbox
        self._name = f"run{next(_numbers)}"
        self.record = lane.folder / f"{self._name}.steps"
        self.kill_at = tuple(kill_at)
        self.begins = 0
        """How many steps lead up to the journey, which other journeys have, too."""
        self.ports = [free_port() for _ in range(replicas)]
        self._turn = itertools.cycle(self.ports)
        self._guards: list[asyncio.Task[None]] = []
        self._up = {port: asyncio.Event() for port in self.ports}
        self._log = lane.folder / f"{self._name}.log"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.add_routes([*self.connector.routes(_PREFIX), *self.files.routes()])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.files.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        )
        self.teams = Teams("bot", f"{self.files.base}{_PREFIX}/", Signing(), lambda: self._session)
        self.teams.tenant_id = self.tenant.tenant_id
        async with self._session.post(f"{self._sandbox}/sandbox/reset") as answer:
            assert answer.status == 204
        await self.sandbox("POST", "clock", {"set": BEGINNING})
        self.database = await self._grounds.fresh_database(self._name)
        self._guards = [asyncio.create_task(self._kept_running(port)) for port in self.ports]
        try:
            await self._watched(self._all_up())
            await self.helpdesk_channel()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        for guard in self._guards:
            guard.cancel()
        ended = await asyncio.gather(*self._guards, return_exceptions=True)
        async with AsyncExitStack() as rest:
            rest.push_async_callback(self._grounds.drop, self._name)
            rest.push_async_callback(self._stack.aclose)
            for one in ended:
                if isinstance(one, Exception):
                    raise one

    async def _kept_running(self, port: int) -> None:
        """Starts the replica, and starts it again when it was killed at a step; any other end is an error."""
        forker = self._lane.forker
        environment = {
            **self._lane.environment,
            **self._settings,
            "PORT": str(port),
            "DATABASE_URL": self.database,
            "FILE_HOSTS": self.files.base.removeprefix("http://"),
            RECORD: str(self.record),
            KILL_AT: "\n".join(self.kill_at),
        }
        pid = 0
        try:
            while True:
                before = len(killed(self.record))
                pid = await forker.start(environment, self._log)
                while pid not in forker.ended:
                    if not self._up[port].is_set() and await answers(port):
                        self._up[port].set()
                    await asyncio.sleep(0.02)
                self._up[port].clear()
                status = forker.ended[pid]
                if status != -signal.SIGKILL or len(killed(self.record)) == before:
                    raise AssertionError(f"a process ended by itself with {status}: {self.log()[-3000:]}")
                await asyncio.to_thread(self._heart_stopped, pid)  # psycopg would leave it open if it were cancelled
        finally:
            self._up[port].clear()
            if pid and pid not in forker.ended:
                with contextlib.suppress(ProcessLookupError):  # it has died at a step, and that is not known here yet
                    os.kill(pid, signal.SIGKILL)

    def _heart_stopped(self, pid: int) -> None:
        """Lets the time pass after which the job engine believes a worker dead. Only the dead one's time."""
        told = self.record.with_suffix(".workers")
        lines = told.read_text().splitlines() if told.exists() else []
        workers = [int(line.split()[1]) for line in lines if line.split()[0] == str(pid)]
        with psycopg.connect(self.database) as connection:
            connection.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour' WHERE id = ANY(%s)",
                (workers,),
            )

    async def _watched(self, wanted: Coroutine[Any, Any, T]) -> T:
        """Waits for it, and raises what went wrong where a process ended by itself."""
        waiting = asyncio.create_task(wanted)
        try:
            done, _ = await asyncio.wait(
                [waiting, *self._guards], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
            if waiting in done:
                return waiting.result()
            for guard in done:
                guard.result()
            raise AssertionError(f"the program does not answer: {self.log()[-3000:]}")
        finally:
            waiting.cancel()

    async def _all_up(self) -> None:
        for one in self._up.values():
            await one.wait()

    async def _somebody_up(self) -> int:
        """The port of the next replica that answers."""
        while True:
            for port in itertools.islice(self._turn, len(self.ports)):
                if self._up[port].is_set():
                    return port
            await asyncio.sleep(0.02)

    async def post(self, activity: Any, program: Program | None = None) -> Answer:
        """To one replica after the other. An activity that was not answered is sent again, as it was."""
        for _ in range(40):
            port = await self._watched(self._somebody_up())
            try:
                return await self.post_to(port, activity)
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
        raise AssertionError(f"an activity was never answered: {activity}")

    async def post_to(self, port: int, activity: Any) -> Answer:
        return await self.teams.post(f"http://127.0.0.1:{port}/api/messages", activity, token="")

    def seat(self, name: str, where: Channel | None = None, *, program: Program | None = None) -> "PatientSeat":
        return PatientSeat(self, self.person(name), where, self.program)

    async def nothing_waits(self) -> bool:
        """Whether every effect that was wanted has been carried out."""
        return await self.count("procrastinate_jobs WHERE task_name = 'perform' AND status IN ('todo', 'doing')") == 0

    async def accounts_looked_at(self) -> bool:
        """Whether the accounts of all exceptions that are on were looked at after they began."""
        return await self.count("requests WHERE state = 'active' AND looked_at <= starts_at") == 0

    async def compared(self) -> bool:
        """Whether Entra and the book were compared since the program started for the first time."""
        return await self.count("comparisons WHERE compared_at IS NOT NULL") > 0

    async def troubles(self) -> int:
        """How often a grant or an end was tried in vain."""
        return await self.count("audit WHERE what = 'trouble'")

    async def purged(self) -> bool:
        """Whether the evidence of every request is deleted."""
        return await self.count("requests WHERE purged_at IS NULL") == 0

    def has_given_up(self) -> bool:
        """Whether a notice may have gone out twice and so goes out no more, and the audit says so of each.

        At once, so that it can be asked when the time is over.
        """
        given_up = """
            SELECT count(*), count(*) FILTER (WHERE EXISTS (
                SELECT FROM audit WHERE what = 'not_delivered' AND details ->> 'notice' = key
                AND details ->> 'outcome' = 'unknown'
            )) FROM notices WHERE status = 'unknown'
        """
        with psycopg.connect(self.database) as connection:
            found = connection.execute(given_up).fetchone()
        assert found is not None
        return 0 < int(found[0]) == int(found[1])

    async def count(self, what: str) -> int:
        async with await psycopg.AsyncConnection.connect(self.database) as connection:
            found = await (await connection.execute(f"SELECT count(*) FROM {what}".encode())).fetchone()
        assert found is not None
        return int(found[0])

    def begin(self) -> None:
        """Here the journey begins: what came before only leads up to it."""
        self.begins = len(self.steps)

    @property
    def killed(self) -> list[str]:
        return killed(self.record)

    @property
    def steps(self) -> list[str]:
        return recorded(self.record)

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


class PatientSeat(Seat):
    """Somebody who, where a click was heard but its answer got lost, looks at what the card has become."""

    async def press(
        self, title: str, *, submit: bool = False, card_id: str = "", card: Any = None, **inputs: str
    ) -> str:
        place, _ = self._button(title, card_id, card)
        said = await super().press(title, submit=submit, card_id=card_id, card=card, **inputs)
        return text_of(self.shown.get(place, {})) if said == HEARD else said
