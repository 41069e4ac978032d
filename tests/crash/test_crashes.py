"""The program is killed with SIGKILL at each kind of step between its two doors, and nothing becomes of it.

A sample: each kind of step once, several in one run. `make crash` kills it at every single step.
"""

from typing import get_args

import pytest

from domain.effects import Effect
from tests.crash import trial
from tests.crash.grounds import grounds
from tests.crash.journeys import JOURNEYS
from tests.crash.seams import EXPECTED
from tests.crash.steps import seams


@pytest.mark.timeout(900)
async def test_a_crash_at_any_kind_of_step_changes_nothing_of_how_a_journey_ends() -> None:
    async with grounds(lanes=trial.LANES) as ground:
        known = await trial.usual(ground, JOURNEYS, (1, 2))
        done = {step.partition(" ")[0] for journey in known.values() for step in journey.steps}
        assert done >= {effect.__name__ for effect in get_args(Effect)}
        for journey in known.values():
            passed = seams(journey.passed)
            assert passed.keys() >= EXPECTED, f"never passed: {EXPECTED - passed.keys()}"
        results = await trial.tried(ground, trial.sample(known), known)
    wrong = trial.wrong(results)
    assert not wrong, "\n\n".join(wrong)
    assert not trial.never_met(results)
