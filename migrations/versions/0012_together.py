"""Notices that wait to be told together with others of their sort: to whom, and all that is needed to tell them."""

from alembic import op

revision = "0012"
down_revision = "0011"

TOGETHER = """
ALTER TABLE notices
    ADD COLUMN person_id text NOT NULL DEFAULT '',
    ADD COLUMN notice text NOT NULL DEFAULT '',
    ADD COLUMN audience text NOT NULL DEFAULT '',
    ADD COLUMN occasion text NOT NULL DEFAULT '';
CREATE INDEX notices_of_person ON notices (person_id, notice, updated_at) WHERE person_id <> '';
CREATE INDEX notices_waiting ON notices (updated_at) WHERE status = 'waiting';
"""


def upgrade() -> None:
    op.execute(TOGETHER)
