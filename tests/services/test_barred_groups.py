"""Groups whose members nobody may exempt: asked of Entra only where the policy names any."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from domain.people import Account
from services.carry_out import CarryOut
from tests.builders import POLICY, SUBJECT, account


@dataclass
class Entra:
    members: frozenset[str]
    asked: list[str] = field(default_factory=list)

    async def account(self, entra_id: str) -> Account | None:
        return account() if entra_id == SUBJECT.id else None

    async def groups_of(self, entra_id: str, among: Iterable[str]) -> frozenset[str]:
        self.asked += among
        return self.members & set(among)


def carry_out(entra: Entra, *groups: str) -> CarryOut:
    policy = replace(POLICY, account=replace(POLICY.account, never_groups=groups))
    nothing = cast("Any", None)
    return CarryOut(nothing, cast("Any", entra), nothing, nothing, policy, {}, "tenant")


async def test_a_member_of_a_named_group_is_barred_and_others_are_not() -> None:
    entra = Entra(frozenset({"service-accounts"}))
    for groups, barred in ((("service-accounts",), True), (("break-glass",), False)):
        found = await carry_out(entra, *groups).account(SUBJECT.id)
        assert found is not None
        assert found.barred is barred
    assert await carry_out(entra, "service-accounts").account("nobody") is None


async def test_without_a_named_group_entra_is_not_asked() -> None:
    entra = Entra(frozenset({"service-accounts"}))
    found = await carry_out(entra).account(SUBJECT.id)
    assert found == account()
    assert entra.asked == []
