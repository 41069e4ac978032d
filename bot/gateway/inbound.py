"""From a Teams activity (plain JSON) to our `Incoming`. Pure; it reads shapes and believes no user input.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-basics
"""

from collections.abc import Mapping
from typing import Any

from bot.gateway.not_accepted import NotAccepted
from bot.incoming import Click, Incoming, IncomingFile, Kind, Search, Sender
from services.chat import Address, Scope

CARD_ACTION = "adaptiveCard/action"
QUERY = "composeExtension/query"
QUERY_LINK = "composeExtension/queryLink"
INVOKES = frozenset({CARD_ACTION, QUERY, QUERY_LINK})
"""What Teams asks and we answer. Not among them: links of people whom Teams does not name (`anonymousQueryLink`)."""
FILE = "application/vnd.microsoft.teams.file.download.info"
MOST_FILES = 10
MOST_PARAMETERS = 10
LONGEST_SEARCH, LONGEST_LINK = 200, 2000
LONGEST_NAME = 300
Json = Mapping[str, Any]


def text_of(raw: Json, key: str) -> str:
    """The text under `key`, empty when absent or null; any other type is a 400."""
    value = raw.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotAccepted(400, f"{key} is not text")
    return value


def object_of(raw: Json, key: str) -> Json:
    """The object under `key`, empty when absent or null; any other type is a 400."""
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotAccepted(400, f"{key} is not an object")
    return value


def tenant_of(raw: Json) -> str:
    """Which tenant it comes from, in lower case. `conversation.tenantId` is not used: the SDK loses it."""
    return text_of(object_of(object_of(raw, "channelData"), "tenant"), "id").lower()


def to_incoming(raw: Json, app_id: str) -> Incoming:
    """Raises `NotAccepted` (400) for a shape that Teams does not send or that could not be answered."""
    address = _address(raw, app_id)
    kind, text, click = _what(raw, address.bot_id)
    files = files_of(raw) if kind is Kind.MESSAGE and address.scope is Scope.PERSONAL else ()
    search = _search(raw) if kind is Kind.SEARCH else None
    return Incoming(kind, text_of(raw, "id"), _sender(object_of(raw, "from")), address, text, click, files, search)


def files_of(raw: Json) -> tuple[IncomingFile, ...]:
    """The message's attachments, at most ten; without those that belong to its text.

    Attachments come in many shapes, and what cannot be read is no reason to turn the message away.
    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4
    """
    attachments = raw.get("attachments")
    if not isinstance(attachments, list):
        return ()
    found = [_file(one) for one in attachments if isinstance(one, dict) and not _is_text(one)]
    return tuple(found[:MOST_FILES])


def _is_text(attachment: Json) -> bool:
    """Teams adds the text once more as HTML, and the message that is quoted in a reply."""
    return _either(attachment, "contentType").lower().startswith(("text/html", "messagereference"))


def _file(attachment: Json) -> IncomingFile:
    content = attachment.get("content")
    name, content_type = _either(attachment, "name")[:LONGEST_NAME], _either(attachment, "contentType")
    if content_type.lower() != FILE or not isinstance(content, dict):
        return IncomingFile(name, "", content_type)
    return IncomingFile(name, _either(content, "downloadUrl"), _either(content, "fileType"))


def _either(raw: Json, key: str) -> str:
    """The text under `key`, or nothing."""
    value = raw.get(key)
    return value.strip() if isinstance(value, str) else ""


def _sender(account: Json) -> Sender:
    entra_id = account.get("aadObjectId")
    # Anything but text is nobody: this is the one field that says who acts.
    known = entra_id.strip().lower() if isinstance(entra_id, str) else ""
    return Sender(known, text_of(account, "id"), text_of(account, "name"))


def _address(raw: Json, app_id: str) -> Address:
    conversation, data = object_of(raw, "conversation"), object_of(raw, "channelData")
    conversation_id = text_of(conversation, "id")
    # Dots alone would be taken for steps in the path of our answer.
    if not conversation_id.strip(".") or not text_of(raw, "serviceUrl"):
        raise NotAccepted(400, "nothing to answer to")
    bot_id = text_of(object_of(raw, "recipient"), "id") or f"28:{app_id}"
    scope = _scope(conversation, data, bot_id)
    team = object_of(data, "team")
    return Address(
        service_url=text_of(raw, "serviceUrl"),
        conversation_id=conversation_id,
        tenant_id=tenant_of(raw),
        bot_id=bot_id,
        scope=scope,
        channel_id=_channel_id(data) if scope is Scope.CHANNEL else "",
        team_id=text_of(team, "aadGroupId").lower(),
    )


