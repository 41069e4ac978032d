"""The audit's chain: what the hash of an entry is, and what is wrong where entries and hashes do not fit.

The database computes the same when an entry is written (`migrations`), and `adapters/verify.py` when an export is
checked by somebody who has nothing of ours.
"""

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

START = "0" * 64
"""What stands before the first entry."""
MOST_KEPT = 500
"""Of entries that do not fit, so many are compared with each other; more are reported one by one."""


@dataclass(frozen=True, slots=True)
class Link:
    """One entry in its tenant's chain."""

    number: int
    """Its place: 1, 2, 3 ... without a gap. The database's own `id` may have gaps."""
    content: Mapping[str, object]
    """Everything else that was written, `id` and `tenant_id` included, as `canonical` takes it."""
    previous: str
    hash: str

    @property
    def id(self) -> object:
        return self.content["id"]

    @property
    def fits(self) -> bool:
        return self.hash == chained(digest(self.content), self.previous)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain, as somebody wrote it down: how many entries, and the hash of the last one."""

    number: int
    hash: str
    written: str = ""
    """When, as it says itself; empty for the end that the database keeps."""


class Kind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    number: int
    sentence: str


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(content: Mapping[str, object]) -> bytes:
    """JSON without spaces, keys sorted by their characters' numbers, everything but control signs as it is."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(content: Mapping[str, object]) -> str:
    return sha256(canonical(content)).hexdigest()


