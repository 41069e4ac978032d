"""What a file is, by its content; its name; and whether it may be kept."""

import io
import struct
import unicodedata
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refusal
from domain.evidence import EXTENSIONS, EvidenceFile, check_file, clean_name, digest_of, kind_of, size_of
from tests.files import DOCX, EACH, JPEG, PDF, PNG, WORD_TYPES, chunk, docx

KINDS = tuple(EACH)


def kept(content: bytes = b"kept", name: str = "letter.pdf") -> EvidenceFile:
    moment = datetime(2026, 8, 6, 12, 0, tzinfo=UTC)
    return EvidenceFile("f1", name, "pdf", len(content), sha256(content).hexdigest(), moment, "id-of-an-owner")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_by_its_content(kind: str) -> None:
    assert kind_of(EACH[kind]) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_anywhere_is_of_no_kind(kind: str) -> None:
    content = EACH[kind].rstrip(b"\n")
    assert [length for length in range(len(content)) if kind_of(content[:length])] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"MZ\x90\x00 a program",
        b"<!DOCTYPE html><html><title>Sign in to your account</title></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old or a protected Word file",
        b"<script>%PDF-1.7</script>" + PDF,
        b"%PDF-9.9\n%%EOF",
        b"\xff\xd8\xff\xd9",
        PNG[:8] + PNG[8:33] + chunk(b"IEND", b""),
        PNG + b"<script>alert(1)</script>",
        PNG.replace(b"IDAT", b"IDAX"),
    ],
)
def test_anything_else_is_of_no_kind(content: bytes) -> None:
    assert kind_of(content) == ""


def test_a_photo_may_have_bytes_of_the_telephone_behind_it() -> None:
    assert kind_of(JPEG + b"SEFH of a telephone") == "jpeg"


def test_the_end_of_a_small_picture_within_a_photo_is_not_its_end() -> None:
    inside = b"\xff\xe1" + struct.pack(">H", 2 + len(JPEG)) + JPEG
    whole = JPEG[:2] + inside + JPEG[2:]
    assert kind_of(whole) == "jpeg"
    assert kind_of(whole[:-2]) == ""


def test_a_zip_that_is_no_word_document_is_of_no_kind() -> None:
    sheet = WORD_TYPES.replace("wordprocessingml.document", "spreadsheetml.sheet")
    assert kind_of(docx(types=sheet)) == ""
    assert kind_of(_zip({"a.txt": b"a", "b.txt": b"b"})) == ""
    assert kind_of(_zip({"[Content_Types].xml": WORD_TYPES.encode()})) == ""


@pytest.mark.parametrize(
    "made",
    [
        docx({"word/vbaProject.bin": b"macro"}),
        docx({"word/VBAPROJECT.BIN": b"macro"}),
        docx({"word/activeX/activeX1.bin": b"control"}),
        docx(types=WORD_TYPES.replace("/vnd.openxmlformats", "/vnd.ms-word.macroEnabled") + WORD_TYPES),
        docx(types=(WORD_TYPES + "application/vnd.ms-office.vbaProject").encode("utf-16")),
        docx({"../../outside.txt": b"x"}),
        docx({"/etc/outside.txt": b"x"}),
    ],
)
def test_a_document_with_macros_controls_or_paths_that_lead_out_is_not_taken(made: bytes) -> None:
    assert kind_of(made) == ""


def test_a_document_whose_parts_are_broken_is_not_taken() -> None:
    whole = docx({"word/media/image1.png": PNG * 50})
    at = whole.index(b"word/media/image1.png") + 60
    assert kind_of(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]) == ""


def test_a_zip_bomb_is_turned_away_by_what_it_claims() -> None:
    assert kind_of(docx({"word/media/zeros.bin": bytes(70_000_000)})) == ""
    assert kind_of(docx({f"word/{number}": b"" for number in range(2100)})) == ""


def test_a_zip_that_claims_less_than_it_unpacks_is_broken() -> None:
    whole = docx({"word/media/zeros.bin": bytes(5_000_000)})
    lying = whole.replace(struct.pack("<L", 5_000_000), struct.pack("<L", 5_000))
    assert lying != whole
    assert kind_of(lying) == ""


def test_a_zip_with_something_before_behind_or_beside_it_is_not_taken() -> None:
    assert kind_of(b"PK\x03\x04" + DOCX) == ""
    assert kind_of(DOCX + b"behind") == ""
    assert kind_of(_zip({"[Content_Types].xml": WORD_TYPES.encode(), "word/document.xml": b"x"}, b"a comment")) == ""


