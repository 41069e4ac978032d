"""What is unusual about an approval; how many people somebody has looked up; and what requests and approvals are
counted by."""

from alembic import op

from migrations import concurrently

revision = "0008"
down_revision = "0007"

COUNTED = """
ALTER TABLE requests ADD COLUMN unusual jsonb NOT NULL DEFAULT '[]';

CREATE TABLE look_ups (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX look_ups_of_person ON look_ups (person_id);
CREATE INDEX look_ups_at ON look_ups (at);
"""


def upgrade() -> None:
    concurrently.build("requests_by_person", "requests (asked_by_id, asked_at)")
    concurrently.build("requests_for_site", "requests ((site ->> 'ods'), asked_at)")
    concurrently.build("audit_approvals", "audit (by_id, at) WHERE what IN ('approved', 'approved_first')")
    op.get_bind().connection.cursor().execute(COUNTED)
