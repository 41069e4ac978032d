"""What all processes together may send to Teams and Graph; and what could not be delivered, again and again."""

from alembic import op

revision = "0006"
down_revision = "0005"

CEILINGS = """
-- Not in the log: after a crash of the server a fresh pace is as good.
CREATE UNLOGGED TABLE ceilings (
    name text PRIMARY KEY,
    free_at double precision[] NOT NULL DEFAULT '{}',
    later_at double precision NOT NULL DEFAULT 0,
    paused_until double precision NOT NULL DEFAULT 0,
    booked boolean NOT NULL DEFAULT false,
    answer double precision NOT NULL DEFAULT 0,
    used_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE undelivered (
    key text PRIMARY KEY,
    tries integer NOT NULL,
    since timestamptz NOT NULL
);
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(CEILINGS)
