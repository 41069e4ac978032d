"""Which kind of thing an activity is, decided without a network."""

from typing import Any

import pytest

from bot.gateway.inbound import to_incoming, without_mention
from bot.gateway.not_accepted import NotAccepted
from bot.incoming import Kind
from services.chat import Scope
from tests.microsoft import ANNA, BEN, HELPDESK
from tests.microsoft.people import APP_ID
from tests.microsoft.signing import Signing
from tests.microsoft.teams import Teams


def _no_session() -> Any:
    raise AssertionError("nothing is posted here")


TEAMS = Teams(APP_ID, "https://smba.trafficmanager.net/uk/", Signing(), _no_session)


@pytest.mark.parametrize(
    ("activity", "kind"),
    [
        (TEAMS.installed(), Kind.ADDED),
        (TEAMS.installed(where=HELPDESK), Kind.ADDED),
        (TEAMS.installed(action="remove"), Kind.REMOVED),
        (TEAMS.installed(action="add-upgrade"), Kind.OTHER),
        (TEAMS.installed(action="remove-upgrade"), Kind.OTHER),
        (TEAMS.bot_added(), Kind.ADDED),
        (TEAMS.bot_removed(), Kind.REMOVED),
        (TEAMS.member_added(BEN), Kind.OTHER),
        (TEAMS.message("x") | {"type": "typing"}, Kind.OTHER),
        (TEAMS.message("x") | {"type": "messageReaction"}, Kind.OTHER),
        (TEAMS.message("x") | {"type": "something new"}, Kind.OTHER),
        (TEAMS.bot_added() | {"membersAdded": None}, Kind.OTHER),
        (TEAMS.message("") | {"value": {}}, Kind.CLICK),
        (TEAMS.message("typed") | {"value": {}}, Kind.MESSAGE),
        (TEAMS.message("typed") | {"value": "text"}, Kind.MESSAGE),
    ],
)
def test_each_activity_has_its_kind(activity: dict[str, Any], kind: Kind) -> None:
    assert to_incoming(activity, APP_ID).kind is kind


def test_a_list_of_members_that_is_none_is_a_wrong_shape() -> None:
    for members in ("x", [5], {"id": 1}, [{"id": 5}]):
        with pytest.raises(NotAccepted):
            to_incoming(TEAMS.bot_added() | {"membersAdded": members}, APP_ID)


def test_the_scope_comes_from_the_conversation_and_is_never_too_private() -> None:
    def scope(**conversation: Any) -> Scope:
        return to_incoming(TEAMS.message("x") | {"conversation": {"id": "a:1", **conversation}}, APP_ID).address.scope

    assert scope(conversationType="personal") is Scope.PERSONAL
    assert scope(conversationType="groupChat") is Scope.GROUP
    assert scope(conversationType="something new") is Scope.GROUP
    assert scope(isGroup=True) is Scope.GROUP
    assert scope() is Scope.PERSONAL


def test_the_channel_is_found_wherever_teams_puts_it() -> None:
    def channel(**data: Any) -> str:
        activity = TEAMS.message("x", ANNA, HELPDESK) | {"channelData": {"tenant": {"id": "t"}, **data}}
        return to_incoming(activity, APP_ID).address.channel_id

    assert channel(channel={"id": "19:a"}, team={"id": "19:t"}) == "19:a"
    assert channel(settings={"selectedChannel": {"id": "19:b"}}, team={"id": "19:t"}) == "19:b"
    assert channel(team={"id": "19:t"}) == "19:t"


def test_ids_from_entra_are_in_lower_case() -> None:
    activity = TEAMS.message("x", ANNA, HELPDESK)
    activity["from"]["aadObjectId"] = ANNA.entra_id.upper()
    activity["channelData"]["team"]["aadGroupId"] = HELPDESK.group_id.upper()
    incoming = to_incoming(activity, APP_ID)
    assert (incoming.sender.entra_id, incoming.address.team_id) == (ANNA.entra_id, HELPDESK.group_id)


def test_only_mentions_of_the_bot_are_cut_once_each() -> None:
    def mention(mentioned: str, text: str | None) -> dict[str, Any]:
        return {"type": "mention", "mentioned": {"id": mentioned}, "text": text}

    text = "<at>MFA</at> ask <at>Ben</at> about MFA <at>MFA</at>"
    raw = {"text": text, "entities": [mention("28:bot", "<at>MFA</at>"), mention("29:ben", "<at>Ben</at>")]}
    assert without_mention(raw, "28:bot") == "ask <at>Ben</at> about MFA <at>MFA</at>"
    assert without_mention({"text": "hi", "entities": [mention("28:bot", None)]}, "28:bot") == "hi"
