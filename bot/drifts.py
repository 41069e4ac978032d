"""What helpdesk staff do where Entra and the book do not agree. Who they are is checked at each click."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.asking import Asking, topic
from bot.reply import Reply
from cards.ask import FOR_CALLER, FOR_COLLEAGUE
from dialogs import ask as dialog
from domain.errors import Refusal
from domain.people import Person
from domain.policy import Policy
from services.book import Drafts
from services.drifts import Drifts
from services.reconcile import Reconcile
from services.show_drifts import ShowDrifts
from texts import say


@dataclass(frozen=True, slots=True)
class SettlingDrifts:
    policy: Policy
    reconcile: Reconcile
    drifts: Drifts
    drafts: Drafts
    asking: Asking
    show: ShowDrifts

    async def clicked(self, me: Person, reply: Reply, verb: str, data: Mapping[str, Any]) -> None:
        key, activity = data.get("drift"), reply.incoming.activity_id
        if not isinstance(key, str):
            raise Refusal(say("agent.drift_not_named"), rule="drift")
        match verb:
            case "drift.remove":
                await self.reconcile.remove(key, me, activity)
            case "drift.put_back":
                await self.reconcile.put_back(key, me, activity)
            case "drift.adopt":
                await self._adopt(me, reply, key)
                return
            case _:
                raise Refusal(say("everyone.button_not_known"), rule="unknown_verb")
        seen = await self.drifts.one(key)
        if seen is not None:
            await reply.show(await self.show.card(seen))

    async def _adopt(self, me: Person, reply: Reply, key: str) -> None:
        """The usual conversation with the person filled in: the decision is made, and checked, as always."""
        person, kind = await self.reconcile.stranger(key, me)
        who = FOR_COLLEAGUE if self.policy.kinds[kind].evidence else FOR_CALLER
        await self.drafts.drop(me.id, topic(kind))
        await self.asking.start(me, reply, dialog.begin(kind, who=who, typed=person.address))
