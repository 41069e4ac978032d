"""The register's sites: a code, a shared mailbox and who answers for it. Rules about them, without effects."""

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.people import Person
from texts import say

LONGEST_NAME = 200
LONGEST_ADDRESS = 120
ENOUGH_OWNERS = 2
"""NHSmail expects as many for each shared mailbox."""
_CODE = re.compile(r"[0-9A-Z]{1,12}")
_ADDRESS = re.compile(r"[a-z0-9_&'][a-z0-9._+&'-]*@[a-z0-9-]+(\.[a-z0-9-]+)+")
_SPOKEN = {
    "0": "agent.spoken_0",
    "1": "agent.spoken_1",
    "2": "agent.spoken_2",
    "3": "agent.spoken_3",
    "4": "agent.spoken_4",
    "5": "agent.spoken_5",
    "6": "agent.spoken_6",
    "7": "agent.spoken_7",
    "8": "agent.spoken_8",
    "9": "agent.spoken_9",
    "O": "agent.spoken_letter_o",
    "I": "agent.spoken_letter_i",
}


class SiteStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    SUCCEEDED = "succeeded"
    """Another site took over."""


@dataclass(frozen=True, slots=True)
class Site:
    ods: str
    """The code of the Organisation Data Service, as `code_of` gives it."""
    name: str
    mailbox: str
    """The address of the site's shared mailbox, as `address_of` gives it."""
    owners: tuple[Person, ...]
    status: SiteStatus = SiteStatus.OPEN
    succeeded_by: str = ""
    """Another site's code, only where the status is SUCCEEDED."""


def code_of(text: str) -> str | None:
    """A code as it is kept: 1 to 12 letters and digits, capital; None where the text cannot be one."""
    code = text.strip()
    return code.upper() if code.isascii() and _CODE.fullmatch(code.upper()) else None


def address_of(text: str) -> str | None:
    """An e-mail address as it is kept: in small letters; None where the text cannot be one."""
    address = text.strip().replace("’", "'").lower()
    return address if len(address) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(address) else None


def read_back(ods: str) -> str:
    """The code so that O and 0, I and 1 are told apart when it is read or heard: `Z, Z, nine, zero, one`."""
    return ", ".join(say(_SPOKEN[sign]) if sign in _SPOKEN else sign for sign in ods)


def warnings(site: Site) -> tuple[str, ...]:
    """What helpdesk staff should know before they rely on this site, a sentence each."""
    found = []
    if site.status is SiteStatus.CLOSED:
        found.append(say("agent.site_closed"))
    if site.status is SiteStatus.SUCCEEDED:
        found.append(say("agent.site_succeeded", ods=site.succeeded_by))
    if len(site.owners) < ENOUGH_OWNERS and site.status is SiteStatus.OPEN:
        known = "agent.site_with_one_owner" if site.owners else "agent.site_without_owner"
        found.append(say(known, enough=ENOUGH_OWNERS))
    return tuple(found)