def _scope(conversation: Json, data: Json, bot_id: str) -> Scope:
    named = text_of(conversation, "conversationType")
    if named == Scope.PERSONAL and _is_of_two_people(text_of(conversation, "id"), bot_id):
        return Scope.GROUP
    if named in {Scope.PERSONAL, Scope.CHANNEL, Scope.GROUP}:
        return Scope(named)
    if object_of(data, "channel") or object_of(data, "team"):
        return Scope.CHANNEL
    # A kind of chat that is new to us counts as one in which others listen.
    return Scope.GROUP if named or conversation.get("isGroup") else Scope.PERSONAL


def _is_of_two_people(conversation_id: str, bot_id: str) -> bool:
    """Two people's own chat is as personal to Teams as the bot's with one of them. Its id names both of them."""
    return conversation_id.startswith("19:") and bot_id.removeprefix("28:") not in conversation_id


def _channel_id(data: Json) -> str:
    selected = object_of(object_of(data, "settings"), "selectedChannel")
    # The General channel's id is the team's.
    return (
        text_of(object_of(data, "channel"), "id") or text_of(selected, "id") or text_of(object_of(data, "team"), "id")
    )


def _what(raw: Json, bot_id: str) -> tuple[Kind, str, Click | None]:
    match text_of(raw, "type"):
        case "":
            raise NotAccepted(400, "no type")
        case "message":
            click = _submit(raw)
            text = without_mention(raw, bot_id)
            return (Kind.CLICK if click else Kind.MESSAGE), text, click
        case "invoke" if text_of(raw, "name") == CARD_ACTION:
            return Kind.CLICK, "", _execute(raw)
        case "invoke" if text_of(raw, "name") in (QUERY, QUERY_LINK):
            return Kind.SEARCH, "", None
        case "installationUpdate":
            # "add-upgrade" and "remove-upgrade" are a new version of the app, not a coming or going.
            return {"add": Kind.ADDED, "remove": Kind.REMOVED}.get(text_of(raw, "action"), Kind.OTHER), "", None
        case "conversationUpdate":
            return _membership(raw, bot_id), "", None
        case _:
            return Kind.OTHER, "", None


def _submit(raw: Json) -> Click | None:
    value = raw.get("value")
    if not isinstance(value, dict) or (not value and raw.get("text")):
        return None
    return Click(_verb(value), value, False, text_of(raw, "replyToId"))


def _execute(raw: Json) -> Click:
    value = object_of(raw, "value")
    action = object_of(value, "action")
    automatic = value.get("trigger") == "automatic"
    return Click(_verb(action), object_of(action, "data"), True, text_of(raw, "replyToId"), automatic)


def _search(raw: Json) -> Search:
    """Whatever is missing or has another shape was not said.

    https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/search-commands/respond-to-search
    """
    value = raw.get("value")
    value = value if isinstance(value, dict) else {}
    if text_of(raw, "name") == QUERY_LINK:
        return Search(link=_either(value, "url")[:LONGEST_LINK])
    given = value.get("parameters")
    parameters = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    typed = [_either(one, "value") for one in parameters[:MOST_PARAMETERS] if one.get("name") == "query"]
    return Search(_either(value, "commandId"), "".join(typed[:1])[:LONGEST_SEARCH])


def _verb(raw: Json) -> str:
    verb = raw.get("verb")
    return verb if isinstance(verb, str) else ""


def _membership(raw: Json, bot_id: str) -> Kind:
    if bot_id in _ids(raw, "membersAdded"):
        return Kind.ADDED
    return Kind.REMOVED if bot_id in _ids(raw, "membersRemoved") else Kind.OTHER


def _ids(raw: Json, key: str) -> list[str]:
    return [text_of(member, "id") for member in _objects(raw, key)]


def _objects(raw: Json, key: str) -> list[Json]:
    items = raw.get(key) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotAccepted(400, f"{key} is not a list of objects")
    return items


def without_mention(raw: Json, bot_id: str) -> str:
    """The text without each mention of the bot itself, once each: its name elsewhere in the text stays."""
    text = text_of(raw, "text")
    for entity in _objects(raw, "entities"):
        mentioned = entity.get("mentioned")
        if entity.get("type") != "mention" or not isinstance(mentioned, dict) or mentioned.get("id") != bot_id:
            continue
        text = text.replace(text_of(entity, "text"), "", 1)
    return text.replace("&nbsp;", " ").strip()
