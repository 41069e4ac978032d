"""Files given as evidence: what a file is, by its content, and whether it may be kept. Pure; it opens nothing."""

import io
import json
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.errors import Refusal
from texts import any_of, say

PDF, PNG, JPEG, DOCX = "pdf", "png", "jpeg", "docx"
TITLES = {PDF: "PDF", PNG: "PNG", JPEG: "JPEG", DOCX: "Word (docx)"}
EXTENSIONS = {PDF: ("pdf",), PNG: ("png",), JPEG: ("jpg", "jpeg"), DOCX: ("docx",)}
"""By kind, without the dot; the first one is given to a name that has none."""
LONGEST_NAME = 80

_PNG_START = b"\x89PNG\r\n\x1a\n"
_ZIP_END = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR = 20
_MOST_ENTRIES = 2000
_MOST_DIRECTORY = 512 * 1024
_MOST_UNPACKED = 64 * 1024 * 1024
_MOST_TYPES = 512 * 1024
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers that stand alone."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXTENSION = re.compile(r"(.+?)\s*\.\s*([A-Za-z][A-Za-z0-9]{1,4})", re.DOTALL)
_UNSAFE = re.compile(r'[<>:"|?*]')
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """What is known of a kept file; its content is only in the store."""

    id: str
    name: str
    kind: str
    size: int
    sha256: str
    """Of the content, in hexadecimal."""
    added_at: datetime
    added_by: str
    """The Entra id of whoever gave it."""


def check_file(
    name: str,
    content: bytes,
    already: Sequence[EvidenceFile],
    *,
    most_files: int,
    most_bytes: int,
    kinds: Sequence[str],
) -> str:
    """The file's kind. Raises `Refusal` where it may not be kept. Up to half a second of work for a large Word file."""
    shown = clean_name(name, "")
    if len(already) >= most_files:
        raise Refusal(
            say("owner.evidence_too_many", count=most_files, shown=shown),
            rule="evidence_too_many",
        )
    if not content:
        raise Refusal(say("owner.evidence_empty", shown=shown), rule="evidence_empty")
    if len(content) > most_bytes:
        raise too_large(name, most_bytes)
    kind = kind_of(content)
    if not kind or kind not in kinds:
        raise Refusal(
            say("owner.evidence_kind", shown=shown, listed=_listed(kinds)),
            rule="evidence_kind",
        )
    extension = _extension(shown)
    if extension and extension not in EXTENSIONS[kind]:
        raise Refusal(
            say("owner.evidence_name", shown=shown, kind=TITLES[kind], extension=extension, ends=EXTENSIONS[kind][0]),
            rule="evidence_name",
        )
    mark = sha256(content).hexdigest()
    same = next((file for file in already if file.sha256 == mark), None)
    if same is not None:
        raise Refusal(say("owner.evidence_again", same=same.name), rule="evidence_again")
    return kind


def too_large(name: str, most_bytes: int) -> Refusal:
    """For whoever finds out before the whole content is there, too. `name` may be empty."""
    shown = say("owner.quoted", words=clean_name(name, "")) if name else say("owner.this_file")
    return Refusal(
        say("owner.evidence_too_large", shown=shown, most=size_of(most_bytes)),
        rule="evidence_too_large",
    )


