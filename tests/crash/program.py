"""Forks the whole program, `app.py serve --sandbox`, for each order that it reads: `python -m tests.crash.program`.

Importing the program takes longer than a short journey; a fork has it imported already, and dies as any process does.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import app
from tests.crash import seams
from tests.crash.steps import KILL_AT, RECORD, Steps

MODULES = ".modules"
_said: list[Steps] = []
"""In a forked process: what notes its steps."""


def _step(seam: str, moment: str, what: str) -> None:
    for steps in _said:
        steps(seam, moment, what)
    if seam == "answer" and moment == "after" and not os.environ[KILL_AT]:
        Path(os.environ[RECORD]).with_suffix(MODULES).write_text("\n".join(sys.modules))


def _import_what_they_needed(folder: Path) -> None:
    """What the runs without a crash imported while they ran, so that no later fork has to do it again."""
    for path in folder.glob(f"*{MODULES}"):
        for name in path.read_text().splitlines():
            if name not in sys.modules:
                with contextlib.suppress(Exception):  # a migration, for example, has no name that can be imported
                    importlib.import_module(name)
        path.unlink()


def _worker_is(number: int) -> None:
    with Path(os.environ[RECORD]).with_suffix(".workers").open("a") as file:
        file.write(f"{os.getpid()} {number}\n")


def _serve(order: dict[str, Any]) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(order["environment"])
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, instead in ((0, nothing), (1, log), (2, log)):
            os.dup2(instead, ours)
        _said.append(Steps(Path(os.environ[RECORD]), filter(None, os.environ[KILL_AT].split("\n"))))
        status = app.main(["serve", "--sandbox", "--no-seats"])
    except BaseException:  # a fork never returns to the loop below
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(status)


def _tell(**what: int) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _reap(running: set[int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        running.discard(pid)
        _tell(ended=pid, status=os.waitstatus_to_exitcode(status))


def main() -> None:
    seams.wrap(_step, _worker_is)
    seams.hurry()
    bell, ring = os.pipe()
    for end in (bell, ring):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(ring)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: set[int] = set()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(bell, selectors.EVENT_READ)
        _tell(ready=os.getpid())
        unread = b""
        while True:
            for key, _ in selector.select():
                read = os.read(key.fd, 65536)
                if key.fd == bell:
                    _reap(running)
                    continue
                if not read:
                    for pid in running:
                        os.kill(pid, signal.SIGKILL)
                    return
                *orders, unread = (unread + read).split(b"\n")
                for order in map(json.loads, orders):
                    _import_what_they_needed(Path(order["log"]).parent)
                    gc.freeze()  # otherwise each fork would copy all pages when it collects
                    pid = os.fork()
                    if pid == 0:
                        _serve(order)
                    running.add(pid)
                    _tell(started=pid, order=order["number"])


if __name__ == "__main__":
    main()
