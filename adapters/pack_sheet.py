"""The yearly pack as a spreadsheet. Rows go to the file as they come, so a long year needs no memory.

All texts are cells of text and none begins like a formula, here or where somebody saves the sheet as CSV.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.audit_export import cell
from adapters.policy_file import BadFileError
from cards.pack import Cell, shown
from domain.moments import UK

MOST_ROWS = 1_048_576
"""What a sheet of Excel holds."""
_WIDTH = 22


class Sheet:
    """One table. Made by `workbook`."""

    def __init__(self, book: Any, sheet: Any, columns: Sequence[str], widths: Sequence[int]) -> None:
        self._sheet = sheet
        self._text = book.add_format({"num_format": "@", "valign": "top"})
        self._moment = book.add_format({"num_format": "d mmmm yyyy hh:mm", "valign": "top", "align": "left"})
        head = book.add_format({"bold": True, "valign": "top", "text_wrap": True, "bottom": 1})
        self._columns, self._rows = len(columns), 0
        for number in range(self._columns):
            sheet.set_column(number, number, widths[number] if number < len(widths) else _WIDTH)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        self._write(columns, head)

    def row(self, cells: Sequence[Cell]) -> None:
        """Raises `BadFileError` where the sheet is full: nothing is left out silently."""
        if self._rows >= MOST_ROWS:
            raise BadFileError(
                ("There is more than a spreadsheet holds. Give a shorter time, for example half a year.",)
            )
        self._write(cells, self._text)

    def close(self) -> None:
        self._sheet.autofilter(0, 0, self._rows - 1, self._columns - 1)

    def _write(self, cells: Sequence[Cell], text: Any) -> None:
        for number, value in enumerate(cells):
            if isinstance(value, datetime):
                local = value.astimezone(UK).replace(tzinfo=None)
                self._sheet.write_datetime(self._rows, number, local, self._moment)
            elif isinstance(value, int):
                self._sheet.write_number(self._rows, number, value)
            elif value:
                self._sheet.write_string(self._rows, number, cell(shown(value)), text)
        self._rows += 1


class Workbook:
    def __init__(self, book: Any) -> None:
        self._book = book
        self._sheets: list[Sheet] = []

    def sheet(self, title: str, columns: Sequence[str], widths: Iterable[int] = ()) -> Sheet:
        made = Sheet(self._book, self._book.add_worksheet(title), columns, tuple(widths))
        self._sheets.append(made)
        return made

    def close(self) -> None:
        for sheet in self._sheets:
            sheet.close()


@contextmanager
def workbook(path: Path, title: str, at: datetime) -> Iterator[Workbook]:
    """Blocking. What is not written yet is in files beside it, and gone afterwards."""
    import xlsxwriter  # here: only this command needs it

    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": title, "created": at.replace(tzinfo=None)})
        made = Workbook(book)
        yield made
        made.close()
