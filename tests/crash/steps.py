"""The named steps of a run, counted over all its processes in one file, and the ones at which a process is killed."""

import fcntl
import os
import signal
from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path

RECORD, KILL_AT = "CRASH_RECORD", "CRASH_KILL_AT"
KILLED = "\tkilled"
during: ContextVar[str] = ContextVar("during", default="start")
"""What the step belongs to: the start, a turn, or a kind of job."""


class Steps:
    """In the program under test: each call writes a step down, and kills this process at a step that is wanted."""

    def __init__(self, record: Path, kill_at: Iterable[str]) -> None:
        self._file = os.open(record, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._kill_at = frozenset(kill_at)
        self._read = 0
        """How much of the file is counted already."""
        self._passed: Counter[str] = Counter()

    def __call__(self, seam: str, moment: str, what: str) -> None:
        name = f"{during.get()} {seam}:{moment}:{what}"
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            new = os.pread(self._file, os.fstat(self._file).st_size - self._read, self._read)
            self._read += len(new)
            self._passed.update(map(kind, new.decode().splitlines()))
            step = f"{name}#{self._passed[name] + 1}"
            killed = step in self._kill_at
            os.write(self._file, f"{step}{KILLED * killed}\n".encode())
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)


def recorded(record: Path) -> list[str]:
    """The steps of a run, in order."""
    lines = record.read_text().splitlines() if record.exists() else []
    return [line.removesuffix(KILLED) for line in lines]


def killed(record: Path) -> list[str]:
    """The steps at which a process of the run was killed, in order."""
    lines = record.read_text().splitlines() if record.exists() else []
    return [line.removesuffix(KILLED) for line in lines if line.endswith(KILLED)]


def kind(step: str) -> str:
    """The step without its number."""
    return step.rpartition("#")[0]


def seams(steps: Iterable[str]) -> Counter[str]:
    """How often each seam was passed: `graph:before` and so on."""
    return Counter(":".join(step.partition(" ")[2].split(":")[:2]) for step in steps)
