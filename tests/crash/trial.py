"""A journey with crashes, compared with the same journey without one."""

import asyncio
import itertools
import math
import os
import re
import traceback
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.crash.grounds import Grounds
from tests.crash.journeys import JOURNEYS, LONG_ENOUGH
from tests.crash.outcome import Outcome, differences, outcome
from tests.crash.run import Run
from tests.crash.steps import kind
from tests.journeys.world import until

LONGEST_RUN = 180
"""Seconds, with all its crashes."""
LANES = (os.cpu_count() or 2) + 1
"""Runs at once: a run waits more than it works."""
MOST_IN_SAMPLE, MOST_IN_WHOLE = 10, 8
"""Crashes in one run."""
TRIES = 3
ONLY_IN_A_RACE = re.compile(
    r"(?:ShowHelpdesk|Tell|TellTogether) teams:(?:before|after):PUT .*|\S+ retry:.*|compare graph:.*checkMemberGroups"
    r"|compare commit:.*requests.*"
)
"""A card that is mended because the request moved on while it was sent, what another process just took up, and a
member that is looked at again because a grant or an end was under way while Entra and the book were compared, and an
end that this comparison, which looks for what is due first, came to before the sweep."""
NOTICES = ("Tell", "ShowHelpdesk", "ShowDrift", "WriteToMailbox", "Alarm", "Warn")
"""The jobs whose names begin so send something."""
FOREVER = frozenset({"sweep", "take_up_stalled", "start"})
"""What happens again and again while a run lasts, or at each start: the first ones stand for the others."""


Setting = tuple[str, int]
"""A journey, and on how many replicas."""


@dataclass(frozen=True)
class Trial:
    journey: str
    replicas: int
    kill_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    trial: Trial
    outcome: Outcome | None
    passed: tuple[str, ...]
    """All steps of the run."""
    steps: tuple[str, ...]
    """Those that are this journey's own."""
    killed: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    met_twice: bool = False
    """Several of its crashes met in one notice: it is unknown by right, and each of the crashes is judged alone."""

    def __str__(self) -> str:
        trial = self.trial
        return "\n  ".join(
            [f"{trial.journey}, {trial.replicas} replicas, killed at {list(self.killed) or 'nothing'}:", *self.wrong]
        )


async def carried_out(grounds: Grounds, trial: Trial, wanted: Outcome | None = None) -> Result:
    """Lives through the journey in a lane that is free, and compares where there is something to compare with."""
    lane = await grounds.lanes.get()
    journey = JOURNEYS[trial.journey]
    run = Run(grounds, lane, replicas=trial.replicas, kill_at=trial.kill_at, settings=journey.settings)
    got, wrong, given_up = None, [], False
    try:
        async with asyncio.timeout(LONGEST_RUN), run:
            try:
                await journey.live(run)
                await until(run.nothing_waits, LONG_ENOUGH)
                got = await outcome(run)
                wrong = differences(got, wanted or got)
            finally:
                given_up = run.has_given_up()
    except (AssertionError, TimeoutError) as error:
        place = "".join(traceback.format_tb(error.__traceback__)[-3:])
        wrong = [f"{type(error).__name__}: {error}\n{place}"]
    finally:
        grounds.lanes.put_nowait(lane)
    if wrong:
        wrong.append(f"the end of the log: {run.log()[-4000:]}")
    passed = tuple(run.steps)
    killed = tuple(run.killed)
    return Result(trial, got, passed, passed[run.begins :], killed, tuple(wrong), given_up and len(killed) > 1)


async def usual(grounds: Grounds, journeys: Iterable[str], replicas: Iterable[int]) -> Mapping[Setting, Result]:
    """Each journey without a crash."""
    trials = [Trial(name, number) for name in journeys for number in replicas]
    results = await _together(carried_out(grounds, trial) for trial in trials)
    for result in results:
        assert not result.wrong, str(result)
    return {(result.trial.journey, result.trial.replicas): result for result in results}


