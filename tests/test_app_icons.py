"""The icons of the Teams app, pixel by pixel: https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package"""

import struct
import zlib
from pathlib import Path

import pytest

from tests.builders import ROOT

Pixel = tuple[int, int, int, int]
BLUE: Pixel = (0x00, 0x5E, 0xB8, 0xFF)
WHITE: Pixel = (0xFF, 0xFF, 0xFF, 0xFF)
PADDING = 48
"""Teams crops the colour icon to a circle, a hexagon or round corners: the symbol stays within the middle half."""


def pixels(path: Path) -> list[list[Pixel]]:
    """The rows of a PNG with 8 bits of red, green, blue and perhaps alpha: https://www.w3.org/TR/png/"""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    assert (depth, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[colour]
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += length + 12
    raw, before, rows = zlib.decompress(packed), bytes(width * size), []
    for start in range(0, height * (width * size + 1), width * size + 1):
        before = unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], before, size)
        row = [(*before[x : x + size], 255)[:4] for x in range(0, width * size, size)]
        rows.append([(red, green, blue, alpha) for red, green, blue, alpha in row])
    return rows


def unfiltered(kind: int, line: bytes, above: bytes, size: int) -> bytes:
    """`size`: bytes of a pixel."""
    out = bytearray()
    for at, value in enumerate(line):
        left, up, corner = (out[at - size], above[at], above[at - size]) if at >= size else (0, above[at], 0)
        nearest = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
        out.append((value + (0, left, up, (left + up) // 2, nearest)[kind]) & 0xFF)
    return bytes(out)


@pytest.fixture(scope="module")
def color() -> list[list[Pixel]]:
    return pixels(ROOT / "manifest" / "color.png")


@pytest.fixture(scope="module")
def outline() -> list[list[Pixel]]:
    return pixels(ROOT / "manifest" / "outline.png")


def test_the_colour_icon_is_a_full_square_of_192(color: list[list[Pixel]]) -> None:
    assert (len(color), {len(row) for row in color}) == (192, {192})
    assert {pixel[3] for row in color for pixel in row} == {255}


def test_the_symbol_of_the_colour_icon_stays_where_teams_does_not_crop(color: list[list[Pixel]]) -> None:
    inside = range(PADDING, 192 - PADDING)
    around = {color[y][x] for y in range(192) for x in range(192) if y not in inside or x not in inside}
    assert around == {BLUE}


def test_the_colour_icon_has_a_symbol_that_fills_its_place(color: list[list[Pixel]]) -> None:
    inside = [pixel for row in color[PADDING:-PADDING] for pixel in row[PADDING:-PADDING]]
    assert 0.25 < inside.count(WHITE) / len(inside) < 0.75
    assert any(color[PADDING][x] != BLUE for x in range(192))
    assert any(color[-PADDING - 1][x] != BLUE for x in range(192))


def test_the_outline_icon_is_pure_white_on_nothing_and_32_wide(outline: list[list[Pixel]]) -> None:
    assert (len(outline), {len(row) for row in outline}) == (32, {32})
    assert {pixel[:3] for row in outline for pixel in row if pixel[3]} == {(255, 255, 255)}
    assert all(outline[y][x][3] == 0 for y in (0, -1) for x in (0, -1))


def test_the_outline_icon_has_no_padding_and_is_not_blank(outline: list[list[Pixel]]) -> None:
    drawn = [(x, y) for y, row in enumerate(outline) for x, pixel in enumerate(row) if pixel[3] > 127]
    assert 0.15 < len(drawn) / 32**2 < 0.6
    assert (min(y for _, y in drawn), max(y for _, y in drawn)) in {(0, 31), (1, 31), (1, 30), (0, 30)}
    assert min(x for x, _ in drawn) <= 3
    assert max(x for x, _ in drawn) >= 28
