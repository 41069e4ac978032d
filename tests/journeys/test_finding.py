"""Requests found from beside a message, shared with others, and opened from links: over HTTP with the whole program.

What is shared lies where anybody may read it. So these look at everything that goes out on the wire.
"""

import asyncio
import json
from typing import Any

import aiohttp

from tests.journeys import long_term as steps
from tests.journeys.test_permissions import tenant_with
from tests.journeys.world import Seat, World, buttons_of, text_of, until
from tests.microsoft import Channel

FOREIGN = Channel("19:lunch@thread.tacv2", "19:everybody@thread.tacv2", "33333333-cccc-4ccc-8ccc-000000000001")
NOBODY = "MFA-2222-2222"
SECRETS = ("Anna", "anna.baker", "Lost", "lost", "Waiting", "24 hours", "Exception is on")


async def asked(world: World, name: str = "Anna Baker") -> str:
    seat = world.seat(name)
    await seat.say("I lost my phone")
    await seat.press("For me")
    return steps.reference_in(await seat.press("Send request"))


async def search(seat: Seat, text: str = "", **more: Any) -> dict[str, Any]:
    answer = await seat.world.post(seat.world.teams.search(text, seat.person, FOREIGN, **more), seat.program)
    assert answer.status == 200, answer.text
    extension: dict[str, Any] = answer.body["composeExtension"]
    return extension


async def lines(seat: Seat, text: str = "", **more: Any) -> list[str]:
    """What the searcher reads: a line for each request, else the sentence."""
    said = await search(seat, text, **more)
    if said["type"] == "message":
        return [said["text"]]
    return [f"{one['preview']['content']['title']}: {one['preview']['content']['text']}" for one in said["attachments"]]


async def shared(seat: Seat, reference: str) -> Any:
    """The card that this person shares by choosing what they found."""
    (one,) = (await search(seat, reference))["attachments"]
    return one["content"]


async def by_itself(seat: Seat, card: Any) -> Any:
    """What the card becomes for this person when Teams draws it anew."""
    action = card["refresh"]["action"]
    activity = seat.world.teams.execute(
        action["verb"], action["data"], seat.person, FOREIGN, "shared-1", automatic=True
    )
    return (await seat.world.post(activity)).body["value"]


def sent_to_others(world: World) -> list[Any]:
    """All that went out but into people's own chats and the helpdesk's channel."""
    own = [world.channel.channel_id, "a:1"]
    return [call for call in world.connector.sent if not call.conversation_id.startswith(tuple(own))]


async def test_helpdesk_staff_find_every_request_and_others_only_their_own(world: World) -> None:
    anna, bilal, agent = world.seat("Anna Baker"), world.seat("Bilal Hussain"), world.seat(world.agent)
    reference = await asked(world)
    waiting = f"Anna Baker, {reference}: ⏳ Waiting for the helpdesk."
    for typed in (reference, reference.lower().replace("-", " "), "anna", "bak", "anna.baker@nhs.example"):
        assert await lines(agent, typed) == [waiting], typed
        assert await lines(anna, typed) == [waiting], typed
        assert await lines(bilal, typed) == await lines(bilal, NOBODY), typed
    assert await lines(agent, first=True) == await lines(anna, first=True) == [waiting]
    assert await lines(bilal, first=True) == ["You have no requests."]
    assert "at least 3" in (await lines(agent, "an"))[0]
    assert await lines(agent, "nobody") == [
        "No request fits. Type the reference, the beginning of a name, or the site."
    ]
    assert "not known" in (await lines(agent, "anna", command="another"))[0]
    site = await steps.ask(world.seat("Joy Adeyemi"))
    for typed in ("zz901", "riverside med"):
        (found,) = await lines(agent, typed)
        assert site in found
        assert "Riverside Medical Practice (ZZ901)" in found
    # An owner of the site's mailbox finds it, too; whom it is not about finds nothing.
    assert site in (await lines(world.seat("Helen Marsh"), "zz901"))[0]
    assert site not in str(await lines(anna, "zz901"))


