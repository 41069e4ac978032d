"""The book: requests, audit, drafts, addresses, copies, notices, what was heard; and the job engine's own tables."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None

BOOK = """
CREATE TABLE requests (
    reference text PRIMARY KEY,
    tenant_id text NOT NULL,
    kind text NOT NULL,
    group_id text NOT NULL,
    state text NOT NULL,
    subject jsonb NOT NULL,
    subject_id text NOT NULL GENERATED ALWAYS AS (subject->>'id') STORED,
    asked_by jsonb NOT NULL,
    asked_by_id text NOT NULL GENERATED ALWAYS AS (asked_by->>'id') STORED,
    taken_by jsonb,
    reason text NOT NULL,
    details text NOT NULL,
    methods jsonb NOT NULL,
    policy_version text NOT NULL,
    asked_at timestamptz NOT NULL,
    verified jsonb,
    decided jsonb,
    starts_at timestamptz,
    ends_at timestamptz,
    closing jsonb,
    closed_at timestamptz,
    reminded jsonb NOT NULL,
    stuck jsonb,
    next_due timestamptz,
    version integer NOT NULL
);
CREATE UNIQUE INDEX requests_one_open_each ON requests (subject_id)
    WHERE state IN ('awaiting_decision', 'granting', 'active', 'ending');
CREATE INDEX requests_due ON requests (next_due) WHERE next_due IS NOT NULL;
CREATE INDEX requests_waiting ON requests (asked_at) WHERE state = 'awaiting_decision';
CREATE INDEX requests_of_subject ON requests (subject_id, asked_at);
CREATE INDEX requests_of_asked_by ON requests (asked_by_id, asked_at);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    reference text NOT NULL,
    what text NOT NULL,
    by_id text NOT NULL,
    activity text NOT NULL,
    policy_version text NOT NULL,
    details jsonb NOT NULL
);
CREATE INDEX audit_of_request ON audit (reference, id);
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit only grows: % is refused', TG_OP;
END $$;
CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();

CREATE TABLE drafts (
    person_id text NOT NULL,
    topic text NOT NULL,
    answers jsonb NOT NULL,
    version integer NOT NULL,
    card jsonb,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (person_id, topic)
);

CREATE TABLE addresses (
    person_id text PRIMARY KEY,
    address jsonb NOT NULL,
    teams_id text NOT NULL,
    welcomed boolean NOT NULL,
    dead boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE places (
    name text PRIMARY KEY,
    address jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE copies (
    reference text NOT NULL,
    conversation_id text NOT NULL,
    activity_id text NOT NULL,
    view text NOT NULL,
    viewer_id text NOT NULL,
    address jsonb NOT NULL,
    PRIMARY KEY (reference, conversation_id, activity_id)
);

CREATE TABLE notices (
    key text PRIMARY KEY,
    reference text NOT NULL,
    status text NOT NULL,
    way text NOT NULL,
    activity_id text NOT NULL,
    attempts integer NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE seen (
    conversation_id text NOT NULL,
    activity_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, activity_id)
);
CREATE INDEX seen_at ON seen (at);
"""


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute(BOOK)
    cursor.execute(SchemaManager.get_schema())
