"""Makes sure that there are Node.js, the Playground and a browser for the browser tests. `make test` runs it.

In this order: what is installed; Debian's packages where we are root; for the browser, Playwright's own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OWN = "playwright"


def browser() -> str:
    """The path of a browser; `OWN` where Playwright brings its own; empty where there is none."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    homes = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ""), "~/.cache/ms-playwright", "~/Library/Caches/ms-playwright"]
    folders = [Path(home).expanduser() for home in homes if home]
    return OWN if any(folder.is_dir() and list(folder.glob("chromium*-*")) for folder in folders) else ""


def playground() -> bool:
    return bool(shutil.which("node")) and (ROOT / "node_modules/@microsoft/m365agentsplayground/cli.js").exists()


def _debian(*packages: str) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    _say(f"Installing {', '.join(packages)} ...")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-get", "update", "-qq", env=quiet)
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=quiet)


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    """What fails shows itself afterwards, when what it should have brought is not there."""
    subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=subprocess.DEVNULL)


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> int:
    if not shutil.which("npm"):
        _debian("nodejs", "npm")
    if not playground() and shutil.which("npm"):
        _say("Setting up the Playground ...")
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund")
    if not browser():
        _debian("chromium", "fonts-noto-color-emoji")
    if not browser():
        _run(sys.executable, "-m", "playwright", "install", "chromium")
    missing = []
    if not playground():
        missing.append("Install Node.js 20 or newer: the browser tests chat in the Playground.")
    if not browser():
        missing.append("Install Chromium or Chrome: the browser tests need one.")
    for sentence in missing:
        _say(sentence)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
