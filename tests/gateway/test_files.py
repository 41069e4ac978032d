"""Files that come with a message, from the shapes in which Teams sends them to our own words."""

from typing import Any

import pytest

from bot.gateway.inbound import to_incoming
from bot.incoming import IncomingFile, Kind
from tests.gateway.running import Bot
from tests.microsoft import HELPDESK, File, Microsoft
from tests.microsoft.people import APP_ID
from tests.microsoft.signing import Signing
from tests.microsoft.teams import Teams

LETTER = File("letter from the GP.pdf", "https://tenant-my.sharepoint.com/download.aspx?UniqueId=1&tempauth=secret")
PHOTO = File("photo.jpeg", "https://tenant-my.sharepoint.com/download.aspx?UniqueId=2&tempauth=secret")
INFO = "application/vnd.microsoft.teams.file.download.info"


def _no_session() -> Any:
    raise AssertionError("nothing is posted here")


TEAMS = Teams(APP_ID, "https://smba.trafficmanager.net/uk/", Signing(), _no_session)


def files_of(*attachments: Any) -> tuple[IncomingFile, ...]:
    return to_incoming(TEAMS.message("") | {"attachments": list(attachments)}, APP_ID).files


def test_files_come_in_order_with_what_is_needed_to_fetch_them() -> None:
    incoming = to_incoming(TEAMS.files(LETTER, PHOTO, text="for Sam"), APP_ID)
    assert incoming.kind is Kind.MESSAGE
    assert incoming.text == "for Sam"
    assert incoming.files == (
        IncomingFile(LETTER.name, LETTER.url, "pdf"),
        IncomingFile(PHOTO.name, PHOTO.url, "jpeg"),
    )


def test_a_file_without_any_text_is_a_message_too() -> None:
    incoming = to_incoming(TEAMS.files(LETTER), APP_ID)
    assert (incoming.kind, incoming.text, len(incoming.files)) == (Kind.MESSAGE, "", 1)


def test_a_download_address_is_in_no_representation() -> None:
    assert "secret" not in repr(to_incoming(TEAMS.files(LETTER), APP_ID))


def test_what_belongs_to_the_text_is_no_file() -> None:
    quoted = {"contentType": "messageReference", "content": "{}"}
    assert files_of({"contentType": "text/html", "content": "<p>hi</p>"}, quoted) == ()


@pytest.mark.parametrize(
    ("attachment", "kind"),
    [
        ({"contentType": "image/*", "contentUrl": "https://smba.trafficmanager.net/uk/v3/attachments/1"}, "image/*"),
        ({"contentType": "audio/ogg", "contentUrl": "https://elsewhere.example/a"}, "audio/ogg"),
        ({"contentType": "application/vnd.microsoft.card.hero", "content": {"title": "x"}}, None),
    ],
)
def test_what_cannot_be_downloaded_comes_without_an_address(attachment: dict[str, Any], kind: str | None) -> None:
    assert files_of(attachment) == (IncomingFile("", "", kind or attachment["contentType"]),)


@pytest.mark.parametrize(
    "content",
    [None, "x", 5, [], {}, {"downloadUrl": None}, {"downloadUrl": 5, "fileType": []}, {"downloadUrl": {"a": "b"}}],
)
def test_a_file_of_which_teams_says_too_little_has_no_address(content: Any) -> None:
    (found,) = files_of({"contentType": INFO, "name": "letter.pdf", "content": content})
    assert (found.name, found.url) == ("letter.pdf", "")


@pytest.mark.parametrize("attachments", [None, "x", 5, {}, [None], ["x"], [[]], {"0": {}}])
def test_attachments_of_a_foreign_shape_are_no_files(attachments: Any) -> None:
    assert to_incoming(TEAMS.message("x") | {"attachments": attachments}, APP_ID).files == ()


def test_a_name_that_is_none_or_endless_does_no_harm() -> None:
    (one, other) = files_of({"contentType": INFO, "name": 5}, {"contentType": INFO, "name": "x" * 100_000})
    assert one.name == ""
    assert len(other.name) == 300


def test_at_most_ten_files_are_taken_of_a_message() -> None:
    assert len(to_incoming(TEAMS.files(*[LETTER] * 25), APP_ID).files) == 10


def test_files_in_a_channel_or_with_a_pressed_button_are_not_taken() -> None:
    attachments = {"attachments": TEAMS.files(LETTER)["attachments"]}
    assert to_incoming(TEAMS.message("x", where=HELPDESK) | attachments, APP_ID).files == ()
    assert to_incoming(TEAMS.submit("ask.start") | attachments, APP_ID).files == ()


async def test_a_file_reaches_the_turn_through_the_whole_gateway(microsoft: Microsoft, bot: Bot) -> None:
    letter = microsoft.files.put("letter.pdf", b"%PDF-1.7 ...")
    assert (await microsoft.teams.post(bot.url, microsoft.teams.files(letter, text="evidence"))).status == 200
    assert bot.turns[0].files == (IncomingFile("letter.pdf", letter.url, "pdf"),)
