"""What is unusual about an approval; how many people somebody has looked up; and what requests and approvals are
counted by."""

from alembic import op

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

CREATE INDEX requests_by_person ON requests (asked_by_id, asked_at);
CREATE INDEX requests_for_site ON requests ((site ->> 'ods'), asked_at);
CREATE INDEX audit_approvals ON audit (by_id, at) WHERE what IN ('approved', 'approved_first');
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(COUNTED)
