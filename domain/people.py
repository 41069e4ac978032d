"""Who is who, as Entra tells it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Entra. `id` is the Entra object id, in lower case."""

    id: str
    name: str
    address: str
    """The e-mail address, or the user principal name where there is no mailbox."""


@dataclass(frozen=True, slots=True)
class Account:
    """What decides whether somebody may be exempted, read from Entra at one moment."""

    person: Person
    enabled: bool
    methods: tuple[str, ...]
    """Graph's type names without prefix and suffix: `microsoftAuthenticator`, `phone`, `fido2`, `password`."""
    privileged: bool
    """Holds a directory role, itself or through a group."""
    method_ids: tuple[str, ...] = ()
    """Each method as its type and its id, `phone:3179e48a`, to tell a new one from those that were there."""
    upn: str = ""
    """The user principal name, which may differ from the address."""
    guest: bool = False
    """Invited from another tenant."""
    barred: bool = False
    """In one of the groups whose members the policy never lets be exempted."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever speaks to the bot, as Entra knows them."""

    person: Person
    guest: bool = False
