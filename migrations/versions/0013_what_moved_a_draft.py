"""Which activity made a half-finished conversation what it is: the same activity, sent again, moves it no further."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("ALTER TABLE drafts ADD COLUMN activity text NOT NULL DEFAULT ''")
