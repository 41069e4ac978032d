"""OData's `$filter` over plain dicts: read once, with the properties it may name, then asked of each row. No HTTP."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.odata import BadQueryError, Json, Kind, folded

Test = Callable[[Json], bool]

_MOST_PARTS = 400
"""Graph, too, refuses what is longer; and it keeps the reading of nested brackets within Python's own depth."""
_DEEPEST = 50
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<any>[A-Za-z]+/any(?=\())|(?P<word>[A-Za-z][A-Za-z0-9.]*)|(?P<sign>[(),:]))"
)


@dataclass(frozen=True, slots=True)
class Filter:
    test: Test
    advanced: bool
    """It needs Graph's advanced queries: `ne`, `not` and `endsWith` do."""

    def among(self, rows: Iterable[Json]) -> list[Json]:
        return [row for row in rows if self.test(row)]


def read_filter(text: str, kind: Kind) -> Filter:
    """Raises `BadQueryError`, also where there is no row to try it on."""
    reader = _Reader(text, kind)
    test = reader.whole()
    return Filter(test, reader.advanced)


class _Reader:
    """Reads from left to right: `or` of `and` of comparisons, calls and brackets."""

    def __init__(self, text: str, kind: Kind) -> None:
        self.advanced = False
        self._text = text
        self._kind = kind
        self._parts = list(self._cut(text))
        self._at = 0
        self._depth = 0
        if len(self._parts) > _MOST_PARTS:
            raise BadQueryError("Invalid filter clause: The node count limit has been exceeded.")

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
        if part in ("not", "("):
            return self._nested(part)
        if part in ("startswith", "startsWith", "endswith", "endsWith"):
            return self._call(part.lower())
        if part.endswith("/any"):
            return self._any(part.removesuffix("/any"))
        return self._comparison(part)

    def _nested(self, part: str) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadQueryError("Invalid filter clause: The recursion limit has been exceeded.")
        if part == "not":
            self.advanced = True
            inner = self._one()
            test: Test = lambda row: not inner(row)  # noqa: E731 - as its neighbours are returned
        else:
            test = self._or()
            self._take(")")
        self._depth -= 1
        return test

    def _call(self, name: str) -> Test:
        self._take("(")
        key = self._take()
        self._property(key, str)
        self._take(",")
        value = folded(self._text_value(self._take()))
        self._take(")")
        if name == "startswith":
            return lambda row: folded(str(row[key] or "")).startswith(value)
        self.advanced = True
        return lambda row: folded(str(row[key] or "")).endswith(value)

    def _any(self, key: str) -> Test:
        self._property(key, list)
        self._take("(")
        name = self._take()
        self._take(":")
        self._take(name)
        self._take("eq")
        value = folded(self._text_value(self._take()))
        self._take(")")
        return lambda row: value in [folded(item) for item in row[key] or ()]

    def _comparison(self, key: str) -> Test:
        kind = self._property(key, str, bool)
        operator = self._take()
        if operator == "in":
            return self._in(key, kind)
        if operator not in ("eq", "ne"):
            self._fail()
        value = self._value(self._take(), kind)
        if operator == "ne":
            self.advanced = True
        return lambda row: (_comparable(row[key]) == value) is (operator == "eq")

    def _in(self, key: str, kind: type) -> Test:
        self._take("(")
        values = [self._value(self._take(), kind)]
        while self._peek() == ",":
            self._take()
            values.append(self._value(self._take(), kind))
        self._take(")")
        return lambda row: _comparable(row[key]) in values

    def _property(self, key: str, *kinds: type) -> type:
        """Its type, which must be one of `kinds`."""
        kind = self._kind.properties.get(key)
        if kind is None:
            raise BadQueryError(f"Invalid filter clause: {self._kind.unknown(key)}")
        if kind not in kinds:
            self._incompatible()
        return kind

    def _value(self, part: str, kind: type) -> Any:
        literal = {"true": True, "false": False, "null": None}
        if part not in literal and not part.startswith("'"):
            self._fail()
        value = literal[part] if part in literal else folded(self._text_value(part))
        if value is not None and not isinstance(value, kind):
            self._incompatible()
        return value

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

    def _incompatible(self) -> None:
        raise BadQueryError(f"Invalid filter clause: Operands of incompatible types stand in '{self._text}'.")


def _comparable(value: Any) -> Any:
    return folded(value) if isinstance(value, str) else value
