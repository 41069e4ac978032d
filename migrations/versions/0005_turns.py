"""Which process runs a turn, and whether it is done: what a process that died had begun may begin again."""

from alembic import op

revision = "0005"
down_revision = "0004"

TURNS = """
ALTER TABLE seen
    ADD COLUMN runner text NOT NULL DEFAULT '',
    ADD COLUMN done boolean NOT NULL DEFAULT true;
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(TURNS)
