"""Links by which an agent fetches one file of the evidence, once, in a browser; and their port."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

import structlog

from domain.events import What
from domain.evidence import EvidenceFile
from services.book import Book, Entry
from services.evidence import EvidenceStore
from services.ports import Clock

log = structlog.get_logger(__name__)
VALID_FOR = timedelta(minutes=5)
PATH = "/evidence/"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for. The token itself is only in the address that the agent was given."""

    mark: bytes
    """SHA-256 of the token."""
    reference: str
    file_id: str
    agent_id: str
    expires_at: datetime


class Links(Protocol):
    async def keep(self, link: Link) -> None: ...

    async def link(self, mark: bytes) -> Link | None: ...

    async def use_up(self, mark: bytes) -> bool:
        """False where it is gone already: of two at once, one gets it."""
        ...

    async def forget_before(self, moment: datetime) -> int:
        """Forgets what expired before this moment."""
        ...


def fresh_token() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Whoever calls `issue` has made sure that the agent may read this request."""

    links: Links
    evidence: EvidenceStore
    book: Book
    clock: Clock
    public_url: str
    """Where browsers reach the bot, without a slash at the end."""
    policy_version: str
    token: Callable[[], str] = fresh_token

    async def issue(self, reference: str, file_id: str, agent_id: str, at: datetime) -> str:
        """The address. It is shown to the agent alone, and works once and for five minutes."""
        token = self.token()
        await self.links.forget_before(at)
        await self.links.keep(Link(_mark(token), reference, file_id, agent_id, at + VALID_FOR))
        return f"{self.public_url}{PATH}{token}"

    async def look(self, token: str) -> EvidenceFile | None:
        """The file that can be fetched with this token; None where it is unknown, used or too old. Uses up nothing."""
        found = await self._valid(token)
        return await self._file(found) if found else None

    async def take(self, token: str) -> tuple[EvidenceFile, bytes] | None:
        """The file with its content, once. It is in the audit before it is handed out."""
        link = await self._valid(token)
        file = await self._file(link) if link else None
        content = await self.evidence.content(link.reference, link.file_id) if link and file else None
        if link is None or file is None or content is None or not await self.links.use_up(link.mark):
            return None
        details = {"file": file.sha256}
        entry = Entry(
            self.clock.now(), link.reference, What.READ.value, link.agent_id, "", self.policy_version, details
        )
        async with self.book.page() as page:
            await page.record([entry])
        log.info("file of the evidence read", reference=link.reference, by=link.agent_id)
        return file, content

    async def _valid(self, token: str) -> Link | None:
        if not _TOKEN.fullmatch(token):
            return None
        found = await self.links.link(_mark(token))
        return found if found and self.clock.now() < found.expires_at else None

    async def _file(self, link: Link) -> EvidenceFile | None:
        files = await self.evidence.files(link.reference)
        return next((file for file in files if file.id == link.file_id), None)


def _mark(token: str) -> bytes:
    return sha256(token.encode()).digest()
