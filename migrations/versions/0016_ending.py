"""What is ending is found by itself, and not by looking through all that is due."""

from migrations import concurrently

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    concurrently.build("requests_ending", "requests (next_due) WHERE state = 'ending'")
