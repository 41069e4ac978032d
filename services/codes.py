"""One-time codes for a site's shared mailbox: made, read, and hashed. The code itself is never kept."""

import hashlib
import re
import secrets

_DIGITS = 8
_SEPARATORS = re.compile(r"[\s.,:_–—-]+")


def fresh_code() -> str:
    """Eight digits in two groups, easy to say: `4821-7736`."""
    digits = "".join(secrets.choice("0123456789") for _ in range(_DIGITS))
    return f"{digits[:4]}-{digits[4:]}"


def fresh_salt() -> str:
    return secrets.token_hex(16)


def read_code(text: str) -> str:
    """The code in what somebody typed, however it is spaced; empty where it has none."""
    joined = _SEPARATORS.sub("", text[:500])
    found = re.findall(r"(?<!\d)\d{8}(?!\d)", joined) if joined.isascii() else []
    return f"{found[0][:4]}-{found[0][4:]}" if len(found) == 1 else ""


def digest(code: str, salt: str) -> str:
    """Slow on purpose (about 50 ms of CPU): call it in a thread."""
    return hashlib.scrypt(code.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()
