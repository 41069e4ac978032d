"""The command line, as whoever runs the bot meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import ROOT


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "app.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=kept | environ, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "command",
    [("serve",), ("serve", "--no-jobs"), ("worker",), ("reconcile", "--dry-run"), ("watchdog", "--once")],
    ids=" ".join,
)
def test_without_settings_it_says_what_is_missing_and_exits_with_2(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 2
    for name in ("MicrosoftAppId", "MicrosoftAppTenantId", "DATABASE_URL", "HELPDESK_GROUP_ID", "HELPDESK_TEAM_ID"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HOST": "0.0.0.0"}, "only listens on this machine"),
        ({"MicrosoftAppPassword": "x"}, "must not hold credentials"),
        ({"PORT": "http"}, "PORT"),
        ({"MFA_POLICY": "no/such/file.toml"}, "cannot be read"),
        ({"SANDBOX_TENANT": "no/such/file.toml"}, "cannot be read"),
        ({"MFA_TEXTS": "no/such/file.toml"}, "cannot be read as texts"),
        ({"MFA_TEXTS": "policy/policy.toml"}, "cannot be read as texts"),
    ],
)
def test_a_sandbox_that_cannot_start_says_why(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    done = run("serve", "--sandbox", "--no-seats", DATA_DIR=str(tmp_path), **environ)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_policy_is_refused_with_its_line(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text((ROOT / "policy" / "policy.toml").read_text().replace('"PT24H"', '"soon"', 1))
    done = run("serve", "--sandbox", "--no-seats", DATA_DIR=str(tmp_path), MFA_POLICY=str(policy))
    assert done.returncode == 2
    assert "line " in done.stderr
    assert "not a duration" in done.stderr
