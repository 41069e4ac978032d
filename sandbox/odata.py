"""The part of OData that people use on lists: $search, $select and $orderby over plain dicts. No HTTP."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


class BadQueryError(ValueError):
    """Graph could not read the query. The message is in Graph's own style."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of Graph's, as `user`, with its properties: each is a `str`, a `bool` or a `list` of texts."""

    name: str
    properties: Mapping[str, type]
    usual: tuple[str, ...] = ()
    """What Graph shows where `$select` names nothing; all of them where this is empty."""

    @property
    def odata_type(self) -> str:
        return f"#microsoft.graph.{self.name}"

    def unknown(self, name: str) -> str:
        return f"Could not find a property named '{name}' on type 'microsoft.graph.{self.name}'."

    def chosen(self, select_text: str) -> tuple[str, ...]:
        """The properties that `$select` names, else the usual ones. Raises `BadQueryError` on an unknown one."""
        if not select_text.strip():
            return self.usual or tuple(self.properties)
        real = {name.lower(): name for name in self.properties}
        names = [name.strip() for name in select_text.split(",")]
        for name in names:
            if name.lower() not in real:
                raise BadQueryError(f"Parsing OData Select and Expand failed: {self.unknown(name)}")
        return tuple(real[name.lower()] for name in names)


def selected(row: Json, names: Iterable[str]) -> Json:
    return {name: row[name] for name in names}


def searched(rows: Iterable[Json], search_text: str) -> list[Json]:
    """The rows that a `$search` finds: `"displayName:anna" AND "mail:nhs"`. Raises `BadQueryError`."""
    alternatives = [[_clause(one) for one in _split(part, "AND")] for part in _split(search_text, "OR")]
    return [row for row in rows if any(all(_found(row, *clause) for clause in clauses) for clauses in alternatives)]


def ordered(rows: Iterable[Json], order_text: str, sortable: Sequence[str]) -> list[Json]:
    """Raises `BadQueryError` where the property is not one of `sortable`."""
    found = re.fullmatch(r"\s*(\w+)(?:\s+(asc|desc))?\s*", order_text)
    if not found or found[1] not in sortable:
        raise BadQueryError(f"Unsupported sort property in '{order_text}'.")
    return sorted(rows, key=lambda row: folded(row[found[1]] or ""), reverse=found[2] == "desc")


def folded(text: str) -> str:
    """Entra compares without regard to case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


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
