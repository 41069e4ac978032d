"""How the engine writes down what became of a job, so that no job is left behind as if it still ran."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from procrastinate import PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from adapters.jobs.orders import URGENT
from services.pace import FARTHEST

log = structlog.get_logger(__name__)
WAITS = (1, 2, 4, 8, 16)
"""Seconds between tries; the last one about half a minute after the first: by then the worker itself starts again."""
HURRY = 2.0
"""Seconds that a worker which stops waits for the database."""
SILENT, AGAIN = 18.0, 13.0
"""Seconds without a heartbeat after which a worker may be dead, and until the second look: by then a live one, which
beats every 10 seconds, has beaten again. A dead one's jobs go on after both, and up to 10 seconds until the first."""
SET_BACK = 5.0
"""Seconds by which a clock may go back unnoticed."""
FUTURE = timedelta(seconds=30)
"""A heartbeat so far in the future was written before the clock of the database was set back."""

# A job of nobody is one whose worker was believed dead; until somebody takes it up, it may still be written down.
_OURS = "id = %(job)s AND status = 'doing' AND (worker_id IS NULL OR worker_id = %(worker)s)"
_RETRY = f"""
    UPDATE procrastinate_jobs SET
        status = (CASE WHEN abort_requested THEN 'failed' ELSE 'todo' END)::procrastinate_job_status,
        attempts = %(attempts)s,
        scheduled_at = now() + %(wait)s
    WHERE {_OURS}
    RETURNING id
"""  # noqa: S608  # only the constant above is put in
_FINISH = f"""
    WITH ours AS (SELECT id FROM procrastinate_jobs WHERE {_OURS} FOR UPDATE)
    SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) FROM ours
"""  # noqa: S608

# Nobody takes the one that waits meanwhile: ours still holds the lane.
_HAND_ON = f"""
    WITH ours AS (SELECT queueing_lock FROM procrastinate_jobs WHERE {_OURS})
    UPDATE procrastinate_jobs AS one SET
        attempts = greatest(one.attempts, %(attempts)s),
        scheduled_at = CASE
            WHEN starts_with(one.lock, %(urgent)s) THEN one.scheduled_at
            ELSE greatest(one.scheduled_at, now() + %(wait)s)
        END
    FROM ours
    WHERE one.queueing_lock = ours.queueing_lock AND one.status = 'todo'
    RETURNING one.id
"""  # noqa: S608

