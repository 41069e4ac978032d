"""Fills a database for `make bench-grow`: live exceptions, and in proportion all that belongs to years of them.

For every live exception: two closed requests, ten lines of audit over three years, eight notices, eight copies of
cards, an address and a member of the group. One in fifty is due, one for two hundred waits for a decision, one in a
thousand has a notice that waits for others; and of each there is a batch at the smallest size already, or a small batch
would be compared with a whole one.
"""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.reference import LETTERS, spelled

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""A Tuesday, at work."""
CLOSED, LINES, TOLD = 2, 10, 8
BATCH = 600
"""More than `services.sweep.BATCH`: each tick that is measured leaves one less."""
_MANY = "CAST(1000000000 AS bigint)"
_WAITING = 3_000_000_000
"""A closed request has the number of the live one and once or twice so many; one that waits has thrice so many."""

_DIGITS = "0123456789abcdef"
_SPELLED = f"""
CREATE OR REPLACE FUNCTION bench_reference(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'MFA-' || translate(overlay(lpad(to_hex(n), 8, '0') PLACING '-' FROM 5 FOR 0),
        '{_DIGITS}', '{LETTERS[: len(_DIGITS)]}')
$$
"""
_NUMBERS = "generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n"
_COLUMNS = """reference, tenant_id, kind, group_id, state, subject, asked_by, site, tried, remedies, since, renews,
    codes, questions, given, method_ids, done, people, reason, details, methods, policy_version, asked_at, version"""
_NAME = "'Person ' || n || ' Q' || n % 997"
"""A word that all have, one of their own, and one that many have; many more have its beginning."""
_LONG = f"""'tenant', 'long', 'group-long', {{state}},
    jsonb_build_object('id', {{who}} || n, 'name', {_NAME}, 'address', {{who}} || n || '@nhs.example'),
    jsonb_build_object('id', 'asker-' || n / 3, 'name', 'Asker', 'address', 'asker@nhs.example'),
    jsonb_build_object('ods', 'S' || n / 50, 'name', 'Site', 'mailbox', 'site@nhs.example', 'status', 'open',
        'succeeded_by', '', 'owners', jsonb_build_array(owner)),
    '[]', '[]', '', '', 1, '[]',
    jsonb_build_object('by', owner, 'mailbox', 'site@nhs.example', 'at', began, 'answered', 5, 'asked', 5, 'files', 0,
        'digest', 'd'),
    '[]', '[]', ARRAY[{{who}} || n, 'asker-' || n / 3, 'owner-' || n / 50], 'secure_location', '',
    '["password", "phone"]', '1', began, 1"""
_OWNER = """LATERAL (SELECT
    jsonb_build_object('id', 'owner-' || n / 50, 'name', 'Owner', 'address', 'owner@nhs.example') AS owner) AS owners"""
_CHAT = """jsonb_build_object('service_url', 'https://smba.example/uk/', 'conversation_id', 'chat-' || n,
    'tenant_id', 'tenant', 'bot_id', '28:bot', 'scope', 'personal')"""

# One in fifty is due: a reminder, or after 180 days the end. Some of these are so late that the workers must be dead.
LIVE = f"""
INSERT INTO requests ({_COLUMNS}, decided, starts_at, ends_at, next_due, closing, looked_at)
SELECT bench_reference(n), {_LONG.format(state="state", who="'person-'")},
    jsonb_build_object('by', jsonb_build_object('id', 'agent-1', 'name', 'Agent', 'address', 'agent@nhs.example'),
        'at', began, 'approved', true, 'words', ''),
    began, began + interval '180 days',
    CASE WHEN state = 'ending' THEN :now + interval '9 minutes'
        WHEN began + interval '180 days' <= :now THEN began + interval '180 days'
        ELSE began + interval '90 days' END,
    CASE WHEN state = 'ending' THEN jsonb_build_object('cause', 'no_longer_needed', 'by', NULL, 'words', '') END,
    :now - n % 3600 * interval '1 second'
FROM {_NUMBERS}, {_OWNER}, LATERAL (SELECT
    CASE WHEN n % 5000 = 1 OR n BETWEEN {BATCH} + 1 AND {BATCH} + 20 THEN 'ending' ELSE 'active' END AS state,
    CASE WHEN n <= 5 THEN :now - interval '180 days 10 minutes'
        WHEN n <= 20 OR n % 5000 = 0 THEN :now - interval '180 days 90 seconds'
        WHEN n <= {BATCH} OR n % 50 = 0 THEN :now - interval '90 days' - n % 60 * interval '1 minute'
        ELSE :now - (n % 80 + 1) * interval '1 day' END AS began) AS one
"""
# One for two hundred that are on, and a batch: what a helpdesk decides in a day.
WAITING = f"""
INSERT INTO requests ({_COLUMNS}, waiting_since, next_due)
SELECT bench_reference({_WAITING} + n), {_LONG.format(state="'awaiting_decision'", who="'waiter-'")},
    CASE WHEN n % 2 = 0 THEN began + interval '1 hour' END, :now + interval '1 day'
FROM {_NUMBERS}, {_OWNER}, LATERAL (SELECT :now - (n % 48 + 2) * interval '1 hour' AS began) AS one
WHERE n <= {BATCH} OR n % 200 = 0
"""
OLD = f"""
INSERT INTO requests ({_COLUMNS}, closed_at, purged_at)
SELECT bench_reference(n + k * {_MANY}), 'tenant', 'short', 'group-short', 'withdrawn', who, who, NULL,
    '[]', '[]', '', '', 0, '[]', NULL, '[]', '[]', ARRAY['person-' || n], 'lost_or_stolen', '', '[]', '1',
    moment, 1, moment, moment
FROM {_NUMBERS}, generate_series(1, {CLOSED}) AS k, LATERAL (SELECT
    jsonb_build_object('id', 'person-' || n, 'name', {_NAME}, 'address', 'person@nhs.example') AS who,
    :now - (k * 450 + n % 150) * interval '1 day' AS moment) AS one
"""
# Four lines are the exception's own; the others are of the closed requests before it. The chain would take long, and
# nothing that is measured reads the hashes of old lines: these are any.
AUDIT = f"""
INSERT INTO audit (tenant_id, at, reference, what, by_id, activity, policy_version, details, number, previous, hash)
SELECT 'tenant', :now - (old * 450 + n % 80 + 5 - k % 5) * interval '1 day', bench_reference(n + old * {_MANY}),
    CASE WHEN k = 1 THEN 'approved' ELSE 'notice' END, 'agent-' || n / 500, '', '1', '{{"to": "somebody"}}',
    number, encode(sha256(int8send(number - 1)), 'hex'), encode(sha256(int8send(number)), 'hex')
FROM {_NUMBERS}, generate_series(1, {LINES}) AS k, LATERAL (SELECT greatest(0, (k - 2) / 3) AS old,
    coalesce((SELECT number FROM audit_heads), 0) + CAST(n - CAST(:first AS integer) AS bigint) * {LINES} + k AS number
) AS one
"""
HEAD = """
INSERT INTO audit_heads SELECT tenant_id, number, hash FROM audit ORDER BY number DESC LIMIT 1
ON CONFLICT (tenant_id) DO UPDATE SET number = excluded.number, hash = excluded.hash
"""
NOTICES = f"""
INSERT INTO notices (key, reference, status, way, activity_id, attempts, updated_at, person_id, notice, audience,
    occasion)
SELECT reference || ':' || k, reference, CASE WHEN waits THEN 'waiting' ELSE 'sent' END, 'teams', 'activity-' || k, 1,
    :now - CASE WHEN waits THEN interval '6 minutes' ELSE (old * 450 + n % 80 + 1) * interval '1 day' END,
    CASE WHEN k % 2 = 0 THEN 'owner-' || n / 50 ELSE '' END, CASE WHEN k % 2 = 0 THEN 'half_way' ELSE '' END,
    CASE WHEN k % 2 = 0 THEN 'owners' ELSE '' END, ''
FROM {_NUMBERS}, generate_series(1, {TOLD}) AS k, LATERAL (SELECT greatest(0, (k - 3) / 2) AS old) AS one,
    LATERAL (SELECT bench_reference(n + old * {_MANY}) AS reference,
        k = 2 AND (n <= {BATCH} OR n % 1000 = 0) AS waits) AS other
"""
COPIES = f"""
INSERT INTO copies (reference, conversation_id, activity_id, view, viewer_id, address)
SELECT bench_reference(n + greatest(0, (k - 3) / 2) * {_MANY}), 'chat-' || n, 'activity-' || n || '-' || k, 'mine',
    'person-' || n, {_CHAT}
FROM {_NUMBERS}, generate_series(1, {TOLD}) AS k
UNION ALL
SELECT bench_reference({_WAITING} + n), '19:channel', 'activity-w' || n || '-' || k, 'helpdesk', '', {_CHAT}
FROM {_NUMBERS}, generate_series(1, 2) AS k WHERE n <= {BATCH} OR n % 200 = 0
"""
PEOPLE = f"""
INSERT INTO addresses (person_id, address, teams_id, welcomed, dead, updated_at)
SELECT 'person-' || n, {_CHAT}, '29:' || n, true, false, :now FROM {_NUMBERS}
"""
MEMBERS = f"INSERT INTO group_members (group_id, entra_id) SELECT 'group-long', 'person-' || n FROM {_NUMBERS}"
COMPARED = """
INSERT INTO comparisons (name, groups, whole_at, compared_at)
VALUES ('exemption groups', ARRAY['group-long'], :now, :now) ON CONFLICT DO NOTHING
"""
# Seldom: one in a hundred, of which a few are not settled.
DRIFTS = f"""
INSERT INTO drifts (key, sort, group_id, entra_id, reference, number, occasion, first_seen, last_seen, over_at)
SELECT 'unknown:' || n, 'unknown', 'group-long', 'person-' || n, '', 0, 1, seen, seen,
    CASE WHEN n > 10 THEN seen END
FROM {_NUMBERS}, LATERAL (SELECT :now - n % 900 * interval '1 day' AS seen) AS one WHERE n <= 10 OR n % 100 = 0
"""

_WORDS = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'requests'::regclass AND pg_get_indexdef(indexrelid) LIKE '%USING gin%'
"""
"""Built anew when all rows are there: filled row by row, they take most of the time."""


async def fill(engine: AsyncEngine, first: int, last: int) -> None:
    """Adds the exceptions of these numbers."""
    values = {"first": first, "last": last}
    moment = f"CAST('{NOW.isoformat()}' AS timestamptz)"
    async with engine.connect() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.exec_driver_sql(_SPELLED)
        words = (await connection.execute(text(_WORDS))).all()
        for name, _ in words:
            await connection.execute(text(f"DROP INDEX {name}"))
        await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        for rows in (LIVE, WAITING, OLD, AUDIT, HEAD, NOTICES, COPIES, PEOPLE, MEMBERS, COMPARED, DRIFTS):
            await connection.execute(text(rows.replace(":now", moment)), values if ":first" in rows else {})
        await connection.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))
        for _, made in words:
            await connection.exec_driver_sql(made.replace("%", "%%"))
        await connection.commit()
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM ANALYZE"))


def reference(n: int) -> str:
    return spelled(f"{n:08x}".translate(str.maketrans(_DIGITS, LETTERS[: len(_DIGITS)])))


def waiting(n: int) -> str:
    """One that waits for a decision; there are `BATCH` of these at every size."""
    assert n <= BATCH
    return reference(_WAITING + n)
