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
