"""What Entra lost can be put back while its renewal waits: it had begun, so it is not one of those that are to come."""

from migrations import concurrently

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    concurrently.build(
        "requests_one_to_come_each",
        "requests (subject_id, kind) WHERE state IN ('awaiting_evidence', 'awaiting_decision') "
        "OR (state = 'granting' AND starts_at IS NULL)",
        unique=True,
    )
    concurrently.drop("requests_one_waiting_each")
