"""Reads a file of sites: comma-separated values, as spreadsheets write them. All that is wrong is said, line by line.

Each line of the file is one site, so a cell holds no line break: quotation marks that are not closed then spoil one
line only, and never swallow the ones below.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from domain.given_site import COLUMNS, Fault, Given, read

MOST_LINES = 20_000
LARGEST = 32 * 1024 * 1024
"""Bytes."""
_LONGEST = 20_000
"""Characters of one line."""
_NEEDED = COLUMNS[:4]
_SEPARATORS = (",", ";", "\t")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SAVE = "Save it as “CSV UTF-8” and try again."


@dataclass(frozen=True, slots=True)
class File:
    """What a file says, and all that is wrong with it."""

    given: tuple[Given, ...] = ()
    """The lines without a fault."""
    half: tuple[Given, ...] = ()
    """What could be read of the lines with a fault."""
    faults: tuple[Fault, ...] = ()
    codes: frozenset[str] = frozenset()
    """The codes that it names, those on bad lines too."""


def read_sites(path: Path) -> File:
    """Raises `OSError` where the file cannot be opened."""
    with path.open("rb") as file:
        return parse(file.read(LARGEST + 1))


def parse(content: bytes) -> File:
    try:
        header, *lines = _lines(content)
        separator, names = _header(*header)
    except _Unusable as fault:
        return File(faults=(fault.fault,))
    given: list[Given] = []
    half: list[Given] = []
    faults: list[Fault] = []
    first: dict[str, int] = {}
    for number, text in lines:
        cells, wrong = _cells(text, separator, names)
        if cells is None:
            faults.append(Fault(number, wrong))
            continue
        if not any(cell.strip() for cell in cells.values()):
            continue
        site, found = read(cells, number)
        code = cells["ods"].strip().upper()
        before = first.setdefault(code, number)
        if before != number and code:
            found = (Fault(number, f"The code is on line {before} already. Keep one line for each site."), *found)
        faults += found
        (half if found else given).append(site)
    if not first and not faults:
        faults.append(Fault(header[0], "There is no site below the header. Write one line for each site."))
    return File(tuple(given), tuple(half), tuple(faults), frozenset(first))


class _Unusable(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = Fault(line, sentence)


def _lines(content: bytes) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers; there is at least one."""
    if len(content) > LARGEST:
        raise _Unusable(1, f"The file has more than {LARGEST // 1024 // 1024} MB. Divide it.")
    if content.startswith(_WORKBOOKS):
        raise _Unusable(1, f"The file is a workbook of a spreadsheet and not text. {_SAVE}")
    text = _text(content)
    # Only these ends of lines: splitlines() would also break at signs that a name may hold.
    numbered = enumerate(StringIO(text, newline=None), start=1)
    lines = [(number, line.rstrip("\n")) for number, line in numbered if line.strip()]
    if len(lines) > MOST_LINES + 1:
        raise _Unusable(lines[MOST_LINES + 1][0], f"The file has more than {MOST_LINES:,} lines. Divide it.")
    if not lines:
        raise _Unusable(1, f"The file is empty. Its first line must name the columns: {', '.join(COLUMNS)}.")
    return lines


def _text(content: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, else Windows-1252."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _Unusable(1, f"The file is not text. {_SAVE}")


def _header(number: int, text: str) -> tuple[str, list[str]]:
    """The separator and the names of the columns, in the file's order; empty for a column without a name."""
    if _NOT_TEXT.search(text):
        raise _Unusable(number, f"The file is not text. {_SAVE}")
    separator = max(_SEPARATORS, key=lambda one: len(set(_names(text, one)) & set(COLUMNS)))
    names = _names(text, separator)
    wrong = list(_header_faults(names))
    if wrong:
        raise _Unusable(number, " ".join(wrong))
    return separator, names


def _names(text: str, separator: str) -> list[str]:
    cells = _split(text, separator)
    return ["_".join(cell.replace("_", " ").split()).lower() for cell in cells or []]


def _header_faults(names: Sequence[str]) -> Iterator[str]:
    missing = [name for name in _NEEDED if name not in names]
    strange = [name[:40] for name in names if name and name not in COLUMNS]
    twice = sorted({name for name in names if name and names.count(name) > 1} & set(COLUMNS))
    if missing:
        yield (
            f"The header does not name these columns: {', '.join(missing)}. Write {','.join(COLUMNS)} on the first "
            "line (the last two may be left out), separated by commas, semicolons or tabs."
        )
    if strange and len(missing) < len(_NEEDED):
        yield f"These columns are not known: {', '.join(strange)}. Rename them, or take them out."
    if twice:
        yield f"These columns are there more than once: {', '.join(twice)}. Keep one of each."


def _cells(text: str, separator: str, names: Sequence[str]) -> tuple[dict[str, str] | None, str]:
    """The line's cells by the columns' names, or None and what is wrong."""
    if _NOT_TEXT.search(text):
        return None, "There are signs in this line that are not text, for example NUL. Type the line again."
    if len(text) > _LONGEST:
        return None, f"The line has more than {_LONGEST:,} characters. Shorten it."
    cells = _split(text, separator)
    if cells is None:
        return None, (
            "The quotation marks do not fit: each that opens a cell needs one that closes it on the same line. "
            "Correct them, or take line breaks out of the cell."
        )
    spare = cells[len(names) :]
    too_few = len(cells) < len(names) and any(cell.strip() for cell in cells)
    if too_few or any(cell.strip() for cell in spare):
        return None, (
            f"The line has {len(cells)} cells and the header has {len(names)}. Check its separators; put a cell that "
            "holds one in quotation marks."
        )
    by_name = zip(names, cells, strict=False)
    return dict.fromkeys(COLUMNS, "") | {name: cell for name, cell in by_name if name}, ""


def _split(text: str, separator: str) -> list[str] | None:
    """None where the quotation marks do not fit."""
    try:
        return next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error:
        return None
