"""Two people decide at the same moment on two processes: some pairs of each sort. `make crash` does a thousand."""

from pathlib import Path

import pytest

from tests.crash.grounds import grounds
from tests.crash.pairs import raced, write_policy, write_tenant

PAIRS = 42


@pytest.mark.timeout(300)
async def test_of_two_simultaneous_decisions_one_wins_and_audit_entra_and_people_agree(tmp_path: Path) -> None:
    tenant, policy = write_tenant(tmp_path / "tenant.toml", PAIRS), write_policy(tmp_path / "policy.toml")
    async with grounds(lanes=1, tenant_file=tenant, policy_file=policy) as ground:
        wrong = await raced(ground, PAIRS)
    assert not wrong, "\n\n".join(wrong)