# What the clock of the database said before it was set back is no longer to be waited for.
_DUE = """
    UPDATE procrastinate_jobs SET scheduled_at = now() WHERE id IN (
        SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at > now() + %(farthest)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""
_BEAT = "UPDATE procrastinate_workers SET last_heartbeat = now() WHERE last_heartbeat > now() + %(ahead)s RETURNING id"


def was_set_back(passed: float, really: float) -> bool:
    """`passed`: seconds by a clock; `really`: by one that nobody sets."""
    return really - passed >= SET_BACK


@dataclass(frozen=True, slots=True)
class _Again:
    wait: timedelta
    attempts: int


class Keeper(JobManager):
    """The engine's own manager of jobs, but for what it leaves to whoever uses it when a job is taken or ends.

    What becomes of a job is written only by whoever holds it: once somebody else has taken it up, it is theirs.
    """

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self.stopping = asyncio.Event()
        """From then on it only takes seconds: another process takes up what cannot be written."""
        self._pools = connector
        self._again: dict[int, _Again] = {}
        self._fetching: asyncio.Timeout | None = None
        self._looked_at: tuple[datetime, float] | None = None
        """The last look at the clock of the database: what it said, and when that was."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """None also where another worker has just taken a job of the same lane; the engine's worker would die of it.

        And where the database does not answer a worker that stops: it may have begun to wait before it was to hurry.
        """
        try:
            async with asyncio.timeout(None) as self._fetching:
                return await super().fetch_job(queues, worker_id)
        except (UniqueViolation, TimeoutError):
            return None
        finally:
            self._fetching = None

    async def forget_the_old_clock(self) -> None:
        """Where the clock of the database was set back: what waits for it to be where it was is due.

        Nobody is put off for longer than `FARTHEST`. A heartbeat of the future becomes one of now: a live worker beats
        again, and a dead one does not.
        """
        farthest = timedelta(0) if await self._was_set_back() else FARTHEST
        due = await self.connector.execute_query_all_async(_DUE, farthest=farthest)
        beaten = await self.connector.execute_query_all_async(_BEAT, ahead=FUTURE)
        if due or beaten:
            log.warning("the clock of the database was set back", jobs=len(due), workers=len(beaten))

    async def _was_set_back(self) -> bool:
        """Since this process last looked: what was put off since then comes too early, and finds that out itself."""
        [row] = await self.connector.execute_query_all_async("SELECT now() AS now")
        now, steady = row["now"], time.monotonic()
        before, self._looked_at = self._looked_at, (now, steady)
        return before is not None and was_set_back((now - before[0]).total_seconds(), steady - before[1])

    async def jobs_of_the_dead(self, own: int | None) -> list[Job]:
        """Those whose worker was silent in two looks, `AGAIN` apart; none of the worker `own`, which asks.

        One look is not enough: after the clock of the database went ahead, or writes stood still, all are silent.
        """
        first = await self._of_the_silent(own)
        if first:
            await self._rest(AGAIN)
        if not first or self.stopping.is_set():
            return []
        second = await self._of_the_silent(own)
        return [job for held, job in second.items() if held in first]

    async def _of_the_silent(self, own: int | None) -> dict[tuple[int | None, int | None], Job]:
        jobs = await self.get_stalled_jobs(seconds_since_heartbeat=SILENT)
        return {(job.id, job.worker_id): job for job in jobs if job.worker_id != own}

    def later(self, job: Job, wait: timedelta, attempts: int) -> RetryDecision:
        """A decision to try a job again after `wait`, as one that was tried `attempts` times.

        It goes around the engine, which hands on a moment by this process's clock and counts each try. Jobs are due by
        the clock of the database.
        """
        assert job.id is not None
        self._again[job.id] = _Again(wait, attempts)
        return RetryDecision()

    async def retry_job(self, job: Job, *_: object, **__: object) -> None:
        """As `later` has said; at once, and as one that was tried, where it has said nothing.

        A job that cannot wait again, because the same effect was wanted meanwhile and waits already, is let go. The
        engine would fail here, and the job would hold its lane for ever. The one that waits goes on as this one would
        have: what was tried is not new, and waits for its moment, but for a grant or an end.
        """
        assert job.id is not None
        again = self._again.pop(job.id, _Again(timedelta(0), max(job.attempts, 1)))
        try:
            await self._write(_RETRY, job, wait=again.wait, attempts=again.attempts)
        except UniqueViolation:
            log.info("the same job waits already", job=job.id)
            await self._write(_HAND_ON, job, wait=again.wait, attempts=again.attempts, urgent=URGENT)
            await self.finish_job(job, Status.FAILED, delete_job=True)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        await self._write(_FINISH, job, status=status.value, delete_job=delete_job)

    def hurry(self) -> None:
        self.stopping.set()
        self._pools.pool.timeout = HURRY
        if self._fetching:
            self._fetching.reschedule(asyncio.get_running_loop().time() + HURRY)

    async def _write(self, query: str, job: Job, **values: Any) -> None:
        """Tries again where the database is away for a moment; the engine would not, and the job would run for ever."""
        for wait in (*WAITS, None):
            try:
                written = await self.connector.execute_query_all_async(
                    query, job=job.id, worker=job.worker_id, **values
                )
            except UniqueViolation:
                raise
            except ConnectorException as error:
                if wait is None or self.stopping.is_set():
                    raise
                log.warning("the end of a job was not written", job=job.id, error=str(error.__cause__ or error))
                await self._rest(wait)
            else:
                if not written:
                    log.info("the job is another worker's by now", job=job.id)
                return

    async def _rest(self, seconds: float) -> None:
        """No longer than until it is stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