def chained(content_digest: str, previous: str) -> str:
    """The hash is made of the content's digest, so that a chain can be shown without the contents."""
    return sha256((content_digest + previous).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """Which of the hashes that were asked for are an entry's hash, and how often each is named as the previous one."""

    hashes: Collection[str]
    named: Mapping[str, int]


@dataclass(slots=True)
class Checked:
    """What `check` has seen when it is through."""

    head: Head = Head(0, START)
    findings: int = 0


@dataclass(slots=True)
class _Suspects:
    """Entries that do not fit, kept until the end: only then can be told what happened to them."""

    bad: list[tuple[Link, Link | None, bool]] = field(default_factory=list)
    """Not their own hash; with the entry before, and whether the next one goes on without it."""
    breaks: list[tuple[Link | None, Link]] = field(default_factory=list)
    """Two neighbours of which the second does not name the first, and each fits by itself."""


def check(
    links: Iterable[Link],
    head: Head | None,
    anchors: Iterable[Head],
    ask: Callable[[Collection[str]], Known],
    seen: Checked,
) -> Iterator[Finding]:
    """What is wrong with one tenant's entries, which come by number. Keeps a few of them in memory, never all.

    `head`: what the database says is the end; None where it says nothing. `ask` looks hashes up among all entries.
    """
    for finding in _found(links, head, {one.number: one for one in anchors}, ask, seen):
        seen.findings += 1
        yield finding


def _found(
    links: Iterable[Link],
    head: Head | None,
    anchors: dict[int, Head],
    ask: Callable[[Collection[str]], Known],
    seen: Checked,
) -> Iterator[Finding]:
    suspects = _Suspects()
    last: Link | None = None
    before: deque[str] = deque([START], maxlen=2)
    """The hashes of the last two entries."""
    for link in links:
        expected = last.number + 1 if last else 1
        gap = link.number - expected
        linked = link.previous == before[-1]
        if gap > 0 and not linked:
            yield _removed(expected, link.number - 1)
        elif gap > 0:
            yield _changed(link, "its number was changed")
        if not link.fits:
            if len(suspects.bad) < MOST_KEPT:
                suspects.bad.append((link, last, False))
            else:
                yield _changed(link)
        if not linked and gap <= 0:
            _broken(suspects, last, link, before)
        anchor = anchors.pop(link.number, None)
        if anchor and anchor.hash != link.hash:
            yield _not_anchored(link, anchor)
        before.append(link.hash)
        last = link
    seen.head = Head(last.number, last.hash) if last else Head(0, START)
    yield from _judged(suspects, ask, head)
    yield from _end(seen, head, anchors)


def _broken(suspects: _Suspects, last: Link | None, link: Link, before: deque[str]) -> None:
    bad = suspects.bad
    after_bad = bool(last and bad and bad[-1][0] is last)
    if after_bad and last and len(before) == 2 and link.previous == before[0]:
        bad[-1] = (last, bad[-1][1], True)  # as if it were not there
    elif not after_bad and link.fits and len(suspects.breaks) < MOST_KEPT:
        suspects.breaks.append((last, link))


def _judged(suspects: _Suspects, ask: Callable[[Collection[str]], Known], head: Head | None) -> Iterator[Finding]:
    yield from _bad(suspects.bad)
    if not suspects.breaks:
        return
    pairs = suspects.breaks
    involved = {link.number: link for pair in pairs for link in pair if link}
    known = ask({wanted for link in involved.values() for wanted in (link.hash, link.previous)})
    broken_in = {link.number for _, link in pairs}
    broken_out = {last.number for last, _ in pairs if last}
    if head:
        broken_out |= {
            link.number for link in involved.values() if link.number == head.number and link.hash != head.hash
        }
    found = False
    for number, link in sorted(involved.items()):
        finding = _judge(link, known, head, before=number in broken_in, after=number in broken_out)
        if finding:
            found = True
            yield finding
    if not found:
        for _, link in pairs:
            yield Finding(
                Kind.REORDERED, link.number, f"{_name(link)} was reordered: it does not follow the one before it."
            )


def _judge(link: Link, known: Known, head: Head | None, *, before: bool, after: bool) -> Finding | None:
    """`before`, `after`: whether it does not fit the entry before it, or the one after it."""
    follows = link.previous == START or link.previous in known.hashes
    followed = known.named.get(link.hash, 0) > 0 or bool(head and head.hash == link.hash)
    forked = known.named.get(link.previous, 0) > 1
    if not followed and (forked or not follows):
        return Finding(Kind.INSERTED, link.number, f"{_name(link)} was inserted: no entry after it follows it.")
    if before and not follows:
        sentence = f"One or more entries were removed before {_name(link).lower()}: what it follows is not there."
        return Finding(Kind.REMOVED, link.number, sentence)
    if before and after and follows and not forked:
        return Finding(Kind.REORDERED, link.number, f"{_name(link)} was reordered: it belongs to another place.")
    return None


def _bad(bad: list[tuple[Link, Link | None, bool]]) -> Iterator[Finding]:
    for link, _, skipped in bad:
        if skipped:
            yield Finding(
                Kind.INSERTED, link.number, f"{_name(link)} was inserted: the one after it does not follow it."
            )
        elif any(_exchanged(link, other) for other, _, _ in bad if other is not link):
            yield Finding(Kind.REORDERED, link.number, f"{_name(link)} was reordered: it holds what another one held.")
        else:
            yield _changed(link)


def _exchanged(link: Link, other: Link) -> bool:
    """Whether this place's hash is that of the other's content, with or without its id."""
    contents = (other.content, {**other.content, "id": link.id}, {**link.content, "id": other.id})
    return any(link.hash == chained(digest(content), link.previous) for content in contents)


def _end(seen: Checked, head: Head | None, anchors: dict[int, Head]) -> Iterator[Finding]:
    last = seen.head
    if head is None and last.number:
        yield Finding(Kind.REMOVED, last.number, "The end of the chain, as the database keeps it, was removed.")
    elif head and last.number < head.number:
        yield _removed(last.number + 1, head.number)
    elif head and last.number > head.number:
        sentence = f"{_range(head.number + 1, last.number)} inserted: the database's own count is {head.number}."
        yield Finding(Kind.INSERTED, head.number + 1, sentence)
    elif head and last.hash != head.hash and not seen.findings:
        yield Finding(
            Kind.CHANGED, last.number, f"Entry {last.number} is not the end that the database keeps: changed."
        )
    short = [anchor for anchor in anchors.values() if anchor.number > last.number]
    if short and not (head and head.number >= max(one.number for one in short)):
        longest = max(short, key=lambda one: one.number)
        sentence = f"{_range(last.number + 1, longest.number)} removed: the anchor of {longest.written} counts them."
        yield Finding(Kind.REMOVED, last.number + 1, sentence)


def _not_anchored(link: Link, anchor: Head) -> Finding:
    sentence = f"{_name(link)} is not the one in the anchor of {anchor.written}: it, or one before it, was changed."
    return Finding(Kind.CHANGED, link.number, sentence)


def _removed(first: int, last: int) -> Finding:
    return Finding(Kind.REMOVED, first, f"{_range(first, last)} removed.")


def _changed(link: Link, why: str = "its hash is another one") -> Finding:
    return Finding(Kind.CHANGED, link.number, f"{_name(link)} was changed: {why}.")


def _range(first: int, last: int) -> str:
    return f"Entry {first} was" if first == last else f"Entries {first} to {last} ({last - first + 1}) were"


def _name(link: Link) -> str:
    return f"Entry {link.number} (id {link.id})"
