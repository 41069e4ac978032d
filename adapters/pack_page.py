"""The yearly pack as one page of HTML to read and to print: no script, nothing from outside, every text escaped.

Rows go into files beside it as they come; the page is put together at the end, with the summary first.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from html import escape
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO

from cards.pack import Cell, shown
from domain.moments import uk_time

Part = Sequence[str] | Cell
"""One cell: a moment, a number, a text, or several sentences."""

_HEAD = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: Arial, sans-serif; font-size: 1rem; line-height: 1.4; color: #212b32; background: #fff;
  margin: 1.5rem; }}
h1, h2 {{ line-height: 1.2; }}
a {{ color: #005eb8; }}
a:focus, .wide:focus {{ outline: 4px solid #212b32; background: #ffeb3b; }}
table {{ border-collapse: collapse; margin: 1rem 0 2rem; }}
caption {{ text-align: left; font-weight: bold; padding-bottom: .5rem; }}
th, td {{ border: 1px solid #768692; padding: .4rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }}
thead th {{ background: #e8edee; }}
td p {{ margin: 0 0 .3rem; }}
.wide {{ overflow-x: auto; }}
.wide table {{ min-width: 70rem; font-size: .875rem; }}
.wide th, .wide td {{ min-width: 6.5rem; }}
.bad {{ border-left: 8px solid #d5281b; padding: .5rem 1rem; }}
@page {{ size: A4 landscape; margin: 12mm; }}
@media print {{
  body {{ margin: 0; font-size: 9pt; }}
  nav {{ display: none; }}
  .wide {{ overflow: visible; }}
  .wide table {{ min-width: 0; width: 100%; font-size: 7pt; }}
  thead {{ display: table-header-group; }}
  tr {{ break-inside: avoid; }}
}}
</style>
</head>
<body>
<main>
"""
_TAIL = "</main>\n</body>\n</html>\n"


def text(value: str) -> str:
    return escape(shown(value))


def paragraph(value: str) -> str:
    return f"<p>{text(value)}</p>\n"


def write_table(
    out: IO[str], caption: str, columns: Sequence[str], rows: "Iterable[Sequence[Part]] | Rows", *, wide: str = ""
) -> None:
    """`wide`: an id, for a table that may have to be scrolled sideways. The first cell of a row names the row."""
    name = f' id="{wide}"' if wide else ""
    if wide:
        out.write(f'<div class="wide" role="region" tabindex="0" aria-labelledby="{wide}">\n')
    head = "".join(f'<th scope="col">{text(column)}</th>' for column in columns)
    out.write(f"<table>\n<caption{name}>{text(caption)}</caption>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n")
    if isinstance(rows, Rows):
        rows.copy_to(out)
    else:
        out.writelines(map(row_of, rows))
    out.write("</tbody>\n</table>\n" + ("</div>\n" if wide else ""))


def row_of(row: Sequence[Part]) -> str:
    first, *others = row
    cells = "".join(f"<td>{_cell(part)}</td>" for part in others)
    return f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>\n'


def _cell(part: Part) -> str:
    if isinstance(part, datetime):
        return text(uk_time(part))
    if isinstance(part, int):
        return f"{part:,}"
    if isinstance(part, str):
        return text(part)
    return "".join(f"<p>{text(sentence)}</p>" for sentence in part if sentence)


class Rows:
    """The rows of one table, written one after the other."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.number = 0

    def add(self, row: Sequence[Part]) -> None:
        self._file.write(row_of(row))
        self.number += 1

    def copy_to(self, out: IO[str]) -> None:
        self._file.seek(0)
        copyfileobj(self._file, out)


@contextmanager
def rows(folder: Path, number: int) -> Iterator[tuple[Rows, ...]]:
    """So many tables, in files of this folder that have no name and are gone afterwards."""
    with ExitStack() as stack:
        yield tuple(
            Rows(stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)))
            for _ in range(number)
        )


@contextmanager
def page(path: Path, title: str) -> Iterator[IO[str]]:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD.format(title=text(title)))
        yield file
        file.write(_TAIL)