def sample(known: Mapping[Setting, Result]) -> list[Trial]:
    """Each kind of step once, the journeys and the numbers of replicas by turns."""
    taken: set[str] = set()
    chosen: dict[Setting, list[str]] = {setting: [] for setting in known}
    by_journey: dict[str, list[Setting]] = {}
    for setting in known:
        by_journey.setdefault(setting[0], []).append(setting)
    for settings in by_journey.values():
        turn = itertools.cycle(settings)
        by_kind: dict[str, list[str]] = {}
        for step in known[settings[0]].steps:
            by_kind.setdefault(kind(step), []).append(step)
        for one in [one for one in by_kind if one not in taken]:
            taken.add(one)
            steps = by_kind[one]
            chosen[next(turn)].append(steps[0 if _forever(one) else (len(steps) - 1) // 2])
    return [trial for setting, steps in chosen.items() for trial in _apart(setting, sorted(steps))]


def _apart(setting: Setting, steps: Sequence[str]) -> list[Trial]:
    """Several steps in one run, but one only of each sort of notice: two crashes in the same one give it up.

    `steps`: those of a sort one after the other.
    """
    of_a_sort = Counter(step.partition(" ")[0] for step in steps if step.startswith(NOTICES))
    return _dealt(setting, steps, max(math.ceil(len(steps) / MOST_IN_SAMPLE), *of_a_sort.values(), 0))


def every(known: Mapping[Setting, Result]) -> list[Trial]:
    """Each step of each journey."""
    trials: list[Trial] = []
    for setting, result in known.items():
        steps = [one for one in result.steps if _counts(one)]
        trials += _dealt(setting, steps, math.ceil(len(steps) / MOST_IN_WHOLE))
    return trials


def _dealt(setting: Setting, steps: Sequence[str], runs: int) -> list[Trial]:
    """To so many runs by turns: those of one run are far from each other."""
    return [Trial(*setting, tuple(steps[start::runs])) for start in range(runs)]


def _forever(step: str) -> bool:
    return step.partition(" ")[0] in FOREVER


def _counts(step: str) -> bool:
    return not _forever(step) or step.endswith(("#1", "#2"))


async def tried(grounds: Grounds, trials: Sequence[Trial], known: Mapping[Setting, Result]) -> list[Result]:
    """All trials; then by itself each step of one that went wrong, and once more each that it did not come to.

    Jobs fall differently each time, so a step that is not met is tried three times more, the last time by itself.
    """
    results = batch = await _each(grounds, trials, known)
    for left in reversed(range(TRIES)):
        batch = await _each(grounds, _again(batch, MOST_IN_WHOLE if left else 1), known)
        results = [*results, *batch]
    return results


def _again(results: Iterable[Result], most: int) -> list[Trial]:
    """Crashes that met in one notice are parted; what went wrong otherwise is looked at one by one.

    Steps that were not met are put together anew, so many at `most`.
    """
    again: list[Trial] = []
    not_met: dict[Setting, list[str]] = {}
    for result in results:
        setting, steps = (result.trial.journey, result.trial.replicas), result.trial.kill_at
        if result.wrong and len(steps) > 1:
            again += _dealt(setting, steps, 2 if result.met_twice and most > 1 else len(steps))
        else:
            missed = [step for step in steps if step not in result.killed and not ONLY_IN_A_RACE.match(step)]
            not_met.setdefault(setting, []).extend(missed)
    return again + [
        trial for setting, steps in not_met.items() for trial in _dealt(setting, steps, math.ceil(len(steps) / most))
    ]


def wrong(results: Iterable[Result]) -> list[str]:
    """What went wrong in each run that says something by itself."""
    return [str(result) for result in results if result.wrong and not result.met_twice]


def never_met(results: Iterable[Result]) -> set[str]:
    """Kinds of steps at which no run was killed though it was wanted, but for those that only a race brings about."""
    seen = list(results)
    wanted = {kind(step) for result in seen for step in result.trial.kill_at}
    met = {kind(step) for result in seen for step in result.killed}
    return {one for one in wanted - met if not ONLY_IN_A_RACE.fullmatch(one)}


async def _each(grounds: Grounds, trials: Sequence[Trial], known: Mapping[Setting, Result]) -> list[Result]:
    return await _together(
        carried_out(grounds, trial, known[trial.journey, trial.replicas].outcome) for trial in trials
    )


async def _together(runs: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run) for run in runs]
    return [task.result() for task in tasks]
