"""Another organisation's people, sites and ids, as somebody else would write them."""

from pathlib import Path

import pytest

from tests.journeys import long_term as steps
from tests.journeys.long_term import reference_in
from tests.journeys.world import World, until

TENANT = """
tenant_id = "Contoso-Tenant-7"

[groups]
helpdesk = "GRP-HELP"
leads = "GRP-LEADS"
exempt_short = "grp.short"
exempt_long = "grp.long"

[[users]]
id = "U-ONE"
name = "Siân Ó'Brien-Łukasz"
upn = "Sian.OBrien@Trust.Example"
mail = "sian@trust.example"
enabled = true
methods = ["microsoftAuthenticator"]

[[users]]
id = "u2"
name = "王小明"
upn = "xm.wang@trust.example"
methods = ["phone", "password", "fido2"]

[[users]]
id = "u3"
name = "Owner One"
upn = "owner.one@trust.example"
methods = ["phone"]

[[users]]
id = "u4"
name = "Desk Person"
upn = "desk@trust.example"
methods = ["phone"]
groups = ["helpdesk", "leads"]

[[mailboxes]]
address = "service.desk@trust.example"
purpose = "shared"

[[mailboxes]]
address = "ward9@trust.example"
purpose = "shared"

[[sites]]
ods = "r0o1"
name = "Ward 9 [annexe] *north*"
mailbox = "Ward9@Trust.Example"
owners = ["owner.one@trust.example", "somebody.unknown@trust.example"]

[helpdesk]
team = "TEAM-OF-THE-DESK"
"""


@pytest.fixture
def tenant(tmp_path: Path) -> Path:
    path = tmp_path / "tenant.toml"
    path.write_text(TENANT, encoding="utf-8")
    return path


async def test_a_stranger_tenant_lives_through_both_kinds(tenant: Path) -> None:
    async with World(tenant) as world:
        await world.helpdesk_channel()
        sian, owner, desk = world.seat("Siân"), world.seat("Owner One"), world.seat("Desk Person")
        await sian.say("i've lost my mobile")
        await sian.press("For me")
        short = reference_in(await sian.press("Send request"))
        await desk.say(f"approve {short} called back")
        await until(lambda: sian.shows("is on until"))
        assert await world.members("exempt_short") == {"u-one"}

        await owner.say("hi")
        await sian.say("long term")
        await sian.press("For a colleague")
        await sian.press("Continue", person="王小明")
        await sian.press("That is everybody")
        reference = await steps.from_site_on(sian, "R0O1")
        code = await steps.code_for(world, reference, mailbox="ward9@trust.example")
        await owner.say(f"evidence {reference}")
        await owner.press("Continue", code=code)
        await steps.answer_all(owner)
        await owner.press("Send to the helpdesk", statement="true")
        await steps.approve(desk, reference, days="7")
        await until(lambda: world.members_are({"u2"}, "exempt_long"))
        await until(lambda: sian.shows("for 王小明 is on until"))
        await world.advance("P7DT1M")
        await until(lambda: world.members_are(set(), "exempt_long"))


async def test_a_tenant_without_sites_says_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "tenant.toml"
    path.write_text(TENANT.split("[[sites]]")[0] + '[helpdesk]\nteam = "TEAM-OF-THE-DESK"\n', encoding="utf-8")
    async with World(path) as world:
        sian = world.seat("Siân")
        await sian.say("long")
        await sian.press("For me")
        assert "We do not know a site" in await sian.press("Continue", site="ZZ901")
        assert "Type the site's ODS code" in await sian.press("Continue", site="🙂🙂")
