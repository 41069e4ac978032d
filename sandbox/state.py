"""What changes in the pretend tenant, kept in SQLite so that it outlives a killed process. It knows nothing of HTTP.

Each change is on disk before the method returns. The statements take microseconds, so they run in the event loop.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.tenant import Tenant

_SCHEMA = """
create table if not exists meta (key text primary key, value text not null) without rowid;
create table if not exists members (group_id text, user_id text, primary key (group_id, user_id)) without rowid;
create table if not exists deleted (user_id text primary key) without rowid;
create table if not exists changed (user_id text primary key, change text not null) without rowid;
create table if not exists assignments
    (group_id text, user_id text, rest text not null, primary key (group_id, user_id)) without rowid;
create table if not exists mails (number integer primary key, mail text not null);
create table if not exists member_changes
    (number integer primary key autoincrement, group_id text, user_id text, added integer, at text, by text);
create trigger if not exists member_added after insert on members begin
    insert into member_changes (group_id, user_id, added) values (new.group_id, new.user_id, 1); end;
create trigger if not exists member_removed after delete on members begin
    insert into member_changes (group_id, user_id, added) values (old.group_id, old.user_id, 0); end;
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail that the pretend tenant accepted. `at` is by its own clock."""

    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    """As plain text, where there is any."""
    at: str
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """Where it came as MIME: by their names in lower case."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A membership by PIM, with its end."""

    group: str
    user: str
    id: str
    created: datetime
    starts: datetime
    ends: datetime
    begun: bool
    """Whether it has made the user a member."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Somebody became a member of a group, or ceased to be one."""

    number: int
    group: str
    user: str
    added: bool
    at: str
    by: str
    """Who did it; empty where it was an application."""


