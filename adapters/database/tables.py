"""The book's tables. `migrations` creates them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

MOMENT = DateTime(timezone=True)

requests = Table(
    "requests",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("subject", JSONB, nullable=False),
    Column("subject_id", Text, Computed("subject->>'id'", persisted=True), nullable=False),
    Column("asked_by", JSONB, nullable=False),
    Column("asked_by_id", Text, Computed("asked_by->>'id'", persisted=True), nullable=False),
    Column("waiting_since", MOMENT),
    Column("taken_by", JSONB(none_as_null=True)),
    Column("site", JSONB(none_as_null=True)),
    Column("tried", JSONB, nullable=False),
    Column("remedies", JSONB, nullable=False),
    Column("since", Text, nullable=False),
    Column("renews", Text, nullable=False),
    Column("code", JSONB(none_as_null=True)),
    Column("codes", Integer, nullable=False),
    Column("questions", JSONB, nullable=False),
    Column("given", JSONB(none_as_null=True)),
    Column("first_approval", JSONB(none_as_null=True)),
    Column("days", Integer),
    Column("half_way", JSONB(none_as_null=True)),
    Column("method_ids", JSONB, nullable=False),
    Column("looked_at", MOMENT),
    Column("purged_at", MOMENT),
    Column("done", JSONB, nullable=False),
    Column("held", JSONB, nullable=False, server_default=text("'[]'")),
    Column("people", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("methods", JSONB, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("asked_at", MOMENT, nullable=False),
    Column("verified", JSONB(none_as_null=True)),
    Column("decided", JSONB(none_as_null=True)),
    Column("unusual", JSONB, nullable=False, server_default=text("'[]'")),
    Column("starts_at", MOMENT),
    Column("ends_at", MOMENT),
    Column("closing", JSONB(none_as_null=True)),
    Column("closed_at", MOMENT),
    Column("stuck", JSONB(none_as_null=True)),
    Column("next_due", MOMENT),
    Column("version", Integer, nullable=False),
)
Index("requests_due", requests.c.next_due, postgresql_where=text("next_due IS NOT NULL"))
Index("requests_ending", requests.c.next_due, postgresql_where=text("state = 'ending'"))
Index("requests_on_until", requests.c.ends_at, postgresql_where=text("state IN ('granting', 'active')"))
Index("requests_granting", requests.c.looked_at, postgresql_where=text("state = 'granting'"))
Index("requests_waiting", requests.c.asked_at, postgresql_where=text("state = 'awaiting_decision'"))
Index(
    "requests_waiting_longest",
    func.coalesce(requests.c.waiting_since, requests.c.asked_at),
    postgresql_where=text("state = 'awaiting_decision'"),
)
Index("requests_of_subject", requests.c.subject_id, requests.c.asked_at)
Index("requests_by_person", requests.c.asked_by_id, requests.c.asked_at)
Index("requests_for_site", requests.c.site["ods"].astext, requests.c.asked_at)
Index("requests_of_people", requests.c.people, postgresql_using="gin")
_APART = """'!"#$%&''()*+,-./\\:;<=>?@[\\]^_`{|}~’‘–—' || chr(160) || chr(9) || chr(10) || chr(13)"""
"""`domain.finding.SEPARATORS`; the backslash before the colon is SQLAlchemy's."""
FOUND_BY = text(f"""array_to_tsvector(array_remove(string_to_array(translate(lower(
    left(subject ->> 'name', 300) || ' ' || left(split_part(subject ->> 'address', '@', 1), 200)
    || ' ' || replace(substr(reference, 5), '-', '')
    || ' ' || coalesce(site ->> 'ods', '') || ' ' || coalesce(left(site ->> 'name', 300), '')
), {_APART}, repeat(' ', 40)), ' '), ''))""")
"""The words that a request is found by. Without these very words PostgreSQL does not use the index."""
Index("requests_found_by", FOUND_BY, postgresql_using="gin", _table=requests)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", MOMENT, nullable=False),
    Column("reference", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("activity", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("tenant_id", Text, nullable=False, server_default=""),
    Column("number", BigInteger, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
Index("audit_of_request", audit.c.reference, audit.c.id)
Index("audit_approvals", audit.c.by_id, audit.c.at, postgresql_where=text("what IN ('approved', 'approved_first')"))
Index("audit_in_order", audit.c.tenant_id, audit.c.number, unique=True)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("person_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("card", JSONB(none_as_null=True)),
    Column("updated_at", MOMENT, nullable=False),
    Column("activity", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("person_id", "topic"),
)

look_ups = Table(
    "look_ups",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("at", MOMENT, nullable=False),
)
Index("look_ups_of_person", look_ups.c.person_id)
Index("look_ups_at", look_ups.c.at)

addresses = Table(
    "addresses",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("address", JSONB, nullable=False),
    Column("teams_id", Text, nullable=False),
    Column("welcomed", Boolean, nullable=False),
    Column("dead", Boolean, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
)

places = Table(
    "places",
    metadata,
    Column("name", Text, primary_key=True),
    Column("address", JSONB, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
)

copies = Table(
    "copies",
    metadata,
    Column("reference", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("activity_id", Text, nullable=False),
    Column("view", Text, nullable=False),
    Column("viewer_id", Text, nullable=False),
    Column("address", JSONB, nullable=False),
    PrimaryKeyConstraint("reference", "conversation_id", "activity_id"),
)

notices = Table(
    "notices",
    metadata,
    Column("key", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("activity_id", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    Column("person_id", Text, nullable=False, server_default=""),
    Column("notice", Text, nullable=False, server_default=""),
    Column("audience", Text, nullable=False, server_default=""),
    Column("occasion", Text, nullable=False, server_default=""),
)
Index(
    "notices_of_person",
    notices.c.person_id,
    notices.c.notice,
    notices.c.updated_at,
    postgresql_where=text("person_id <> ''"),
)
Index("notices_waiting", notices.c.updated_at, postgresql_where=text("status = 'waiting'"))

seen = Table(
    "seen",
    metadata,
    Column("conversation_id", Text, nullable=False),
    Column("activity_id", Text, nullable=False),
    Column("at", MOMENT, nullable=False, server_default=text("now()")),
    Column("runner", Text, nullable=False, server_default=""),
    Column("done", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("conversation_id", "activity_id"),
)
Index("seen_at", seen.c.at)

sites = Table(
    "sites",
    metadata,
    Column("ods", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("owners", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("succeeded_by", Text, nullable=False),
    Column("updated_at", MOMENT, nullable=False, server_default=text("now()")),
)
Index("sites_mailbox", func.lower(sites.c.mailbox))
Index("sites_owners", sites.c.owners, postgresql_using="gin", postgresql_ops={"owners": "jsonb_path_ops"})

evidence = Table(
    "evidence",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("data_key", LargeBinary, nullable=False),
    Column("answers", LargeBinary),
    Column("updated_at", MOMENT, nullable=False),
)

evidence_files = Table(
    "evidence_files",
    metadata,
    Column("reference", Text, ForeignKey("evidence.reference", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("about", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("reference", "id"),
)

file_links = Table(
    "file_links",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
)
Index("file_links_expire", file_links.c.expires_at)

ceilings = Table(
    "ceilings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("free_at", ARRAY(Double), nullable=False, server_default=text("'{}'")),
    Column("later_at", Double, nullable=False, server_default=text("0")),
    Column("paused_until", Double, nullable=False, server_default=text("0")),
    Column("booked", Boolean, nullable=False, server_default=text("false")),
    Column("answer", Double, nullable=False, server_default=text("0")),
    Column("used_at", MOMENT, nullable=False, server_default=text("now()")),
)

drifts = Table(
    "drifts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sort", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("entra_id", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("occasion", Integer, nullable=False),
    Column("first_seen", MOMENT, nullable=False),
    Column("last_seen", MOMENT, nullable=False),
    Column("added_by", Text, nullable=False, server_default=""),
    Column("added_at", MOMENT),
    Column("over_at", MOMENT),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("by_id", Text, nullable=False, server_default=""),
    Column("card", JSONB(none_as_null=True)),
)
Index("drifts_open", drifts.c.first_seen, postgresql_where=text("over_at IS NULL"))

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", Text, nullable=False),
    Column("entra_id", Text, nullable=False),
    PrimaryKeyConstraint("group_id", "entra_id"),
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("name", Text, primary_key=True),
    Column("groups", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("link", Text, nullable=False, server_default=""),
    Column("whole_at", MOMENT),
    Column("compared_at", MOMENT),
)

undelivered = Table(
    "undelivered",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("since", MOMENT, nullable=False),
)
