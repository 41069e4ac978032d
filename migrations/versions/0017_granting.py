"""The few that are being granted are found without looking through all that is on."""

from migrations import concurrently

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    concurrently.build("requests_granting", "requests (looked_at) WHERE state = 'granting'")