class State:
    """The state of one tenant in one file. A file that holds another tenant's state is begun afresh."""

    def __init__(self, tenant: Tenant, file: Path) -> None:
        self._tenant = tenant
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, isolation_level=None)
        try:
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = normal")
            self._database.executescript(_SCHEMA)
            if self._meta("tenant") != tenant.digest:
                self.reset()
        except sqlite3.Error:
            self._database.close()
            raise

    def close(self) -> None:
        self._database.close()

    def reset(self) -> None:
        """Back to what the tenant file says, with the clock at real time."""
        members = [(self._tenant.groups[name], user.id) for user in self._tenant.users for name in set(user.groups)]
        with self._database:
            self._database.execute("begin immediate")
            for table in ("meta", "members", "deleted", "changed", "assignments", "mails"):
                self._database.execute(f"delete from {table}")  # noqa: S608 - the names stand above
            self._database.executemany("insert or ignore into members values (?, ?)", members)
            self._database.execute("insert into meta values ('tenant', ?)", (self._tenant.digest,))
            self._database.execute("insert into meta values ('first change', ?)", (str(self.last_change),))
            self._database.execute("delete from member_changes")

    @property
    def offset(self) -> timedelta:
        return timedelta(microseconds=int(self._meta("offset") or 0))

    @offset.setter
    def offset(self, offset: timedelta) -> None:
        microseconds = str(offset // timedelta(microseconds=1))
        self._database.execute("insert or replace into meta values ('offset', ?)", (microseconds,))

    def members(self, group: str) -> tuple[str, ...]:
        """Ids of the users in a group, in the order of their ids."""
        rows = self._database.execute("select user_id from members where group_id = ? order by user_id", (group,))
        return tuple(user for (user,) in rows)

    def groups_of(self, user: str) -> frozenset[str]:
        rows = self._database.execute("select group_id from members where user_id = ?", (user,))
        return frozenset(group for (group,) in rows)

    def add(self, group: str, users: Iterable[str]) -> bool:
        """All of them or none. False where one is a member already."""
        with suppress(sqlite3.IntegrityError), self._database:
            self._database.execute("begin immediate")
            self._database.executemany("insert into members values (?, ?)", [(group, user) for user in users])
            return True
        return False

    def remove(self, group: str, user: str) -> bool:
        """False where the user was no member."""
        found = self._database.execute("delete from members where group_id = ? and user_id = ?", (group, user))
        return found.rowcount > 0

    @property
    def last_change(self) -> int:
        """The number of the last change of a membership."""
        row = self._database.execute("select seq from sqlite_sequence where name = 'member_changes'").fetchone()
        return int(row[0]) if row else 0

    @property
    def first_change(self) -> int:
        """Changes up to this number are forgotten."""
        return int(self._meta("first change") or 0)

    def member_changes(self, after: int = 0) -> tuple[MemberChange, ...]:
        """Newest last."""
        rows = self._database.execute("select * from member_changes where number > ? order by number", (after,))
        return tuple(
            MemberChange(number, group, user, bool(added), at or "", by or "")
            for number, group, user, added, at, by in rows
        )

    def note_changes(self, at: str, by: str) -> None:
        """Says of the changes of which it was not said yet when they were, and by whom."""
        self._database.execute("update member_changes set at = ?, by = ? where at is null", (at, by))

    @property
    def deleted(self) -> frozenset[str]:
        return frozenset(user for (user,) in self._database.execute("select user_id from deleted"))

    def delete(self, user: str) -> None:
        """As Entra does it: the user is gone, and from each group."""
        with self._database:
            self._database.execute("begin immediate")
            self._database.execute("insert or ignore into deleted values (?)", (user,))
            self._database.execute("delete from members where user_id = ?", (user,))

    def changes(self) -> dict[str, dict[str, Any]]:
        """What differs from the tenant file, by user id: `enabled`, `privileged`, `methods`."""
        return {user: json.loads(change) for user, change in self._database.execute("select * from changed")}

    def change(self, user: str, change: dict[str, Any]) -> None:
        merged = json.dumps(self.changes().get(user, {}) | change)
        self._database.execute("insert or replace into changed values (?, ?)", (user, merged))

    def assignments(self) -> tuple[Assignment, ...]:
        rows = self._database.execute("select * from assignments order by group_id, user_id")
        return tuple(_assignment(group, user, json.loads(rest)) for group, user, rest in rows)

    def assign(self, one: Assignment) -> None:
        """In the place of the one that there is for this group and user."""
        moments = {key: getattr(one, key).isoformat() for key in _MOMENTS}
        rest = json.dumps(moments | {"id": one.id, "begun": one.begun})
        self._database.execute("insert or replace into assignments values (?, ?, ?)", (one.group, one.user, rest))

    def unassign(self, group: str, user: str) -> None:
        self._database.execute("delete from assignments where group_id = ? and user_id = ?", (group, user))

    def setting(self, name: str) -> Any:
        """What `keep` kept; None where nothing is kept."""
        text = self._meta(f"setting {name}")
        return None if text is None else json.loads(text)

    def keep(self, name: str, value: Any) -> None:
        row = (f"setting {name}", json.dumps(value))
        self._database.execute("insert or replace into meta values (?, ?)", row)

    def accept(self, mail: Mail) -> None:
        self._database.execute("insert into mails (mail) values (?)", (json.dumps(asdict(mail)),))

    def mails(self) -> tuple[Mail, ...]:
        """Newest last."""
        rows = self._database.execute("select mail from mails order by number")
        return tuple(Mail(**{**values, "to": tuple(values["to"])}) for (text,) in rows if (values := json.loads(text)))

    def _meta(self, key: str) -> str | None:
        row = self._database.execute("select value from meta where key = ?", (key,)).fetchone()
        return row[0] if row else None


_MOMENTS = ("created", "starts", "ends")


def _assignment(group: str, user: str, rest: dict[str, Any]) -> Assignment:
    moments = {key: datetime.fromisoformat(rest[key]) for key in _MOMENTS}
    return Assignment(group, user, rest["id"], begun=rest["begun"], **moments)
