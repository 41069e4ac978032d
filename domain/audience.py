"""Who is meant by an audience. A notice that several people get goes to each of them once."""

from collections.abc import Iterable

from domain.effects import Audience
from domain.people import Person
from domain.request import Request


def people(request: Request, audience: Audience, leads: Iterable[Person] = ()) -> tuple[Person, ...]:
    """`leads`: the members of the leads' group, for LEADS; those who had a part in the request are left out."""
    first = (request.giver,) if request.giver else request.owners[:1]
    match audience:
        case Audience.SUBJECT:
            return (request.subject,)
        case Audience.ASKED_BY:
            return (request.asked_by,)
        case Audience.GIVER:
            return first
        case Audience.OWNERS:
            return request.owners
        case Audience.OTHER_OWNERS:
            known = {person.id for person in first}
            return tuple(owner for owner in request.owners if owner.id not in known)
        case Audience.LEADS:
            return tuple(lead for lead in leads if lead.id not in _had_a_part(request))


def _had_a_part(request: Request) -> frozenset[str]:
    decided = [one.by for one in (request.first_approval, request.decided) if one]
    giver = [request.giver] if request.giver else []
    return frozenset(person.id for person in (request.subject, request.asked_by, *giver, *decided))
