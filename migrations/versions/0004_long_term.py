"""Long-term requests: their site, code, evidence and length; what is due; one open request a person and kind."""

from alembic import op

revision = "0004"
down_revision = "0003"

LONG_TERM = """
ALTER TABLE requests
    ADD COLUMN waiting_since timestamptz,
    ADD COLUMN site jsonb,
    ADD COLUMN tried jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN remedies jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN since text NOT NULL DEFAULT '',
    ADD COLUMN renews text NOT NULL DEFAULT '',
    ADD COLUMN code jsonb,
    ADD COLUMN codes integer NOT NULL DEFAULT 0,
    ADD COLUMN questions jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN given jsonb,
    ADD COLUMN first_approval jsonb,
    ADD COLUMN days integer,
    ADD COLUMN half_way jsonb,
    ADD COLUMN method_ids jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN looked_at timestamptz,
    ADD COLUMN purged_at timestamptz,
    ADD COLUMN done jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN people text[] NOT NULL DEFAULT '{}';
UPDATE requests SET people = ARRAY[subject_id, asked_by_id];
UPDATE requests SET done = (
    SELECT coalesce(jsonb_agg('reminder:' || extract(epoch FROM (one #>> '{}')::interval)::bigint), '[]')
    FROM jsonb_array_elements(reminded) AS one
);
ALTER TABLE requests DROP COLUMN reminded;

DROP INDEX requests_one_open_each;
CREATE UNIQUE INDEX requests_one_waiting_each ON requests (subject_id, kind)
    WHERE state IN ('awaiting_evidence', 'awaiting_decision', 'granting');
CREATE UNIQUE INDEX requests_one_active_each ON requests (subject_id, kind) WHERE state = 'active';
CREATE INDEX requests_looked_at ON requests (looked_at NULLS FIRST) WHERE state = 'active';
CREATE INDEX requests_holding ON requests (group_id, subject_id) WHERE state IN ('granting', 'active');
CREATE INDEX copies_at ON copies (conversation_id, activity_id);
DROP INDEX requests_of_asked_by;
CREATE INDEX requests_of_people ON requests USING gin (people);
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(LONG_TERM)
