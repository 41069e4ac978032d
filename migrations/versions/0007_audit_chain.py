"""Each entry of the audit is chained by hash to the one before it, for each tenant; those that are there are chained.

The trigger puts every entry at the end of its tenant's chain, whoever inserts it. It locks the tenant's row in
`audit_heads` until the transaction ends, so an insert into `audit` has to be the last statement of its transaction.

Those that are there are chained a few thousand at a time, while older versions go on writing; what they wrote meanwhile
is chained in the same moment in which the trigger takes over.
"""

from alembic import op
from psycopg import sql

from migrations import concurrently

revision = "0007"
down_revision = "0006"

_AT_A_TIME = 2000

CHAIN = """
ALTER TABLE audit
    ADD COLUMN IF NOT EXISTS tenant_id text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS number bigint,
    ADD COLUMN IF NOT EXISTS previous text,
    ADD COLUMN IF NOT EXISTS hash text,
    DROP CONSTRAINT IF EXISTS audit_details_are_texts,
    ADD CONSTRAINT audit_details_are_texts CHECK (
        jsonb_typeof(details) = 'object'
        AND NOT jsonb_path_exists(details, 'strict $.* ? (@.type() <> "string")')
    ) NOT VALID;
CREATE TABLE IF NOT EXISTS audit_heads (
    tenant_id text PRIMARY KEY,
    number bigint NOT NULL,
    hash text NOT NULL
) WITH (fillfactor = 10);

-- What domain/chain.py computes, too: a change here is a change of every hash.
CREATE OR REPLACE FUNCTION audit_digest(one audit) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(
        '{"activity":' || to_json(one.activity)::text
        || ',"at":"' || to_char(one.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","by_id":' || to_json(one.by_id)::text
        || ',"details":{' || coalesce((
            SELECT string_agg(to_json(key)::text || ':' || to_json(value)::text, ',' ORDER BY key COLLATE "C")
            FROM jsonb_each_text(one.details)
        ), '')
        || '},"id":' || one.id::text
        || ',"policy_version":' || to_json(one.policy_version)::text
        || ',"reference":' || to_json(one.reference)::text
        || ',"tenant_id":' || to_json(one.tenant_id)::text
        || ',"what":' || to_json(one.what)::text
        || '}', 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION audit_chained() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    head audit_heads%ROWTYPE;
    latest audit_heads%ROWTYPE;
BEGIN
    -- The command line does not know the tenant; nearly every database has one only.
    IF NEW.tenant_id = '' THEN
        NEW.tenant_id := coalesce(
            (SELECT min(tenant_id) FROM audit_heads WHERE tenant_id <> '' HAVING count(*) = 1), ''
        );
    END IF;
    LOOP
        SELECT * INTO head FROM audit_heads WHERE tenant_id = NEW.tenant_id FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO audit_heads VALUES (NEW.tenant_id, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
    END LOOP;
    -- Entries of this statement that are not in the head yet: see audit_head_moved.
    SELECT tenant_id, number, hash INTO latest FROM audit WHERE tenant_id = NEW.tenant_id
        AND number > head.number ORDER BY number DESC LIMIT 1;
    IF FOUND THEN
        head := latest;
    END IF;
    NEW.number := head.number + 1;
    NEW.previous := head.hash;
    NEW.hash := encode(sha256(convert_to(audit_digest(NEW) || head.hash, 'UTF8')), 'hex');
    RETURN NEW;
END $$;

-- Once for all entries of a statement: a row that one transaction changes ten thousand times gets slow to find.
CREATE OR REPLACE FUNCTION audit_head_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE audit_heads AS head SET number = latest.number, hash = latest.hash FROM (
        SELECT DISTINCT ON (tenant_id) tenant_id, number, hash FROM added ORDER BY tenant_id, number DESC
    ) AS latest WHERE head.tenant_id = latest.tenant_id;
    RETURN NULL;
END $$;

-- They run with their owner's rights: nobody's temporary table may stand in for ours.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION audit_chained() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION audit_head_moved() SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION audit_chained(), audit_head_moved() FROM PUBLIC;
"""

