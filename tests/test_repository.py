"""The repository itself: nothing in it looks like a secret."""

import math
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.builders import ROOT

LOOKS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*\n\s*[A-Za-z0-9+/]{40}"),
    "a Fernet key": re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}=(?![A-Za-z0-9=])"),
    "a signed token": re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    "a client secret of Entra": re.compile(r"(?<![A-Za-z0-9~_.-])[A-Za-z0-9~_.-]{3}[0-9]Q~[A-Za-z0-9~_.-]{31,34}"),
    # Tests of addresses that are refused write `user:word@` and `:443@`.
    "a password in an address": re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@\"'{}<>]+:(?!word@|443@)[^\s/:@\"'{}<>*]{3,}@"),
    "a key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAccountKey=[A-Za-z0-9+/]{40,}"),
    "a token of a code host": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[\w-]{20,})"
    ),
    "a key of another service": re.compile(r"\b(?:xox[abpr]-[A-Za-z0-9-]{20,}|sk-[A-Za-z0-9_-]{30,}|AIza[\w-]{35})"),
}
ASSIGNED = re.compile(
    r"(?i)\b(?:password|passwd|secret|api_?key|token|appPassword)\w*[\"']?\s*[:=]\s*[\"']([^\"'\s]{20,})[\"']"
)
PLAIN = frozenset({".py", ".toml", ".md", ".txt", ".in", ".json", ".yml", ".yaml", ".ini", ".cfg", ".csv", ".sh", ""})
NEVER_KEPT = re.compile(r"(^|/)(\.env(\.(?!example$).*)?|.*\.(pem|key|pfx|p12|jks|kdbx)|id_(rsa|ed25519))$")


def kept() -> list[Path]:
    """What git has, and what it would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    found = [ROOT / name for name in names] or [path for path in ROOT.rglob("*.*") if _is_ours(path)]
    return [path for path in found if path.is_file() and path.name != "package-lock.json"]


def _is_ours(path: Path) -> bool:
    return not {".venv", "node_modules", "var", ".git"} & set(path.relative_to(ROOT).parts)


def bits_a_letter(text: str) -> float:
    """Shannon entropy: words and paths stay below 4, random letters go above."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def suspicious(text: str) -> list[str]:
    found = [what for what, look in LOOKS.items() if look.search(text)]
    return found + [
        "something random that is called a secret"
        for value in ASSIGNED.findall(text)
        if bits_a_letter(value) > 4.2 and not re.search(r"[{}<> ]", value)
    ]


def test_no_file_of_the_repository_holds_what_looks_like_a_secret() -> None:
    files = [path for path in kept() if path.suffix in PLAIN]
    assert len(files) > 100
    found = {
        str(path.relative_to(ROOT)): suspicious(path.read_text(encoding="utf-8", errors="replace")) for path in files
    }
    assert {name: what for name, what in found.items() if what} == {}


def test_no_file_of_the_repository_is_one_that_keeps_secrets() -> None:
    assert [str(path) for path in kept() if NEVER_KEPT.search(path.as_posix())] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 2),
        ("a Fernet key", "key = " + "Zm9vYmFyYmF6cXV4" * 2 + "Zm9vYmFyYmF" + "="),
        ("a signed token", "Bearer " + ".".join(["eyJ" + "hbGciOiJSUzI1NiJ9", "eyJ" + "hdWQiOiJ4In0xxxx", "s" * 40])),
        ("a client secret of Entra", "abc8Q" + "~" + "DefGhiJklMnoPqrStuVwxYz0123456789"),
        ("a password in an address", "postgresql" + "://bot:" + "hunter2hunter2" + "@db/mfa"),
        ("something random that is called a secret", "password" + ' = "' + "kJ8#mQ2$xW9!vL5@nR7%tB3^" + '"'),
    ],
)
def test_what_looks_like_a_secret_would_be_found(what: str, text: str) -> None:
    assert what in suspicious(text)
