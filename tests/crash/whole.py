"""Every step of every journey on one and on two replicas, and a thousand pairs: `make crash`. It takes two hours."""

from pathlib import Path

import pytest

from tests.crash import trial
from tests.crash.grounds import grounds
from tests.crash.journeys import JOURNEYS
from tests.crash.pairs import raced, write_policy, write_tenant

PAIRS = 1000


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("journey", JOURNEYS)
async def test_a_crash_at_any_step_changes_nothing_of_how_a_journey_ends(journey: str, replicas: int) -> None:
    async with grounds(lanes=trial.LANES) as ground:
        known = await trial.usual(ground, [journey], [replicas])
        results = await trial.tried(ground, trial.every(known), known)
    wrong = trial.wrong(results)
    assert not wrong, "\n\n".join(wrong)
    assert not trial.never_met(results)


async def test_of_two_simultaneous_decisions_one_wins_and_audit_entra_and_people_agree(tmp_path: Path) -> None:
    tenant, policy = write_tenant(tmp_path / "tenant.toml", PAIRS), write_policy(tmp_path / "policy.toml")
    async with grounds(lanes=1, tenant_file=tenant, policy_file=policy) as ground:
        wrong = await raced(ground, PAIRS)
    assert not wrong, f"{len(wrong)} of {PAIRS}:\n" + "\n\n".join(wrong)
