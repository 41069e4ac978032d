"""Wraps the program's seams from outside, so that each way in and out is a named step. The product knows nothing of it.

A seam that is gone fails here, when it is wrapped, or in the test that looks whether each one was passed.
"""

import functools
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import httpx
from aiohttp import web
from procrastinate import App
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from sqlalchemy import Connection, Engine, event

from adapters import sandbox_clock
from adapters.jobs import keeper
from adapters.jobs.keeper import Keeper
from bot.gateway.gateway import Gateway
from bot.gateway.pipeline import PooledSender
from services import pace
from tests.crash.steps import during

Step = Callable[[str, str, str], None]
EXPECTED = frozenset(
    f"{seam}:{moment}"
    for seam in ("commit", "write", "graph", "teams", "answer", "finish")
    for moment in ("before", "after")
) | {"taken:after"}
_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)|\s*SELECT (procrastinate_defer_jobs)", re.I)
_ID = re.compile(r"[0-9a-fA-F-]{36}|.*[@:;%].*|17\d{11}")
WRITTEN = "crash-test-written"


def wrap(step: Step, worker_is: Callable[[int], None]) -> None:
    """`worker_is` is told the id of the job engine's worker in this process."""
    _database(step)
    _around(httpx.AsyncHTTPTransport, "handle_async_request", "graph", step, lambda request: _shape(request.url.path))
    _around(PooledSender, "send", "teams", step, lambda request: _shape(request.http_request.url), _method)
    _answers(step)
    _jobs(step, worker_is)


def hurry() -> None:
    """What looks round every few seconds looks round each second, the second look at a dead worker is soon, and a chat
    takes more, so that a run is short.

    No other time is changed.
    """
    sandbox_clock.EVERY = 0.2
    keeper.AGAIN = 0.2
    more = tuple(replace(one, most=one.most * 100, burst=one.burst * 100) for one in pace._CONVERSATION)
    pace._CONVERSATION = more  # type: ignore[assignment]
    periodic = App.periodic

    @functools.wraps(periodic)
    def each_second(self: App, *, cron: str, **more: Any) -> Any:
        return periodic(self, cron="* * * * * *" if len(cron.split()) == 6 else cron, **more)

    App.periodic = each_second  # type: ignore[assignment,method-assign]


def _database(step: Step) -> None:
    """A transaction is one step when it is committed; a statement outside a transaction is one by itself."""

    def table(statement: str) -> str:
        found = _WRITES.match(statement)
        return (found[1] or "jobs") if found else ""

    def alone(connection: Connection) -> bool:
        return connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"

    def before(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        name = table(statement)
        if name and alone(connection):
            step("write", "before", name)
        elif name:
            connection.info.setdefault(WRITTEN, set()).add(name)

    def after(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        name = table(statement)
        if name and alone(connection):
            step("write", "after", name)

    def rolled_back(connection: Connection) -> None:
        connection.info.pop(WRITTEN, None)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "rollback", rolled_back)
    commit = Connection._commit_impl

    @functools.wraps(commit)
    def committed(self: Connection) -> None:
        names = "+".join(sorted(self.info.pop(WRITTEN, ())))
        if names:
            step("commit", "before", names)
        commit(self)
        if names:
            step("commit", "after", names)

    Connection._commit_impl = committed  # type: ignore[method-assign]


def _around(
    owner: type[Any],
    name: str,
    seam: str,
    step: Step,
    what: Callable[[Any], str],
    method: Callable[[Any], str] = lambda request: str(request.method),
) -> None:
    """One step before and one after a call that takes a request."""
    call: Callable[..., Awaitable[Any]] = getattr(owner, name)

    @functools.wraps(call)
    async def around(self: Any, request: Any, *more: Any, **named: Any) -> Any:
        label = f"{method(request)} {what(request)}"
        step(seam, "before", label)
        answer = await call(self, request, *more, **named)
        step(seam, "after", label)
        return answer

    setattr(owner, name, around)


def _method(request: Any) -> str:
    return str(request.http_request.method)


def _shape(address: str) -> str:
    """The path without the ids in it: `groups/-/members/$ref`."""
    path = address.split("?")[0].split("/v1.0/")[-1].split("/v3/")[-1]
    return "/".join("-" if _ID.fullmatch(part) else part for part in path.split("/"))


def _answers(step: Step) -> None:
    messages, write_eof = Gateway.messages, web.Response.write_eof

    @functools.wraps(messages)
    async def answered(self: Gateway, request: web.Request) -> web.Response:
        during.set("turn")
        answer = await messages(self, request)
        step("answer", "before", "messages")
        answer["of a turn"] = True
        return answer

    @functools.wraps(write_eof)
    async def written(self: web.Response, data: bytes = b"") -> None:
        await write_eof(self, data)
        if "of a turn" in self:
            step("answer", "after", "messages")

    Gateway.messages = answered  # type: ignore[method-assign]
    web.Response.write_eof = written  # type: ignore[method-assign]


def _jobs(step: Step, worker_is: Callable[[int], None]) -> None:
    process, fetch, register = Worker._process_job, JobManager.fetch_job, JobManager.register_worker

    @functools.wraps(process)
    async def named(self: Worker, context: Any) -> None:
        during.set(_job(context.job))
        await process(self, context)

    @functools.wraps(fetch)
    async def taken(self: JobManager, *more: Any, **given: Any) -> Any:
        job = await fetch(self, *more, **given)
        if job is not None:
            token = during.set(_job(job))
            step("taken", "after", "job")
            during.reset(token)
        return job

    @functools.wraps(register)
    async def registered(self: JobManager) -> int:
        number = await register(self)
        worker_is(number)
        return number

    Worker._process_job = named  # type: ignore[method-assign]
    JobManager.fetch_job = taken  # type: ignore[method-assign]
    JobManager.register_worker = registered  # type: ignore[method-assign]
    for name, seam in (("finish_job", "finish"), ("retry_job", "retry")):
        setattr(Keeper, name, _stepped(getattr(Keeper, name), seam, step))


def _stepped(call: Callable[..., Coroutine[Any, Any, Any]], seam: str, step: Step) -> Callable[..., Any]:
    @functools.wraps(call)
    async def stepped(*more: Any, **named: Any) -> Any:
        step(seam, "before", "job")
        answer = await call(*more, **named)
        step(seam, "after", "job")
        return answer

    return stepped


def _job(job: Any) -> str:
    return str(job.task_kwargs.get("effect") or job.task_name)
