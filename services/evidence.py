"""What the services need in order to keep evidence and to get files: two ports.

Answers and files are kept encrypted. Each call may raise `Trouble`: for good where a key is missing or wrong.
"""

from datetime import datetime
from typing import Protocol

from domain.evidence import EvidenceFile
from services.book import Entry


class EvidenceStore(Protocol):
    async def answers(self, reference: str) -> dict[str, str]:
        """The answers so far, by the policy's items; empty where there are none."""
        ...

    async def keep_answer(self, reference: str, item: str, text: str, at: datetime) -> None:
        """Keeps one answer beside the others, also where two people write at once; an empty text takes it out."""
        ...

    async def files(self, reference: str) -> tuple[EvidenceFile, ...]:
        """The oldest first."""
        ...

    async def add_file(self, reference: str, file: EvidenceFile, content: bytes, entry: Entry | None = None) -> bool:
        """Adds it, and the line of the audit that says so, both or neither.

        False where the same content is there already: nothing is then added.
        """
        ...

    async def remove_file(self, reference: str, file_id: str, entry: Entry | None = None) -> bool:
        """Removes it, and writes the line of the audit that says so. False where there is no such file."""
        ...

    async def content(self, reference: str, file_id: str) -> bytes | None: ...

    async def digest(self, reference: str) -> str:
        """SHA-256, in hexadecimal, over all answers and the files' hashes: what a decision was based on."""
        ...

    async def purge(self, reference: str) -> bool:
        """Removes answers, files and their key for good. False where there was nothing."""
        ...

    async def rotate(self) -> int:
        """Wraps every request's key anew with the first master key. Gives how many it wrapped."""
        ...


class FileFetcher(Protocol):
    async def fetch(self, url: str, *, most_bytes: int) -> bytes:
        """The content behind a download address of Teams, which is neither logged nor kept.

        Raises `Refusal` with what to do where it cannot be had this way, and `Trouble` where it may be had later.
        """
        ...
