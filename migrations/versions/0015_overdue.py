"""What is on past its end is found by its end, and not by looking through all that is on."""

from migrations import concurrently

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    concurrently.build("requests_on_until", "requests (ends_at) WHERE state IN ('granting', 'active')")