async def test_a_shared_card_shows_each_viewer_what_they_may_see_and_tells_the_others_nothing(world: World) -> None:
    reference = await asked(world)
    anna, bilal, agent = (world.seat(name, FOREIGN) for name in ("Anna Baker", "Bilal Hussain", world.agent))
    card = await shared(agent, reference)
    assert not [word for word in SECRETS if word in json.dumps(card)]
    assert card == await shared(anna, reference)

    # Drawn anew by itself: only whom it concerns sees more, and nothing is written.
    assert "Withdraw" in text_of(await by_itself(anna, card))
    for other in (bilal, agent):
        assert await by_itself(other, card) == card

    # Pressed: the agent decides, the others read that they may not see it.
    refused = await bilal.press("Show", card=card, card_id="shared-1")
    assert f"You cannot see {reference}" in refused
    nobody = json.loads(json.dumps(card).replace(reference, NOBODY))
    assert refused.replace(reference, NOBODY) == await bilal.press("Show", card=nobody, card_id="shared-1")
    own = await anna.press("Show", card=card, card_id="shared-1")
    assert "Only you see this" in own
    assert f"{world.program.url}/r/{reference}" in own
    decision = await agent.press("Show", card=card, card_id="shared-1")
    assert "Anna Baker" in decision
    assert agent.answer is not None
    await agent.press("Approve", card=agent.answer.body["value"], card_id="shared-1")
    form = agent.answer.body["value"]
    approved = await agent.press("Approve for 24 hours", card=form, card_id="shared-1", verification="call_back")
    assert "Approved" in approved
    await until(lambda: "is on until" in world.seat("Anna Baker").all_text)
    await until(lambda: "Exception is on" in world.in_channel())
    # What was pressed there is not drawn over the card of the others, then or later.
    assert sent_to_others(world) == []
    await world.advance("PT20H")
    await until(lambda: "ends in 4 hours" in world.seat("Anna Baker").all_text)
    assert sent_to_others(world) == []


async def test_a_button_that_sends_a_message_answers_in_the_persons_own_chat(world: World) -> None:
    reference = await asked(world)
    here = {name: world.seat(name, FOREIGN) for name in ("Anna Baker", "Bilal Hussain", world.agent)}
    await world.seat(world.agent).say("help")
    card = await shared(here["Anna Baker"], reference)
    for name, words in (("Anna Baker", "Withdraw"), (world.agent, "Approve")):
        before = len(world.seat(name).shown)
        await here[name].press("Show", card=card, card_id="shared-1", submit=True)
        assert len(world.seat(name).shown) == before + 1
        assert words in world.seat(name).text
    assert sent_to_others(world) == []
    # Who never spoke to the bot is told where to look, with nothing about anybody.
    await here["Bilal Hussain"].press("Show", card=card, card_id="shared-1", submit=True)
    (told,) = sent_to_others(world)
    assert "Open your own chat with the bot" in told.text
    assert not [word for word in (*SECRETS, reference) if word in str(told.activity)]
    # The same for every other button, whatever card it came from.
    status = {"body": [{"type": "Action.Execute", "title": "x", "data": {"verb": "status", "reference": reference}}]}
    await here["Anna Baker"].press("x", card=status, submit=True)
    assert len(sent_to_others(world)) == 1


async def test_searching_from_a_chat_does_not_change_where_somebody_is_reached(world: World) -> None:
    reference = await asked(world)
    anna = world.seat("Anna Baker")
    activity = world.teams.search("anna", anna.person)
    activity["conversation"]["id"] = "19:one-of-them_and-the-other@unq.gbl.spaces"
    assert reference in (await world.post(activity)).text
    await world.seat(world.agent).say(f"approve {reference} called back")
    await until(lambda: "is on until" in anna.all_text)
    assert sent_to_others(world) == []


