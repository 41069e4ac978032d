"""How the engine writes down what became of a job, so that no job is left behind as if it still ran."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

log = structlog.get_logger(__name__)
TRIES = 6
"""The last one about half a minute after the first: by then the worker itself starts again."""


class Keeper(JobManager):
    """The engine's own manager of jobs, but for two ends of a job that it leaves to whoever uses it."""

    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """A job that cannot wait again, because the same effect was wanted meanwhile and waits already, is let go.

        The engine would fail here, and the job would hold its lane for ever.
        """
        retry = super().retry_job_by_id_async
        try:
            await _patiently(lambda: retry(job_id, retry_at, priority, queue, lock), job_id)
        except UniqueViolation:
            log.info("the same job waits already", job=job_id)
            await self.finish_job_by_id_async(job_id, Status.FAILED, delete_job=True)

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        finish = super().finish_job_by_id_async
        await _patiently(lambda: finish(job_id, status, delete_job), job_id)


async def _patiently(write: Callable[[], Awaitable[None]], job_id: int) -> None:
    """Tries again where the database is away for a moment; the engine would not, and the job would run for ever."""
    for tried in range(1, TRIES + 1):
        try:
            await write()
        except UniqueViolation:
            raise
        except ConnectorException as error:
            if tried == TRIES:
                raise
            log.warning("the end of a job was not written", job=job_id, error=str(error.__cause__ or error))
            await asyncio.sleep(2 ** (tried - 1))
        else:
            return