def test_a_name_that_stands_twice_in_a_zip_is_not_taken() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", WORD_TYPES)
        archive.writestr("word/document.xml", "one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("word/document.xml", "two")
    assert kind_of(file.getvalue()) == ""


def test_an_encrypted_zip_is_not_taken() -> None:
    flagged = bytearray(DOCX)
    at = flagged.rindex(b"PK\x01\x02")
    flagged[at + 8] |= 1
    assert kind_of(bytes(flagged)) == ""


@given(st.binary(max_size=300))
def test_no_content_is_too_strange_to_be_told(content: bytes) -> None:
    assert kind_of(content) in ("", *KINDS)


@given(st.sampled_from(KINDS), st.data())
def test_no_damage_to_a_file_makes_it_fail(kind: str, data: st.DataObject) -> None:
    content = bytearray(EACH[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert kind_of(bytes(content)) in ("", *KINDS)


@given(st.text(), st.sampled_from(["", *KINDS]))
def test_a_clean_name_is_short_harmless_and_stays_as_it_is(name: str, kind: str) -> None:
    clean = clean_name(name, kind)
    assert 0 < len(clean) <= 80
    assert not set(clean) & set('/\\<>:"|?*\r\n\t\0')
    assert all(letter == " " or unicodedata.category(letter)[0] not in "CZ" for letter in clean)
    assert clean == clean.strip(" .")
    assert clean_name(clean, kind) == clean
    if kind:
        assert clean.lower().endswith(tuple(f".{end}" for end in EXTENSIONS[kind]))


@pytest.mark.parametrize(
    ("name", "kind", "clean"),
    [
        ("Letter from the GP.pdf", "pdf", "Letter from the GP.pdf"),
        ("photo.JPEG", "jpeg", "photo.JPEG"),
        ("photo.png", "jpeg", "photo.jpg"),
        ("letter", "docx", "letter.docx"),
        ("Dr. Smith on 1.2.2027", "pdf", "Dr. Smith on 1.2.2027.pdf"),
        ("..\\..\\windows/system32/evil.exe", "pdf", "evil.pdf"),
        ("invoice\u202efdp.exe", "pdf", "invoicefdp.pdf"),
        ('a "quoted": name?.pdf', "pdf", "a -quoted-- name-.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "pdf", "a Set-Cookie- x.pdf"),
        ("", "png", "evidence.png"),
        ("...", "", "evidence"),
        ("Ysbyty Gwynedd – llythyr.docx", "docx", "Ysbyty Gwynedd – llythyr.docx"),
        ("x" * 200 + ".pdf", "pdf", "x" * 76 + ".pdf"),
    ],
)
def test_a_name_keeps_what_people_need_of_it(name: str, kind: str, clean: str) -> None:
    assert clean_name(name, kind) == clean


def check(name: str, content: bytes, *already: EvidenceFile, **limits: Any) -> str:
    usual: dict[str, Any] = {"most_files": 3, "most_bytes": 100_000, "kinds": KINDS}
    return check_file(name, content, already, **(usual | limits))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_with_a_fitting_name_is_kept(kind: str) -> None:
    assert check(f"letter.{EXTENSIONS[kind][-1]}", EACH[kind], kept()) == kind
    assert check("letter", EACH[kind]) == kind


@pytest.mark.parametrize(
    ("name", "content", "already", "limits", "rule", "said"),
    [
        ("a.pdf", b"", (), {}, "evidence_empty", "“a.pdf” is empty"),
        ("a.pdf", PDF, (), {"most_bytes": 10}, "evidence_too_large", "at most"),
        ("a.pdf", PDF, [kept(), kept(), kept()], {}, "evidence_too_many", "Remove one"),
        ("a.pdf", b"<html>Sign in</html>", (), {}, "evidence_kind", "PDF, PNG, JPEG or Word (docx)"),
        ("a.docx", DOCX, (), {"kinds": ["pdf"]}, "evidence_kind", "We take PDF files"),
        ("a.pdf", PNG, (), {}, "evidence_name", "ends in “.png”"),
        ("a.exe", PDF, (), {}, "evidence_name", "“.exe”"),
        ("b.pdf", PDF, [kept(PDF, "first.pdf")], {}, "evidence_again", "as “first.pdf”"),
    ],
)
def test_a_file_that_is_not_kept_says_why_and_what_to_do(
    name: str, content: bytes, already: tuple[EvidenceFile, ...], limits: dict[str, Any], rule: str, said: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        check(name, content, *already, **limits)
    assert refusal.value.rule == rule
    assert said in refusal.value.sentence


def test_a_refusal_never_says_a_name_that_was_not_cleaned() -> None:
    with pytest.raises(Refusal) as refusal:
        check("ev\u202eil.pdf", b"")
    assert refusal.value.sentence.startswith("“evil.pdf” is empty")


def test_a_digest_is_of_answers_and_contents_in_any_order() -> None:
    one, two = kept(b"1"), kept(b"2")
    first = digest_of({"a": "1", "b": "2"}, [one, two])
    assert digest_of({"b": "2", "a": "1"}, [two, one]) == first
    assert (
        len({first, digest_of({"a": "1"}, [one, two]), digest_of({"a": "1", "b": "2"}, [one]), digest_of({}, [])}) == 4
    )


def test_sizes_read_as_people_write_them() -> None:
    assert [size_of(count) for count in (1, 999, 120_400, 5_000_000, 12_340_000)] == [
        "1 KB", "1 KB", "120 KB", "5 MB", "12.3 MB",
    ]  # fmt: skip


def _zip(parts: dict[str, bytes], comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