def clean_name(name: str, kind: str) -> str:
    """The name without path, control characters and marks that change its direction, with an extension of `kind`.

    At most 80 characters, never empty. An unknown or empty `kind` leaves the extension as it is.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(" " if letter.isspace() else letter for letter in last if _is_seen(letter))
    words = _trimmed(_UNSAFE.sub("-", unicodedata.normalize("NFC", seen)))
    if kind not in EXTENSIONS:
        return _trimmed(words[:LONGEST_NAME]) or "evidence"
    ends = EXTENSIONS[kind]
    match = _EXTENSION.fullmatch(words)
    stem, extension = (match[1], match[2]) if match else (words, ends[0])
    if extension.lower() not in ends:
        extension = ends[0]
    return f"{_trimmed(stem[: LONGEST_NAME - len(extension) - 1]) or 'evidence'}.{extension}"


def _trimmed(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" .")


def _is_seen(letter: str) -> bool:
    """False for what has no shape of its own: controls, direction marks, joiners, half surrogates, unassigned."""
    return letter.isspace() or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _extension(name: str) -> str:
    match = _EXTENSION.fullmatch(name)
    return match[2].lower() if match else ""


def _listed(kinds: Sequence[str]) -> str:
    titles = [TITLES.get(kind, kind) for kind in kinds]
    return any_of(titles) if titles else say("owner.no_kinds")


def size_of(count: int) -> str:
    """A number of bytes for people: “5 MB”, “120 KB”."""
    return f"{count / 1_000_000:.3g} MB" if count >= 1_000_000 else f"{max(1, count // 1000)} KB"


def kind_of(content: bytes) -> str:
    """`pdf`, `png`, `jpeg` or `docx`, by the content alone; empty for anything else and for what is cut off."""
    if _is_pdf(content):
        return PDF
    if _is_png(content):
        return PNG
    if _is_jpeg(content):
        return JPEG
    return DOCX if _is_docx(content) else ""


def _is_pdf(content: bytes) -> bool:
    # ISO 32000 lets the header stand later and things follow the end; a file that begins as something else is no PDF.
    return re.match(rb"%PDF-[12]\.[0-9]", content) is not None and b"%%EOF" in content[-2048:]


def _is_png(content: bytes) -> bool:
    """The header comes first, the chunks follow each other without a gap, and the last one is the end."""
    if not content.startswith(_PNG_START + b"\x00\x00\x00\x0dIHDR"):
        return False
    at, has_data = len(_PNG_START), False
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">L4s", content, at)
        after = at + 12 + length
        if after > len(content):
            return False
        (said,) = struct.unpack_from(">L", content, after - 4)
        if zlib.crc32(memoryview(content)[at + 4 : after - 4]) != said:
            return False
        if name == b"IEND":
            return has_data and after == len(content)
        has_data |= bool(name == b"IDAT")
        at = after
    return False


def _is_jpeg(content: bytes) -> bool:
    """Segments up to the first scan, among them a frame, and an end after it. Phones add bytes of their own behind."""
    if not content.startswith(b"\xff\xd8\xff"):
        return False
    at, has_frame = 2, False
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if length < 2:
            return False
        has_frame = has_frame or marker in _FRAMES
        at += 2 + length
        if marker == 0xDA:
            return has_frame and content.find(b"\xff\xd9", at) > at
    return False


def _is_docx(content: bytes) -> bool:
    """A whole, unencrypted zip of bounded size with the parts of a Word document, and no macros or controls."""
    if not content.startswith(b"PK\x03\x04") or not _is_small_directory(content):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _holds_document(archive)
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError):
        return False  # RuntimeError covers NotImplementedError: a compression that this Python has not


def _is_small_directory(content: bytes) -> bool:
    """Looks at the zip's end before anything is read from it: nothing in front, nothing behind, no zip64, one disk."""
    if len(content) < _ZIP_END.size:
        return False
    mark, disk, first, here, entries, size, at, comment = _ZIP_END.unpack(content[-_ZIP_END.size :])
    end = len(content) - _ZIP_END.size
    return bool(
        mark == b"PK\x05\x06"
        and (disk, first, comment) == (0, 0, 0)
        and here == entries
        and 2 <= entries <= _MOST_ENTRIES
        and size <= _MOST_DIRECTORY
        and at + size == end
        and not content[:end][-_ZIP64_LOCATOR:].startswith(b"PK\x06\x07")
    )


def _holds_document(archive: zipfile.ZipFile) -> bool:
    entries = {entry.filename: entry for entry in archive.infolist()}
    types = entries.get("[Content_Types].xml")
    if types is None or "word/document.xml" not in entries or len(entries) != len(archive.infolist()):
        return False
    if types.file_size > _MOST_TYPES or sum(entry.file_size for entry in entries.values()) > _MOST_UNPACKED:
        return False
    if any(entry.flag_bits & 0x1 or _is_foreign(name) for name, entry in entries.items()):
        return False
    # Written in UTF-16 by some: without the zeros it reads the same.
    said = archive.read(types).replace(b"\0", b"").lower()
    if b"wordprocessingml.document.main+xml" not in said or any(
        word in said for word in (b"macroenabled", b"vbaproject", b"activex")
    ):
        return False
    return archive.testzip() is None


def _is_foreign(name: str) -> bool:
    """A macro project, a control, or a path that leads out of the folder."""
    lower = name.lower()
    outside = lower.startswith("/") or "\\" in lower or ".." in lower.split("/")
    return outside or "vbaproject" in lower or "vbadata" in lower or "activex" in lower


def digest_of(answers: Mapping[str, str], files: Iterable[EvidenceFile]) -> str:
    """SHA-256, in hexadecimal, of answers and files in whatever order they came: names and moments do not count."""
    form = {"answers": dict(answers), "files": sorted(file.sha256 for file in files)}
    return sha256(json.dumps(form, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