async def test_a_link_leads_to_the_chat_and_a_pasted_one_becomes_the_same_card(world: World) -> None:
    reference = await asked(world)
    bilal, agent = world.seat("Bilal Hussain"), world.seat(world.agent)
    page = f"{world.program.url}/r/"
    async with aiohttp.ClientSession() as browser:

        async def opened(part: str) -> tuple[int, dict[str, str], str]:
            async with browser.get(f"{page}{part}", allow_redirects=False) as answer:
                return answer.status, dict(answer.headers), await answer.text()

        status, headers, text = await opened(reference.lower())
        assert (status, text) == (302, "")
        chat = f"https://teams.microsoft.com/l/chat/0/0?users=28%3Asandbox&message=status%20{reference}"
        assert headers["Location"] == chat
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        other = await opened(NOBODY)
        assert other[1]["Location"] == chat.replace(reference, NOBODY)
        assert {name for name in other[1] if name != "Date"} == {name for name in headers if name != "Date"}
        for part in ("", "x", "MFA-0000-0000", f"{reference}x", "%00", "%2e%2e%2f", "A" * 5000):
            status, headers, text = await opened(part)
            assert status == 404, part
            assert "Location" not in headers

    async def unfurled(url: str, seat: Seat) -> list[Any]:
        answer = await world.post(world.teams.pasted(url, seat.person, FOREIGN))
        found: list[Any] = answer.body["composeExtension"]["attachments"]
        return found

    for seat in (agent, bilal):
        (one,) = await unfurled(f"{page}{reference}", seat)
        assert one["content"] == await shared(agent, reference)
        assert one["preview"]["content"] == {"title": f"MFA exception request {reference}", "text": ""}
        (none,) = await unfurled(f"{page}{NOBODY}", seat)
        assert json.dumps(none) == json.dumps(one).replace(reference, NOBODY)
    for url in (page, f"https://evil.example/r/{reference}", "", "x" * 100_000):
        assert await unfurled(url, agent) == []
    assert [one["title"] for one in buttons_of(one["content"]["body"])] == ["Show", "Open the chat with the bot"]


async def test_whoever_searches_all_the_time_has_to_wait_and_others_go_on(world: World) -> None:
    await asked(world)
    anna, agent = world.seat("Anna Baker"), world.seat(world.agent)
    said = await asyncio.gather(*[lines(agent, "anna") for _ in range(70)])
    assert 1 <= len([one for one in said if "searched very often" in one[0]]) <= 10
    assert "Anna Baker" in (await lines(anna, "anna"))[0]


async def test_guests_and_the_nameless_find_and_see_nothing(tmp_path: Any) -> None:
    upn = 'upn = "bilal.hussain@nhs.example"\n'
    async with World(tenant_with(tmp_path, (upn, f"{upn}guest = true\n"))) as world:
        await world.helpdesk_channel()
        reference = await asked(world)
        guest = world.seat("Bilal Hussain", FOREIGN)
        assert "You are a guest" in (await lines(guest, reference))[0]
        card = await shared(world.seat(world.agent), reference)
        assert "You are a guest" in await guest.press("Show", card=card, card_id="shared-1")
        activity = world.teams.search(reference, guest.person, FOREIGN)
        del activity["from"]["aadObjectId"]
        assert "does not say who you are" in (await world.post(activity)).text


async def test_anything_may_be_typed(world: World) -> None:
    reference = await asked(world)
    agent = world.seat(world.agent)
    for typed in (
        "' OR 1=1 --",
        "\\':* | \\'",
        "%%%",
        "😀😀😀",
        "\u202eabc",
        "a" * 9000,
        "& | ! <-> ()",
        "\0\ud800abc",
    ):
        assert reference not in str(await lines(agent, typed)), typed
    assert reference in (await lines(agent, "anna"))[0]
