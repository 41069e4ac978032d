"""Evidence in a real PostgreSQL: what is in the tables, who can open it, and two writers at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.engine import make_engine
from adapters.database.evidence import PostgresEvidence
from adapters.database.tables import evidence, evidence_files
from domain.errors import Trouble
from domain.evidence import EvidenceFile, digest_of
from services.book import Entry
from tests.adapters.postgres import postgres
from tests.builders import NOON
from tests.files import DOCX, PDF, PNG

ONE, TWO = "MFA-7K3Q-9XDM", "MFA-2222-3333"
KEY, OLD_KEY, STRANGE_KEY = (Fernet.generate_key().decode() for _ in range(3))
WORDS = "She cannot use a telephone: a tremor since 2019."


def file(number: int = 1, content: bytes = PDF) -> EvidenceFile:
    return EvidenceFile(
        f"file-{number}", f"letter {number}.pdf", "pdf", len(content), sha256(content).hexdigest(), NOON, "id-of-owner"
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as started:
        yield started


@pytest.fixture
async def database(url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE evidence, evidence_files, file_links"))
    yield engine
    await engine.dispose()


@pytest.fixture
def store(database: AsyncEngine) -> PostgresEvidence:
    return PostgresEvidence(database, [KEY])


async def everything(database: AsyncEngine) -> bytes:
    """All bytes that stand in the tables of the evidence."""
    found = b""
    async with database.connect() as connection:
        for table in ("evidence", "evidence_files"):
            for row in await connection.execute(text(f"SELECT * FROM {table}")):
                found += b"\n".join(bytes(value) if isinstance(value, bytes) else str(value).encode() for value in row)
    return found


async def test_answers_are_kept_beside_each_other_changed_and_taken_out(store: PostgresEvidence) -> None:
    assert await store.answers(ONE) == {}
    await store.keep_answer(ONE, "why", WORDS, NOON)
    await store.keep_answer(ONE, "tried", "An FIDO2 key – «nid oedd yn gweithio»", NOON)
    await store.keep_answer(TWO, "why", "Another person", NOON)
    await store.keep_answer(ONE, "why", WORDS + " Worse now.", NOON)
    assert await store.answers(ONE) == {"why": WORDS + " Worse now.", "tried": "An FIDO2 key – «nid oedd yn gweithio»"}
    await store.keep_answer(ONE, "tried", "", NOON)
    await store.keep_answer(ONE, "never given", "", NOON)
    assert list(await store.answers(ONE)) == ["why"]


async def test_files_are_kept_in_order_with_all_that_is_known_of_them(store: PostgresEvidence) -> None:
    first, second = file(2, PDF), replace(file(1, PNG), added_at=NOON + timedelta(days=1))
    assert await store.add_file(ONE, first, PDF)
    assert await store.add_file(ONE, second, PNG)
    assert await store.files(ONE) == (first, second)
    assert await store.content(ONE, second.id) == PNG
    assert await store.content(ONE, "no such file") is None
    assert await store.content(TWO, first.id) is None
    assert await store.files(TWO) == ()


async def test_the_same_content_is_kept_once_for_each_request(store: PostgresEvidence) -> None:
    assert await store.add_file(ONE, file(1), PDF)
    assert not await store.add_file(ONE, file(2), PDF)
    assert await store.add_file(TWO, file(1), PDF)
    assert [one.id for one in await store.files(ONE)] == ["file-1"]


async def test_a_file_is_removed_once_and_may_be_given_again(store: PostgresEvidence) -> None:
    await store.add_file(ONE, file(1), PDF)
    assert await store.remove_file(ONE, "file-1")
    assert not await store.remove_file(ONE, "file-1")
    assert not await store.remove_file(TWO, "file-1")
    assert await store.add_file(ONE, file(3), PDF)


async def test_the_audit_says_which_file_came_and_went_where_it_did(
    store: PostgresEvidence, database: AsyncEngine
) -> None:
    added, removed = (Entry(NOON, ONE, what, "id-1", "", "v1", {"file": "file-1"}) for what in ("added", "removed"))
    assert await store.add_file(ONE, file(1), PDF, added)
    assert not await store.add_file(ONE, file(2), PDF, replace(added, details={"file": "file-2"}))
    assert await store.remove_file(ONE, "file-1", removed)
    assert not await store.remove_file(ONE, "file-1", removed)
    assert await PostgresBook(database).entries(ONE) == (added, removed)


async def test_nothing_that_was_written_or_sent_stands_in_the_database(
    store: PostgresEvidence, database: AsyncEngine
) -> None:
    await store.keep_answer(ONE, "ground_health", WORDS, NOON)
    await store.add_file(ONE, file(1, DOCX), DOCX)
    kept = await everything(database)
    assert ONE.encode() in kept
    for plain in (WORDS, "tremor", "ground_health", "letter 1", "id-of-owner", file(1, DOCX).sha256, KEY):
        assert plain.encode() not in kept
    for part in (DOCX, DOCX[:60], b"PK\x03\x04", bytes.fromhex(file(1, DOCX).sha256)):
        assert part not in kept


async def test_the_same_words_look_different_each_time(store: PostgresEvidence, database: AsyncEngine) -> None:
    await store.keep_answer(ONE, "why", WORDS, NOON)
    before = await everything(database)
    await store.keep_answer(ONE, "why", WORDS, NOON)
    assert await everything(database) != before


async def test_a_large_file_comes_back_as_it_went_in(store: PostgresEvidence, database: AsyncEngine) -> None:
    large = PNG + bytes(range(256)) * 20_000
    await store.add_file(ONE, file(1, large), large)
    assert await store.content(ONE, "file-1") == large
    assert len(await everything(database)) < len(large) * 1.01


async def test_a_digest_tells_whether_anything_changed(store: PostgresEvidence) -> None:
    assert await store.digest(ONE) == digest_of({}, ())
    await store.keep_answer(ONE, "why", WORDS, NOON)
    await store.add_file(ONE, file(1), PDF)
    first = await store.digest(ONE)
    assert first == digest_of({"why": WORDS}, [file(1)])
    await store.keep_answer(ONE, "why", WORDS + ".", NOON)
    assert await store.digest(ONE) != first
    await store.keep_answer(ONE, "why", WORDS, NOON)
    assert await store.digest(ONE) == first


async def test_purged_evidence_is_gone_and_only_that_requests(store: PostgresEvidence, database: AsyncEngine) -> None:
    for reference in (ONE, TWO):
        await store.keep_answer(reference, "why", WORDS, NOON)
        await store.add_file(reference, file(1), PDF)
    assert await store.purge(ONE)
    assert not await store.purge(ONE)
    assert (await store.answers(ONE), await store.files(ONE), await store.content(ONE, "file-1")) == ({}, (), None)
    assert ONE.encode() not in await everything(database)
    assert await store.content(TWO, "file-1") == PDF


async def test_what_can_no_longer_be_opened_can_still_be_purged(store: PostgresEvidence, database: AsyncEngine) -> None:
    await store.keep_answer(ONE, "why", WORDS, NOON)
    assert await PostgresEvidence(database, []).purge(ONE)


@pytest.mark.parametrize("keys", [[], ["not a key"], [STRANGE_KEY]])
async def test_a_missing_or_wrong_key_is_trouble_for_good_with_a_sentence(
    store: PostgresEvidence, database: AsyncEngine, keys: list[str]
) -> None:
    await store.keep_answer(ONE, "why", WORDS, NOON)
    await store.add_file(ONE, file(1), PDF)
    other = PostgresEvidence(database, keys)
    calls = [
        other.answers(ONE),
        other.keep_answer(ONE, "why", "x", NOON),
        other.files(ONE),
        other.add_file(ONE, file(2, PNG), PNG),
        other.content(ONE, "file-1"),
        other.digest(ONE),
        other.rotate(),
    ]
    for call in calls:
        with pytest.raises(Trouble) as trouble:
            await call
        assert trouble.value.for_good
        assert "EVIDENCE_KEYS" in trouble.value.message or ONE in trouble.value.message
        assert not any(key in trouble.value.message for key in keys)
    assert await store.answers(ONE) == {"why": WORDS}
    assert len(await store.files(ONE)) == 1


async def test_keys_are_changed_without_losing_anything(database: AsyncEngine) -> None:
    old = PostgresEvidence(database, [OLD_KEY])
    for reference in (ONE, TWO):
        await old.keep_answer(reference, "why", f"{WORDS} {reference}", NOON)
    await old.add_file(ONE, file(1), PDF)
    both = PostgresEvidence(database, [KEY, OLD_KEY])
    assert await both.answers(ONE) == {"why": f"{WORDS} {ONE}"}
    assert await both.rotate() == 2
    assert await both.rotate() == 2
    new = PostgresEvidence(database, [KEY])
    assert await new.answers(TWO) == {"why": f"{WORDS} {TWO}"}
    assert await new.content(ONE, "file-1") == PDF
    with pytest.raises(Trouble):
        await old.answers(ONE)


async def test_changing_keys_goes_on_past_what_cannot_be_opened_and_says_so(database: AsyncEngine) -> None:
    await PostgresEvidence(database, [STRANGE_KEY]).keep_answer(ONE, "why", WORDS, NOON)
    await PostgresEvidence(database, [OLD_KEY]).keep_answer(TWO, "why", WORDS, NOON)
    with pytest.raises(Trouble, match=f"1 keys were wrapped anew, 1 could not be opened: {ONE}"):
        await PostgresEvidence(database, [KEY, OLD_KEY]).rotate()
    assert await PostgresEvidence(database, [KEY]).answers(TWO) == {"why": WORDS}


async def test_evidence_of_one_request_cannot_be_passed_off_as_anothers(
    store: PostgresEvidence, database: AsyncEngine
) -> None:
    for reference in (ONE, TWO):
        await store.keep_answer(reference, "why", f"of {reference}", NOON)
    async with database.begin() as connection:
        await connection.execute(text("DELETE FROM evidence WHERE reference = :one"), {"one": ONE})
        await connection.execute(update(evidence).values(reference=ONE))
    with pytest.raises(Trouble, match="from another place") as trouble:
        await store.answers(ONE)
    assert trouble.value.for_good


async def test_one_file_cannot_be_passed_off_as_another_of_the_same_request(
    store: PostgresEvidence, database: AsyncEngine
) -> None:
    await store.add_file(ONE, file(1, PDF), PDF)
    await store.add_file(ONE, file(2, PNG), PNG)
    async with database.begin() as connection:
        await connection.execute(
            text("UPDATE evidence_files SET content = (SELECT content FROM evidence_files WHERE id = 'file-2')")
        )
    with pytest.raises(Trouble, match="from another place"):
        await store.content(ONE, "file-1")


async def test_a_changed_byte_is_found_out(store: PostgresEvidence, database: AsyncEngine) -> None:
    await store.add_file(ONE, file(1), PDF)
    async with database.begin() as connection:
        await connection.execute(update(evidence_files).values(content=text("set_byte(content, 40, 7)")))
    with pytest.raises(Trouble, match="it was changed"):
        await store.content(ONE, "file-1")


async def test_of_many_who_write_at_once_nobody_loses_an_answer(store: PostgresEvidence, database: AsyncEngine) -> None:
    other = PostgresEvidence(database, [KEY])
    await asyncio.gather(
        *((store, other)[number % 2].keep_answer(ONE, f"item-{number}", str(number), NOON) for number in range(20))
    )
    assert await store.answers(ONE) == {f"item-{number}": str(number) for number in range(20)}


async def test_of_two_who_send_the_same_file_at_once_one_is_kept(
    store: PostgresEvidence, database: AsyncEngine
) -> None:
    other = PostgresEvidence(database, [KEY])
    added = await asyncio.gather(store.add_file(ONE, file(1), PDF), other.add_file(ONE, file(2), PDF))
    assert sorted(added) == [False, True]
    assert len(await store.files(ONE)) == 1


async def test_keys_are_changed_while_people_write(database: AsyncEngine) -> None:
    both = PostgresEvidence(database, [KEY, OLD_KEY])
    await PostgresEvidence(database, [OLD_KEY]).keep_answer(ONE, "first", "0", NOON)
    await asyncio.gather(*(both.keep_answer(ONE, str(number), "x", NOON) for number in range(8)), both.rotate())
    assert len(await PostgresEvidence(database, [KEY]).answers(ONE)) == 9


async def test_a_database_that_is_away_is_trouble_that_passes() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Trouble) as trouble:
        await PostgresEvidence(engine, [KEY]).answers(ONE)
    assert not trouble.value.for_good
    await engine.dispose()
