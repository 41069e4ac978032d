"""Evidence, encrypted before it comes here, and links that let an agent fetch one file once."""

from alembic import op

revision = "0003"
down_revision = "0002"

EVIDENCE = """
CREATE TABLE evidence (
    reference text PRIMARY KEY,
    data_key bytea NOT NULL,
    answers bytea,
    updated_at timestamptz NOT NULL
);
CREATE TABLE evidence_files (
    reference text NOT NULL REFERENCES evidence ON DELETE CASCADE,
    id text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    about bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (reference, id)
);
-- What is encrypted cannot be compressed.
ALTER TABLE evidence_files ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE file_links (
    mark bytea PRIMARY KEY,
    reference text NOT NULL,
    file_id text NOT NULL,
    agent_id text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX file_links_expire ON file_links (expires_at);
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(EVIDENCE)
