"""What the program does most often, with its own statements, on people all over the book; Graph is pretended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database.book import PostgresBook
from adapters.database.chat import PostgresAddresses, PostgresCopies
from adapters.database.drifts import PostgresDrifts
from adapters.database.figures import PostgresFigures
from adapters.database.notices import PostgresNotices
from bench.fill import NOW, reference, waiting
from domain.commands import Approve, Tick
from domain.effects import Audience, Notice, Tell
from domain.finding import wanted
from domain.gathering import WITHIN
from domain.people import Account, Person
from services import watchdog
from services.carry_out import CarryOut
from services.sweep import ACCOUNTS, BATCH
from tests.builders import POLICY

HELD = ("tick", "click", "look_up", "find", "queue", "accounts", "tell", "together", "limits", "watch", "history")
"""What costs the same at every size."""
COUNTED = ("find_all", "scrape", "standing", "compare")
"""What reads all of something, as it is for: the figures, and the comparison of Entra with the book."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entra:
    """Everybody may be exempted, and whoever is asked for is in the group of the helpdesk."""

    async def account(self, entra_id: str) -> Account:
        return Account(Person(entra_id, "Somebody", "somebody@nhs.example"), True, ("password", "phone"), False)

    async def groups_of(self, entra_id: str, among: Iterable[str]) -> frozenset[str]:
        return frozenset({"group-helpdesk"} & set(among) if entra_id.startswith("agent-") else ())


@dataclass(frozen=True, slots=True)
class StoppedClock:
    def now(self) -> datetime:
        return NOW


class Everyday:
    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.book = PostgresBook(engine, "tenant")
        self.copies = PostgresCopies(engine)
        self.addresses = PostgresAddresses(engine)
        self.notices = PostgresNotices(engine, "tenant")
        self.drifts = PostgresDrifts(engine, "tenant")
        groups = {"helpdesk": "group-helpdesk", "exempt_long": "group-long"}
        none = cast(Any, None)
        self.carry_out = CarryOut(self.book, cast(Any, Entra()), none, StoppedClock(), POLICY, groups, "tenant")
        self.size = 0
        self.turn = 0
        self.clicked = 0

    @property
    def n(self) -> int:
        """Somebody else each time, spread over the whole book."""
        self.turn += 1
        return 1 + (self.turn * 7919) % self.size

    async def tick(self) -> None:
        """A whole batch is due; and one request of it moved on, with its audit and its effects."""
        due = await self.book.due(NOW, BATCH)
        assert len(due) == BATCH
        before = await self.book.request(due[-1])
        assert await self.carry_out(due[-1], Tick()) != before

    async def click(self) -> None:
        """Approve: the facts, the agent's approvals before it, the decision kept, and the copies to be drawn anew."""
        self.clicked += 1
        agent = Person(f"agent-{self.clicked}", "Agent", "agent@nhs.example")
        approved = await self.carry_out(waiting(self.clicked), Approve(agent), "activity")
        assert await self.copies.copies(approved.reference)

    async def look_up(self) -> None:
        """My requests, as the subject and as the owner of a site; what is open; who else holds the membership."""
        n = self.n
        assert await self.book.of_person(f"person-{n}", 6)
        assert await self.book.of_person(f"owner-{n // 50}", 6)
        open_ones = await self.book.open_requests(f"person-{n}")
        await self.book.held_by(open_ones[0], NOW)
        assert await self.book.of_subject(f"person-{n}", NOW - 1000 * DAY)
        assert await self.addresses.of(f"person-{n}")

    async def find(self) -> None:
        """What an agent finds by a name and by a reference, and the owner of a site by its code."""
        n = self.n
        await self._find(f"{n} q{n % 997}")
        await self._find(reference(n))
        await self._find(f"S{n // 50} person", of=f"owner-{n // 50}")

    async def find_all(self) -> None:
        """What an agent finds by a word that everybody's name has."""
        await self._find("person")

    async def _find(self, typed: str, of: str = "") -> None:
        looked_for = wanted(typed)
        assert looked_for is not None
        assert await self.book.find(looked_for, 10, of=of)

    async def queue(self) -> None:
        assert len(await self.book.waiting(7)) == 7
        assert len(await self.book.newest_waiting(7)) == 7

    async def accounts(self) -> None:
        """Whose account has to be looked at."""
        found = await self.book.to_look_at(NOW - POLICY.limits.look_at_accounts, ACCOUNTS)
        assert len(found) == ACCOUNTS

    async def tell(self) -> None:
        """One notice to the owner of a site, and one that is told alone."""
        n = self.n
        tell = Tell(reference(n), Notice.HALF_WAY, Audience.OWNERS, f"{self.turn}")
        keys = [tell.key, f"{tell.key}:alone"]
        await self.notices.begin_or_wait(keys[0], tell, f"owner-{n // 50}", NOW, NOW - WITHIN)
        assert await self.notices.begin(keys[1], reference(n), NOW) == 0
        await self.notices.going_out(keys)
        await self.notices.finish(keys, way="teams", activity_id="1", at=NOW)

    async def together(self) -> None:
        """To whom more than one notice may be told in one message; and what waits for one of them."""
        found = await self.notices.to_tell_together(NOW - WITHIN, BATCH)
        assert found
        assert await self.notices.take(found[-1], 20)

    async def limits(self) -> None:
        """How often somebody asked, for whom and for which site, and how often an agent approved."""
        n = self.n
        async with self.book.page() as page:
            await page.asked(f"asker-{n // 3}", f"person-{n}", f"S{n // 50}", NOW - DAY)
            assert await page.approvals(f"agent-{n // 500}", NOW - 7 * DAY)

    async def watch(self) -> None:
        """What the watchdog looks for."""
        assert await self.drifts.overdue(NOW, watchdog.OVERDUE, POLICY, watchdog.BATCH)

    async def history(self) -> None:
        assert await self.book.entries(reference(self.n))

    async def scrape(self) -> None:
        """What a scrape of the figures counts each time: what is due, drifts and jobs."""
        assert any(late.due and late.ends_overdue for late in await self._figures.late(NOW))
        assert await self._figures.drifts(NOW)
        assert (await self._figures.jobs()).waiting

    async def standing(self) -> None:
        """What a scrape counts once a minute: every request."""
        assert await self._figures.requests()

    async def compare(self) -> None:
        """Everybody in the groups, and every exception that is on."""
        known = await self.drifts.known()
        assert known is not None
        assert len(await self.drifts.entitlements(known.members, known.members["group-long"])) >= self.size

    @property
    def _figures(self) -> PostgresFigures:
        """Without the figures of the last minute."""
        return PostgresFigures(self.engine, POLICY)
