"""What the application's own role in the database may do: what it needs, and in the audit only add and read."""

import psycopg
from psycopg import sql

from adapters.database.trouble import no_database
from adapters.policy_file import BadFileError

# Entries are chained by a trigger that runs with the rights of the tables' owner.
_GRANTS = """
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};
REVOKE ALL ON audit, audit_heads, alembic_version FROM {role};
GRANT SELECT, INSERT ON audit TO {role};
GRANT SELECT ON audit_heads, alembic_version TO {role};
"""


def grant(url: str, role: str) -> None:
    """`url` is that of the tables' owner. Raises `BadFileError` where this role could never be kept out. Blocking."""
    with no_database(), psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_schema()").fetchone()
        schema = row[0] if row else "public"
        found = connection.execute(
            "SELECT rolsuper, pg_has_role(rolname, tableowner, 'MEMBER') FROM pg_roles, pg_tables "
            "WHERE rolname = %s AND schemaname = %s AND tablename = 'audit'",
            (role, schema),
        ).fetchone()
        if found is None:
            raise BadFileError((f"There is no role {role} in the database: create it with CREATE ROLE … LOGIN first.",))
        if any(found):
            raise BadFileError((f"{role} is a superuser or owns the tables, so nothing can be kept from it.",))
        names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
        connection.execute(sql.SQL(_GRANTS).format(**names))
