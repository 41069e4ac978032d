"""Notices that wait until the quiet hours end."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE requests ADD COLUMN held jsonb NOT NULL DEFAULT '[]'")
