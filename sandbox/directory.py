"""The pretend tenant's people, groups and mailboxes as they are now, in Graph's shapes. No HTTP."""

from collections.abc import Mapping
from dataclasses import replace

from sandbox.answers import GraphError, not_found
from sandbox.odata import Json, Kind
from sandbox.state import State
from sandbox.tenant import Tenant, User, directory_role

USER = Kind(
    "user",
    dict.fromkeys(
        (
            "id", "displayName", "givenName", "surname", "userPrincipalName", "mail", "userType", "jobTitle",
            "mobilePhone", "officeLocation", "preferredLanguage",
        ),
        str,
    )
    | {"accountEnabled": bool, "proxyAddresses": list, "businessPhones": list},
    usual=(
        "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
        "preferredLanguage", "surname", "userPrincipalName", "id",
    ),
)  # fmt: skip
GROUP = Kind(
    "group",
    dict.fromkeys(("id", "displayName", "description", "mailNickname"), str)
    | {"groupTypes": list, "mailEnabled": bool, "securityEnabled": bool},
)
ROLE = Kind("directoryRole", dict.fromkeys(("id", "displayName", "description", "roleTemplateId"), str))
_PURPOSES = ("user", "linked", "shared", "room", "equipment", "others")
_GROUP_NAMES = {
    "helpdesk": "NHSmail Helpdesk",
    "leads": "NHSmail Helpdesk leads",
    "exempt_short": "MFA exceptions, short term",
    "exempt_long": "MFA exceptions, long term",
}


class Directory:
    def __init__(self, tenant: Tenant, state: State) -> None:
        self.tenant = tenant
        self.state = state
        self._by_id = {user.id: user for user in tenant.users}
        self._by_upn = {user.upn.lower(): user for user in tenant.users}
        self._group_names = {group: name for name, group in tenant.groups.items()}
        self._nested: dict[str, set[str]] = {}
        for name, within in tenant.nested.items():
            self._nested.setdefault(tenant.groups[name], set()).update(tenant.groups[one] for one in within)
        self._purposes = {site.mailbox.lower(): "shared" for site in tenant.sites}
        self._purposes[tenant.helpdesk.mailbox.lower()] = "shared"
        self._purposes |= {box.address.lower(): _purpose(box.purpose) for box in tenant.mailboxes}

    def users(self) -> list[User]:
        deleted, changes = self.state.deleted, self.state.changes()
        return [_changed(user, changes) for user in self.tenant.users if user.id not in deleted]

    def user(self, key: str) -> User:
        """By object id or UPN. Raises `GraphError` 404."""
        user = self._by_id.get(key.lower()) or self._by_upn.get(key.lower())
        if user is None or user.id in self.state.deleted:
            raise not_found(key)
        return _changed(user, self.state.changes())

    def group(self, key: str) -> str:
        """The id of a group. Raises `GraphError` 404."""
        if key.lower() not in self._group_names:
            raise not_found(key)
        return key.lower()

    def members(self, group: str) -> list[User]:
        changes = self.state.changes()
        return [_changed(self._by_id[user], changes) for user in self.state.members(group) if user in self._by_id]

    def nested(self, group: str) -> list[Json]:
        """Groups that are members of this one, with a user's properties too, which they have none of."""
        found = [one for one in self.state.members(group) if one in self._group_names.keys() - self._by_id.keys()]
        nothing: Json = {name: [] if kind is list else None for name, kind in USER.properties.items()}
        return [nothing | self.group_row(one) for one in found]

    def kind(self, key: str) -> Kind:
        """Of what has this id."""
        return GROUP if key.lower() in self._group_names else USER

    def transitive_members(self, group: str) -> list[User]:
        """With those of the groups that are members of it, and of theirs. Each once."""
        found = {user.id: user for one in self._within(group) for user in self.members(one)}
        return [found[key] for key in sorted(found)]

    def groups_of(self, user: User) -> list[str]:
        return sorted(self.state.groups_of(user.id) & self._group_names.keys())

    def transitive_groups_of(self, user: User) -> list[str]:
        direct = set(self.groups_of(user))
        return sorted(group for group in self._group_names if direct & self._within(group))

    def _within(self, group: str) -> set[str]:
        """The group itself and all groups that are members of it, directly or not."""
        found, new = set(), {group}
        while new:
            found |= new
            new = {member for one in new for member in self._nested.get(one, ())} - found
        return found

    def group_row(self, group: str) -> Json:
        name = self._group_names[group]
        return {
            "id": group,
            "displayName": _GROUP_NAMES.get(name, name),
            "description": f"The group that the tenant file calls {name}",
            "groupTypes": [],
            "mailEnabled": False,
            "mailNickname": name,
            "securityEnabled": True,
        }

    def groups(self) -> list[Json]:
        """Each once, also where the tenant file calls the same one by two names."""
        return [self.group_row(group) for group in self._group_names]

    def object_row(self, key: str) -> Json:
        """Of a user or a group. Raises `GraphError` 404."""
        return self.group_row(key.lower()) if key.lower() in self._group_names else user_row(self.user(key))

    def role(self, key: str) -> Json:
        """Raises `GraphError` 404."""
        row = self.role_row()
        if key.lower() not in (row["id"], f"roletemplateid={row['roleTemplateId']}"):
            raise not_found(key)
        return row

    def role_row(self) -> Json:
        return {
            "id": directory_role(self.tenant),
            "displayName": "Helpdesk Administrator",
            "description": "Can reset passwords for non-administrators and Helpdesk Administrators.",
            "roleTemplateId": "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        }

    def purpose(self, mailbox: str) -> str:
        """Graph's `userPurpose` of a mailbox, by address, or a user, by UPN or id, too. Raises `GraphError` 404."""
        key = mailbox.lower()
        if found := self._purposes.get(key):
            return found
        user = next((user for user in self.users() if key in (user.id, user.upn.lower(), user.mail.lower())), None)
        if user is None:
            raise GraphError(404, f"The requested user '{mailbox}' is invalid.", code="ErrorInvalidUser")
        return self._purposes.get(user.mail.lower(), "user")


def user_row(user: User) -> Json:
    """Every property that the pretend tenant knows; `$select` takes its choice from them."""
    given, _, surname = user.name.rpartition(" ")
    return {
        "id": user.id,
        "displayName": user.name,
        "givenName": given or None,
        "surname": surname,
        "userPrincipalName": user.upn,
        "mail": user.mail,
        "proxyAddresses": [f"SMTP:{user.mail}", f"smtp:{user.upn}"],
        "accountEnabled": user.enabled,
        "userType": "Guest" if user.guest else "Member",
        "businessPhones": [],
        "jobTitle": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
    }


def method_rows(user: User) -> list[Json]:
    return [
        {"@odata.type": f"#microsoft.graph.{method}AuthenticationMethod", "id": f"{user.id}-{method}"}
        for method in user.methods
    ]


def _changed(user: User, changes: Mapping[str, Json]) -> User:
    change = changes.get(user.id)
    return replace(user, **{**change, "methods": tuple(change.get("methods", user.methods))}) if change else user


def _purpose(written: str) -> str:
    """Words that are not Graph's own describe a shared mailbox: nothing else is listed in the file."""
    return written.lower() if written.lower() in _PURPOSES else "shared"
