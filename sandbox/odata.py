"""The part of OData that people use on users: $filter, $search, $select and $orderby over plain dicts. No HTTP."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Json = dict[str, Any]
Test = Callable[[Json], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<any>[A-Za-z]+/any(?=\())|(?P<word>[A-Za-z][A-Za-z0-9.]*)|(?P<sign>[(),:]))"
)


class BadQueryError(ValueError):
    """Graph could not read the query. The message is in Graph's own style."""


def matching(rows: Iterable[Json], filter_text: str) -> list[Json]:
    """The rows that a `$filter` lets through. Raises `BadQueryError`."""
    test = _Filter(filter_text).whole()
    return [row for row in rows if test(row)]


def searched(rows: Iterable[Json], search_text: str) -> list[Json]:
    """The rows that a `$search` finds: `"displayName:anna" AND "mail:nhs"`. Raises `BadQueryError`."""
    alternatives = [[_clause(one) for one in _split(part, "AND")] for part in _split(search_text, "OR")]
    return [row for row in rows if any(all(_found(row, *clause) for clause in clauses) for clauses in alternatives)]


def selected(row: Json, select_text: str, usual: Sequence[str]) -> Json:
    """The properties that `$select` names, else the usual ones. Raises `BadQueryError` on an unknown one."""
    names = [name.strip() for name in select_text.split(",")] if select_text.strip() else list(usual)
    real = {name.lower(): name for name in row}
    for name in names:
        if name.lower() not in real:
            raise BadQueryError(f"Could not find a property named '{name}' on type 'microsoft.graph.user'.")
    return {real[name.lower()]: row[real[name.lower()]] for name in names}


def ordered(rows: Iterable[Json], order_text: str) -> list[Json]:
    found = re.fullmatch(r"\s*(\w+)(?:\s+(asc|desc))?\s*", order_text)
    if not found or found[1] not in ("displayName", "userPrincipalName", "mail", "id"):
        raise BadQueryError(f"Unsupported sort property in '{order_text}'.")
    return sorted(rows, key=lambda row: folded(row[found[1]] or ""), reverse=found[2] == "desc")


def folded(text: str) -> str:
    """Entra compares without regard to case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


class _Filter:
    """A filter read from left to right: `or` of `and` of comparisons, calls and brackets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = list(self._cut(text))
        self._at = 0

    def whole(self) -> Test:
        test = self._or()
        if self._peek():
            self._fail()
        return test

    def _cut(self, text: str) -> Iterable[str]:
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise BadQueryError(f"Invalid filter clause: There is an unterminated or unknown part in '{text}'.")
            yield found[0].strip()
            at = found.end()

    def _or(self) -> Test:
        tests = [self._and()]
        while self._peek() == "or":
            self._take()
            tests.append(self._and())
        return lambda row: any(test(row) for test in tests)

    def _and(self) -> Test:
        tests = [self._one()]
        while self._peek() == "and":
            self._take()
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        part = self._take()
        if part == "not":
            inner = self._one()
            return lambda row: not inner(row)
        if part == "(":
            test = self._or()
            self._take(")")
            return test
        if part in ("startswith", "startsWith", "endswith", "endsWith"):
            return self._call(part.lower())
        if part.endswith("/any"):
            return self._any(part.removesuffix("/any"))
        return self._comparison(part)

    def _call(self, name: str) -> Test:
        self._take("(")
        key = self._take()
        self._take(",")
        value = folded(self._text_value(self._take()))
        self._take(")")
        if name == "startswith":
            return lambda row: folded(str(_property(row, key) or "")).startswith(value)
        return lambda row: folded(str(_property(row, key) or "")).endswith(value)

    def _any(self, key: str) -> Test:
        self._take("(")
        name = self._take()
        self._take(":")
        if self._take() != name or self._take() != "eq":
            self._fail()
        value = folded(self._text_value(self._take()))
        self._take(")")
        return lambda row: value in [folded(item) for item in _property(row, key) or ()]

    def _comparison(self, key: str) -> Test:
        operator = self._take()
        if operator == "in":
            return self._in(key)
        if operator not in ("eq", "ne"):
            self._fail()
        value = self._value(self._take())
        return lambda row: (_comparable(_property(row, key)) == value) is (operator == "eq")

    def _in(self, key: str) -> Test:
        self._take("(")
        values = [self._value(self._take())]
        while self._take() == ",":
            values.append(self._value(self._take()))
        return lambda row: _comparable(_property(row, key)) in values

    def _value(self, part: str) -> Any:
        literal = {"true": True, "false": False, "null": None}
        return literal[part] if part in literal else folded(self._text_value(part))

    def _text_value(self, part: str) -> str:
        if not part.startswith("'"):
            self._fail()
        return part[1:-1].replace("''", "'")

    def _peek(self) -> str:
        return self._parts[self._at] if self._at < len(self._parts) else ""

    def _take(self, wanted: str = "") -> str:
        part = self._peek()
        if not part or (wanted and part != wanted):
            self._fail()
        self._at += 1
        return part

    def _fail(self) -> None:
        raise BadQueryError(f"Invalid filter clause: A syntax error was found in '{self._text}'.")


def _property(row: Json, key: str) -> Any:
    if key not in row:
        raise BadQueryError(f"Could not find a property named '{key}' on type 'microsoft.graph.user'.")
    return row[key]


def _comparable(value: Any) -> Any:
    return folded(value) if isinstance(value, str) else value


def _split(text: str, word: str) -> list[str]:
    """Splits at a word in capitals that stands outside of quotation marks."""
    return re.split(rf'\s+{word}\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', text.strip())


def _clause(text: str) -> tuple[str, list[str]]:
    found = re.fullmatch(r'"(displayName|mail|userPrincipalName|givenName|surname):((?:[^"\\]|\\.)*)"', text.strip())
    words = re.findall(r"\w+", folded(found[2])) if found else []
    if not found or not words:
        raise BadQueryError(f"Syntax error: the search clause {text.strip()[:80]!r} is not valid.")
    return found[1], words


def _found(row: Json, key: str, words: list[str]) -> bool:
    """Each word begins one of the property's words, as Graph's tokens do."""
    tokens = re.findall(r"\w+", folded(str(row[key] or "")))
    return all(any(token.startswith(word) for token in tokens) for word in words)
