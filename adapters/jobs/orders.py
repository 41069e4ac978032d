"""Effects as jobs of the engine: their lanes, their order and their shape as JSON."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from domain.effects import (
    Alarm,
    Audience,
    Effect,
    End,
    Grant,
    Notice,
    Purge,
    Refresh,
    RevokeSessions,
    ShowDrift,
    ShowHelpdesk,
    Tell,
    TellTogether,
    Warn,
    WriteToMailbox,
)

TASK = "perform"
QUEUE = "effects"
URGENT = "entra:"
"""The lanes in which it changes who is exempt begin so."""
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Grant,
        End,
        RevokeSessions,
        Tell,
        TellTogether,
        WriteToMailbox,
        ShowHelpdesk,
        Alarm,
        Warn,
        ShowDrift,
        Refresh,
        Purge,
    )
}


@dataclass(frozen=True, slots=True)
class Order:
    """`lock`: one at a time, in order. `key`: only one waits at a time. `priority`: the higher goes first."""

    lock: str
    key: str
    priority: int
    args: dict[str, str]

    @property
    def urgent(self) -> bool:
        """Whether it changes who is exempt: wanted again, it does not wait until it would have been tried again."""
        return self.lock.startswith(URGENT)


def order(effect: Effect) -> Order:
    """What changes one membership in Entra shares a lane, in which an end goes first.

    Nothing else waits behind Entra. What cannot be done in one group holds up nobody's end in another.
    """
    args = {"effect": type(effect).__name__, **{name: str(value) for name, value in asdict(effect).items()}}
    reference = effect.reference
    match effect:
        case End():
            return Order(_membership(effect), f"{reference}:end", 40, args)
        case Grant():
            return Order(_membership(effect), f"{reference}:grant", 30, args)
        case RevokeSessions():
            return Order(f"{reference}:sessions", f"{reference}:sessions:{effect.occasion}", 30, args)
        case Tell():
            return Order(f"{reference}:{effect.to}", effect.key, 20, args)
        case TellTogether():
            return Order(
                f"together:{effect.person}:{effect.notice}", f"together:{effect.person}:{effect.notice}", 20, args
            )
        case WriteToMailbox():
            return Order(f"{reference}:mailbox", f"{reference}:mailbox:{effect.occasion}", 20, args)
        case ShowHelpdesk():
            return Order(f"{reference}:helpdesk", f"{reference}:show:{effect.occasion}", 20, args)
        case Alarm():
            return Order(f"{reference}:helpdesk", f"{reference}:alarm:{effect.about}:{effect.occasion}", 25, args)
        case Warn():
            key = f"warn:{effect.about}:{effect.subject or effect.by}:{effect.occasion}"
            return Order(key, key, 25, args)
        case ShowDrift():
            return Order(f"drift:{effect.key}", f"drift:{effect.key}", 25, args)
        case Purge():
            return Order(f"{reference}:purge", f"{reference}:purge", 5, args)
        case Refresh():
            return Order(f"{reference}:refresh", f"{reference}:refresh", 15, args)


def _membership(effect: Grant | End) -> str:
    return URGENT + ":".join(part for part in (effect.group, effect.subject) if part)


def effect_of(args: dict[str, str]) -> Effect:
    """The effect that `order` wrote, perhaps of a newer version: a field that is not known here is left out."""
    kind = _KINDS[args["effect"]]
    values: dict[str, Any] = {field.name: args[field.name] for field in fields(kind) if field.name in args}
    if kind in (Tell, TellTogether):
        values["notice"] = Notice(values["notice"])
    if kind is Tell:
        values["to"] = Audience(values["to"])
    effect: Effect = kind(**values)
    return effect
