"""Encryption of what is kept about one request: a key of its own for each, itself wrapped by the master keys.

What is sealed carries the request's reference and what it is, so that nobody can put it in another place.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import Trouble

_KEY = "key"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens what belongs to one request. A large content takes a while: call it in a thread."""

    reference: str
    _fernet: Fernet

    def seal(self, what: str, plain: bytes) -> bytes:
        return _packed(self._fernet.encrypt(_label(self.reference, what) + plain))

    def open(self, what: str, sealed: bytes) -> bytes:
        return _unlabelled(_opened(self._fernet, self.reference, sealed), self.reference, what)


class MasterKeys:
    """Fernet keys; the first one wraps, all of them unwrap. Each call may raise `Trouble`, for good."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Never fails: what is wrong with the keys is said when one is needed."""
        try:
            self._keys = MultiFernet([Fernet(key) for key in keys]) if keys else None
        except ValueError:
            self._keys = None

    def fresh(self, reference: str) -> bytes:
        """A new data key for this request, wrapped."""
        return _packed(self._master().encrypt(_label(reference, _KEY) + Fernet.generate_key()))

    def sealer(self, reference: str, wrapped: bytes) -> Sealer:
        key = _unlabelled(_opened(self._master(), reference, wrapped), reference, _KEY)
        return Sealer(reference, Fernet(key))

    def wrapped_anew(self, reference: str, wrapped: bytes) -> bytes:
        """The same data key, wrapped by the first master key."""
        master = self._master()
        self.sealer(reference, wrapped)
        return _packed(master.rotate(urlsafe_b64encode(wrapped)))

    def _master(self) -> MultiFernet:
        if self._keys is None:
            raise Trouble("evidence cannot be kept or read: EVIDENCE_KEYS holds no usable key", for_good=True)
        return self._keys


def _opened(fernet: Fernet | MultiFernet, reference: str, sealed: bytes) -> bytes:
    try:
        return fernet.decrypt(urlsafe_b64encode(sealed))
    except InvalidToken:
        raise Trouble(
            f"the evidence of {reference} cannot be opened: no key in EVIDENCE_KEYS fits, or it was changed",
            for_good=True,
        ) from None


def _label(reference: str, what: str) -> bytes:
    return f"{reference}\n{what}\n".encode()


def _unlabelled(plain: bytes, reference: str, what: str) -> bytes:
    label = _label(reference, what)
    if not plain.startswith(label):
        raise Trouble(f"the evidence of {reference} was put in from another place", for_good=True)
    return plain[len(label) :]


def _packed(token: bytes) -> bytes:
    """Without base64, which would make it a third larger."""
    return urlsafe_b64decode(token)