# No reader is kept out, and writers only while these few are chained.
THOSE_THERE = """
ALTER TABLE audit DISABLE TRIGGER audit_only_grows;
UPDATE audit SET tenant_id = requests.tenant_id FROM requests
    WHERE requests.reference = audit.reference AND number IS NULL AND id BETWEEN {first} AND {last};
UPDATE audit SET tenant_id = (SELECT min(tenant_id) FROM requests)
    WHERE tenant_id = '' AND number IS NULL AND id BETWEEN {first} AND {last}
    AND (SELECT count(DISTINCT tenant_id) FROM requests) = 1;
DO $$
DECLARE
    one audit%ROWTYPE;
    head audit_heads%ROWTYPE;
BEGIN
    FOR one IN
        SELECT * FROM audit WHERE number IS NULL AND id BETWEEN {first} AND {last} ORDER BY tenant_id, id
    LOOP
        IF head.tenant_id IS DISTINCT FROM one.tenant_id THEN
            UPDATE audit_heads SET number = head.number, hash = head.hash WHERE tenant_id = head.tenant_id;
            INSERT INTO audit_heads VALUES (one.tenant_id, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
            SELECT * INTO head FROM audit_heads WHERE tenant_id = one.tenant_id;
        END IF;
        head.number := head.number + 1;
        UPDATE audit SET
            number = head.number,
            previous = head.hash,
            hash = encode(sha256(convert_to(audit_digest(one) || head.hash, 'UTF8')), 'hex')
            WHERE id = one.id RETURNING hash INTO head.hash;
    END LOOP;
    UPDATE audit_heads SET number = head.number, hash = head.hash WHERE tenant_id = head.tenant_id;
END $$;
ALTER TABLE audit ENABLE TRIGGER audit_only_grows;
"""

FROM_NOW_ON = """
CREATE OR REPLACE TRIGGER audit_chained BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chained();
CREATE OR REPLACE TRIGGER audit_head_moved AFTER INSERT ON audit REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_head_moved();
CREATE OR REPLACE TRIGGER audit_heads_stay BEFORE DELETE OR TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
"""

# What is checked already need not be looked through while nobody else can read.
LET_IT_BE_CHECKED = """
ALTER TABLE audit
    DROP CONSTRAINT IF EXISTS audit_is_chained,
    ADD CONSTRAINT audit_is_chained CHECK (number IS NOT NULL AND previous IS NOT NULL AND hash IS NOT NULL) NOT VALID;
"""
CHECKED = """
ALTER TABLE audit VALIDATE CONSTRAINT audit_details_are_texts, VALIDATE CONSTRAINT audit_is_chained;
"""
ALL_CHAINED = """
ALTER TABLE audit
    ALTER COLUMN number SET NOT NULL,
    ALTER COLUMN previous SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL,
    DROP CONSTRAINT audit_is_chained;
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(CHAIN)
    with concurrently.at_once() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM audit")
        lowest, highest = cursor.fetchone()
        for first in range(lowest, highest + 1, _AT_A_TIME):
            cursor.execute(_those_there(first, first + _AT_A_TIME - 1))
    concurrently.build("audit_in_order", "audit (tenant_id, number)", unique=True)
    with concurrently.at_once() as cursor:
        # One transaction, as PostgreSQL takes statements that come together.
        cursor.execute(_those_there(0, 2**63 - 1) + sql.SQL(FROM_NOW_ON))
        cursor.execute(LET_IT_BE_CHECKED)
        cursor.execute(CHECKED)
    op.get_bind().connection.cursor().execute(ALL_CHAINED)


def _those_there(first: int, last: int) -> sql.Composed:
    return sql.SQL(THOSE_THERE).format(first=first, last=last)
