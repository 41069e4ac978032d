"""Notices that wait to be told together with others of their sort: to whom, and all that is needed to tell them."""

from alembic import op

from migrations import concurrently

revision = "0012"
down_revision = "0011"

TOGETHER = """
ALTER TABLE notices
    ADD COLUMN IF NOT EXISTS person_id text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS notice text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS audience text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS occasion text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    op.execute(TOGETHER)
    concurrently.build("notices_of_person", "notices (person_id, notice, updated_at) WHERE person_id <> ''")
    concurrently.build("notices_waiting", "notices (updated_at) WHERE status = 'waiting'")
