"""The register of sites: ODS code, name, shared mailbox and owners."""

from alembic import op

revision = "0002"
down_revision = "0001"

SITES = """
CREATE TABLE sites (
    ods text PRIMARY KEY,
    name text NOT NULL,
    mailbox text NOT NULL,
    owners jsonb NOT NULL,
    status text NOT NULL,
    succeeded_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sites_mailbox ON sites (lower(mailbox));
CREATE INDEX sites_owners ON sites USING gin (owners jsonb_path_ops);
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(SITES)
