"""What helpdesk staff do with the register of sites: look and correct. Who they are is checked at each act."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from bot.reply import Reply
from cards import site as cards
from domain.errors import Refusal
from domain.given_site import COLUMNS, Fault, Given, read
from domain.people import Person
from domain.policy import Policy
from domain.site import Site, SiteStatus
from services.carry_out import CarryOut
from services.check_sites import CheckSites
from services.sites import Change, Sites, entry_of, kept_owners, settled, site_of, succession_faults
from texts import say

_FARTHEST = 50
"""How many sites after each other are followed to find whether they go in a circle."""


@dataclass(frozen=True, slots=True)
class KeepingSites:
    policy: Policy
    sites: Sites
    check: CheckSites
    carry_out: CarryOut

    async def show(self, me: Person, reply: Reply, words: str) -> None:
        """The site that `words` (a code, a mailbox or a part of the name) mean, or a choice."""
        await self._only_agents(me)
        if not words.strip():
            raise Refusal(say("agent.no_site_named"), rule="no_site_named")
        found = await self.sites.find(words, limit=cards.MOST + 1)
        if not found:
            raise Refusal(
                say("agent.no_such_site", words=words[:60]),
                rule="unknown_site",
            )
        if len(found) == 1:
            await reply.show(cards.site(found[0], self.policy))
        else:
            more = len(found) > cards.MOST
            await reply.show(cards.choose(words, found[: cards.MOST], self.policy, more=more))

    async def clicked(self, me: Person, reply: Reply, verb: str, data: Mapping[str, object]) -> None:
        await self._only_agents(me)
        site = await self._site(_text(data, "ods"))
        if verb == "site":
            await reply.show(cards.site(site, self.policy))
        elif verb == "site.correct":
            await reply.show(cards.form(site, cards.filled(site), _mark(site), self.policy))
        elif verb == "site.save":
            await self._save(me, reply, site, {name: _text(data, name) for name in COLUMNS}, _text(data, "seen"))
        else:
            raise Refusal(say("everyone.button_not_known"), rule="unknown_verb")

    async def _save(self, me: Person, reply: Reply, was: Site, typed: Mapping[str, str], seen: str) -> None:
        """What can be mended shows the form again, with what was typed."""
        given, faults = read(typed)
        given = settled(given, was)
        people, more = await self._looked_up(given, was)
        sentences = [fault.sentence for fault in (*faults, *more)]
        if seen != _mark(was):
            sentences.insert(0, say("agent.site_changed_meanwhile"))
        if sentences:
            await reply.show(cards.form(was, typed, _mark(was), self.policy, sentences))
            return
        change = Change(site_of(given, people), was)
        if not change.fields:
            await reply.show(cards.site(was, self.policy, say("agent.site_unchanged")))
            return
        entry = entry_of(
            change,
            self.carry_out.clock.now(),
            by_id=me.id,
            policy_version=self.policy.version,
            activity=reply.incoming.activity_id,
        )
        if await self.sites.save([change.site], [entry], was={was.ods: was}):
            await reply.show(cards.site(change.site, self.policy, "Saved."))
        else:
            now = await self._site(was.ods)
            await reply.show(cards.form(now, typed, _mark(now), self.policy, [say("agent.site_changed_meanwhile")]))

    async def _looked_up(self, given: Given, was: Site) -> tuple[dict[str, Person], tuple[Fault, ...]]:
        """The owners by their addresses, and all that is wrong."""
        kept = kept_owners(given, was)
        asked = [address for address in given.owners if address not in kept]
        answers = await asyncio.gather(*(self.check.owner(address) for address in asked))
        sentences = [answer for answer in answers if isinstance(answer, str)]
        if given.mailbox and given.status is SiteStatus.OPEN and (sentence := await self.check.mailbox(given.mailbox)):
            sentences.insert(0, sentence)
        found = {a: answer for a, answer in zip(asked, answers, strict=True) if isinstance(answer, Person)}
        faults = [Fault(0, sentence) for sentence in sentences]
        return kept | found, (*succession_faults([given], await self._successors(given)), *faults)

    async def _successors(self, given: Given) -> dict[str, Site]:
        """The sites that took over, one after the other, as far as the register knows them."""
        found: dict[str, Site] = {}
        code = given.succeeded_by
        while code and code != given.ods and code not in found and len(found) < _FARTHEST:
            site = await self.sites.by_code(code)
            if site is None:
                break
            found[code] = site
            code = site.succeeded_by
        return found

    async def _site(self, ods: str) -> Site:
        site = await self.sites.by_code(ods)
        if site is None:
            raise Refusal(say("agent.site_gone"), rule="unknown_site")
        return site

    async def _only_agents(self, me: Person) -> None:
        if "helpdesk" not in await self.carry_out.helpdesk_groups(me.id):
            raise Refusal(
                say("everyone.only_helpdesk_sees_sites"),
                rule="not_an_agent",
            )


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _mark(site: Site) -> str:
    """The same as long as the site is."""
    return hashlib.sha256(repr(site).encode()).hexdigest()[:16]
