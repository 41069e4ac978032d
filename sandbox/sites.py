"""The pretend tenant's sites, as the register keeps them."""

from collections.abc import Callable
from typing import Any

from domain.people import Person
from domain.site import Site, code_of
from sandbox.directory import user_row
from sandbox.tenant import Tenant


def sites_of(tenant: Tenant, person_of: Callable[[Any], Person]) -> tuple[Site, ...]:
    """`person_of` makes a person of Graph's row about a user. Owners who are nobody in the tenant are left out."""
    people = {address.lower(): person_of(user_row(user)) for user in tenant.users for address in (user.upn, user.mail)}
    found = []
    for site in tenant.sites:
        owners = {one.id: one for one in (people.get(address.lower()) for address in site.owners) if one is not None}
        code = code_of(site.ods)
        if code:
            found.append(Site(code, " ".join(site.name.split()), site.mailbox.lower(), tuple(owners.values())))
    return tuple(found)
