"""Which pictures of the documentation are which screenshots of the tests. `make pictures` copies them."""

import shutil

from tests.browser.playground import SCREENSHOTS
from tests.builders import ROOT

FOLDER = ROOT / "docs" / "pictures"
PICTURES = {
    "requester-welcome": "01-welcome-card",
    "requester-receipt": "04-receipt-card",
    "requester-granted": "08-granted-card",
    "requester-long-receipt": "25-receipt-card",
    "owner-mail": "26-mail",
    "owner-code": "26-code-card",
    "owner-checklist": "27-checklist-card",
    "owner-complete": "30-complete-card",
    "agent-welcome": "01-welcome-agent-card",
    "agent-tour": "01-tour-card",
    "agent-request": "05-helpdesk-channel-card",
    "agent-verify": "06-verify-card",
    "lead-welcome": "01-welcome-lead-card",
    "lead-unusual": "40-lead-unusual-card",
    "lead-revoke": "41-lead-revoke-card",
}
"""The name in `docs/pictures`, and the one in `screenshots`."""


def copy() -> None:
    for picture, screenshot in PICTURES.items():
        shutil.copyfile(SCREENSHOTS / f"{screenshot}.png", FOLDER / f"{picture}.png")


if __name__ == "__main__":
    copy()
