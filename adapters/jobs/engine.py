"""The job engine, procrastinate: performs effects, sweeps what is due and takes up the jobs of dead workers."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy

from adapters.database.engine import session_settings
from adapters.jobs.keeper import Keeper, was_set_back
from adapters.jobs.orders import QUEUE, TASK, effect_of
from domain.effects import Effect
from domain.errors import PutOff, Throttled, Trouble
from services.pace import FARTHEST, LONGEST_PAUSE

log = structlog.get_logger(__name__)

LONGEST_WAIT = timedelta(minutes=5)
SHORTER = {"End": timedelta(seconds=30), "Grant": timedelta(minutes=1)}
"""However long Entra was away: when it is back, what is overdue is tried soon, and an end not after a new grant."""
Perform = Callable[[Effect, int], Awaitable[None]]
"""Carries out an effect; the number is how often it was tried before. Raises `Trouble` to be tried again."""


def wait_before(
    attempts: int, retry_after: timedelta | None, spread: float, longest: timedelta = LONGEST_WAIT
) -> timedelta:
    """How long to wait after `attempts` failures: 2 s, 4 s, 8 s ... `longest`, or longer where that was asked for.

    But no longer than everybody pauses. `spread` (0 to 1) takes up to a quarter off our own wait, so that replicas do
    not all come back at once.
    """
    own = min(timedelta(seconds=2.0 ** min(attempts, 10)), longest) * (1 - spread / 4)
    return max(own, min(retry_after or timedelta(0), LONGEST_PAUSE))


class _TryAgain(BaseRetryStrategy):
    """An effect is tried again until it has happened or is no longer wanted; it is never given up here.

    Only what failed counts as an attempt: waits grow with it, and the helpdesk is alarmed by it. What this process
    hands back when it stops may have begun, so it does not count as new either.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        if isinstance(exception, PutOff) and exception.retry_after is not None:
            # A moment of its own already. In a long line, one asks again before it comes.
            return self._keeper.later(job, min(exception.retry_after, FARTHEST), job.attempts)
        if isinstance(exception, asyncio.CancelledError):
            return self._keeper.later(job, timedelta(0), max(job.attempts, 1))  # this process stops: another goes on
        if isinstance(exception, Throttled) and exception.retry_after is not None:
            # When all others do, too: later, an end would be behind the grants that were put off meanwhile.
            return self._keeper.later(job, min(exception.retry_after, LONGEST_PAUSE), job.attempts + 1)
        asked = exception.retry_after if isinstance(exception, Trouble) else None
        spread = random.random()  # noqa: S311  # jitter is no secret
        attempts, longest = job.attempts + 1, SHORTER.get(str(job.task_kwargs.get("effect")), LONGEST_WAIT)
        return self._keeper.later(job, wait_before(attempts, asked, spread, longest), attempts)


COMPARING = "comparing"
"""A queue of its own: processes of a version that does not compare do not take these jobs."""


def make_engine(
    url: str, perform: Perform, sweep: Callable[[], Awaitable[None]], compare: Callable[[], Awaitable[None]]
) -> App:
    """`url` is a libpq URL. `sweep` and `compare` are called every few seconds, each in one process at a time."""
    connector = PsycopgConnector(conninfo=url, kwargs=session_settings(url), min_size=1, max_size=6, timeout=10)
    app = App(connector=connector)
    app.job_manager = keeper = Keeper(connector)

    @app.task(name=TASK, queue=QUEUE, retry=_TryAgain(keeper), pass_context=True)
    async def _perform(context: JobContext, /, **args: str) -> None:
        assert context.job is not None
        await perform(effect_of(args), context.job.attempts)

    @app.periodic(cron="* * * * * */3", periodic_id="sweep")
    @app.task(name="sweep", queue=QUEUE, lock="sweep", queueing_lock="sweep", priority=50)
    async def _sweep(timestamp: int) -> None:  # noqa: ARG001  # the engine gives it
        try:
            await sweep()
        except Trouble as trouble:
            log.warning("sweep put off", message=trouble.message)

    @app.periodic(cron="* * * * * */10", periodic_id="compare")
    @app.task(name="compare", queue=COMPARING, lock="compare", queueing_lock="compare", priority=10)
    async def _compare(timestamp: int) -> None:  # noqa: ARG001
        await compare()

    @app.periodic(cron="* * * * * */10", periodic_id="stalled")
    @app.task(name="take_up_stalled", queue=QUEUE, queueing_lock="take_up_stalled", priority=50, pass_context=True)
    async def _take_up_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        assert context.job is not None
        try:
            await keeper.forget_the_old_clock()
            for job in await keeper.jobs_of_the_dead(context.job.worker_id):
                log.warning("job taken up again", job=job.id, task=job.task_name)
                await keeper.retry_job(job)
        except ConnectorException as error:
            log.warning("jobs of dead workers not taken up", error=str(error.__cause__ or error))

    return app


AHEAD = 60.0
"""Seconds by which the machine's clock may go ahead within one look at it, unnoticed."""


async def clock_jumped(
    wall: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Returns when the machine's clock was set back or is far ahead, as after a sleep of the machine or the process.

    The engine would not sweep again until the clock is where it was, or would first make up for each second that was
    missed; one that is started anew goes by the new time.
    """
    was, stood = wall(), steady()
    while True:
        await sleep(1.0)
        now, stands = wall(), steady()
        if now - was > AHEAD or was_set_back(now - was, stands - stood):
            log.warning("the clock jumped", seconds=round(now - was))
            return
        was, stood = now, stands


LONG_DEAD = 24 * 3600.0
"""Seconds without a heartbeat after which a worker that starts forgets another one. A live one that is forgotten can
take no more jobs, and those that it does are taken up."""
LONGEST_REST = 10.0
"""Seconds until a worker that ended is started again."""


async def work(app: App) -> None:
    """Works until cancelled.

    The engine's worker ends, with or without an error, when the database is away for long; then, and when the clock
    jumped, another one is started.
    """
    failures = 0
    while True:
        started = time.monotonic()
        try:
            await _work_once(app)
        except Exception:
            log.exception("the worker failed")
        log.warning("the worker stopped and is started again")
        failures = 0 if time.monotonic() - started > LONGEST_WAIT.total_seconds() else failures + 1
        await asyncio.sleep(min(LONGEST_REST, 2**failures))


async def _work_once(app: App) -> None:
    """Until the worker ends or the clock jumps.

    Without a task group: one whose tasks fail while it is cancelled raises their errors and loses the cancellation.
    """
    keeper = app.job_manager
    assert isinstance(keeper, Keeper)
    keeper.stopping.clear()
    await app.close_async()  # a start that failed leaves a pool that is of no use
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE, COMPARING],
                concurrency=8,
                delete_jobs="successful",
                install_signal_handlers=False,
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=10,
                stalled_worker_timeout=LONG_DEAD,
            )
        )
        clock = asyncio.create_task(clock_jumped())
        try:
            await asyncio.wait({worker, clock}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            keeper.hurry()
            clock.cancel()
            worker.cancel()  # only once: a second time, it would not wait for the jobs that still run
            ends = asyncio.gather(worker, clock, return_exceptions=True)
            try:
                await asyncio.shield(ends)  # a stop that comes meanwhile would be the second time
            finally:
                for end in await ends:
                    if isinstance(end, Exception):
                        log.error("the worker failed", exc_info=end)
