"""What is ending, and what has waited longest for a decision, is found without reading all that is due or waits."""

from migrations import concurrently

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    concurrently.build("requests_ending", "requests (next_due) WHERE state = 'ending'")
    waits = "requests (coalesce(waiting_since, asked_at)) WHERE state = 'awaiting_decision'"
    concurrently.build("requests_waiting_longest", waits)
