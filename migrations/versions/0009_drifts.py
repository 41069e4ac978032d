"""Where Entra and the book do not agree; who was in the exemption groups when they were last read, and how far."""

from alembic import op

revision = "0009"
down_revision = "0008"

DRIFTS = """
CREATE TABLE drifts (
    key text PRIMARY KEY,
    sort text NOT NULL,
    group_id text NOT NULL,
    entra_id text NOT NULL,
    reference text NOT NULL,
    number integer NOT NULL,
    occasion integer NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    added_by text NOT NULL DEFAULT '',
    added_at timestamptz,
    over_at timestamptz,
    outcome text NOT NULL DEFAULT '',
    by_id text NOT NULL DEFAULT '',
    card jsonb
);
CREATE INDEX drifts_open ON drifts (first_seen) WHERE over_at IS NULL;

CREATE TABLE group_members (
    group_id text NOT NULL,
    entra_id text NOT NULL,
    PRIMARY KEY (group_id, entra_id)
);

CREATE TABLE comparisons (
    name text PRIMARY KEY,
    groups text[] NOT NULL DEFAULT '{}',
    link text NOT NULL DEFAULT '',
    whole_at timestamptz,
    compared_at timestamptz
);
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(DRIFTS)
