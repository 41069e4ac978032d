"""Teams as a client: activities in the shape in which it sends them, signed and posted to a bot."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.microsoft.files import File
from tests.microsoft.people import ANNA, HELPDESK, TENANT, Channel, Person
from tests.microsoft.signing import Signing

Activity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    body: Any
    """The parsed JSON; None where there is none."""


class Teams:
    """Builders give plain dicts that a test may change before posting. `where` is the sender's own chat by default."""

    def __init__(self, app_id: str, service_url: str, signing: Signing, session: Callable[[], aiohttp.ClientSession]):
        self.app_id = app_id
        self.service_url = service_url
        self.bot_id = f"28:{app_id}"
        self.tenant_id = TENANT
        self._signing = signing
        self._session = session
        self._ids = itertools.count(1)

    def message(self, text: str, sender: Person = ANNA, where: Channel | None = None) -> Activity:
        """Typed text; in a channel the bot is mentioned first, as it must be there."""
        activity = self._activity("message", sender, where) | {"text": text, "textFormat": "plain"}
        if where is not None:
            at = "<at>MFA exceptions</at>"
            activity["text"] = f"{at} {text}"
            mention = {"type": "mention", "mentioned": {"id": self.bot_id, "name": "MFA exceptions"}, "text": at}
            activity["entities"] = [mention, *activity["entities"]]
        return activity

    def files(self, *files: File, text: str = "", sender: Person = ANNA) -> Activity:
        """Files sent in the sender's own chat; Teams adds the text once more, as HTML."""
        infos = [
            {
                "contentType": "application/vnd.microsoft.teams.file.download.info",
                "contentUrl": f"https://tenant-my.sharepoint.com/personal/somebody/Documents/{file.name}",
                "name": file.name,
                "content": {"downloadUrl": file.url, "uniqueId": "1150d938", "fileType": file.file_type},
            }
            for file in files
        ]
        return self.message(text, sender) | {
            "attachments": [*infos, {"contentType": "text/html", "content": f"<p>{text}</p>"}]
        }

    def execute(
        self,
        verb: str,
        data: dict[str, Any] | None = None,
        sender: Person = ANNA,
        where: Channel | None = None,
        card: str = "1700000000000",
        *,
        automatic: bool = False,
    ) -> Activity:
        """A pressed Action.Execute; `card` is the activity id of the message that holds it."""
        trigger = "automatic" if automatic else "manual"
        action = {"type": "Action.Execute", "id": verb, "verb": verb, "data": {"verb": verb} | (data or {})}
        return self._activity("invoke", sender, where) | {
            "name": "adaptiveCard/action",
            "value": {"action": action, "trigger": trigger},
            "replyToId": card,
        }

    def submit(
        self,
        verb: str,
        data: dict[str, Any] | None = None,
        sender: Person = ANNA,
        where: Channel | None = None,
        card: str = "1700000000000",
    ) -> Activity:
        """The Action.Submit fallback of the same button: a message with a value and no text."""
        return self._activity("message", sender, where) | {"value": {"verb": verb} | (data or {}), "replyToId": card}

    def search(
        self,
        text: str = "",
        sender: Person = ANNA,
        where: Channel | None = None,
        command: str = "findRequest",
        *,
        first: bool = False,
    ) -> Activity:
        """What is typed so far into a search beside a message; `first`: the box was only opened."""
        parameter = {"name": "initialRun", "value": "true"} if first else {"name": "query", "value": text}
        value = {"commandId": command, "parameters": [parameter], "queryOptions": {"skip": 0, "count": 25}}
        return self._activity("invoke", sender, where) | {"name": "composeExtension/query", "value": value}

    def pasted(self, url: str, sender: Person = ANNA, where: Channel | None = None) -> Activity:
        """A link that was pasted into a message."""
        return self._activity("invoke", sender, where) | {"name": "composeExtension/queryLink", "value": {"url": url}}

    def installed(self, sender: Person = ANNA, where: Channel | None = None, action: str = "add") -> Activity:
        """installationUpdate; `action` is `add`, `remove`, `add-upgrade` or `remove-upgrade`."""
        return self._activity("installationUpdate", sender, where) | {"action": action}

    def bot_added(self, sender: Person = ANNA, where: Channel | None = None) -> Activity:
        return self._activity("conversationUpdate", sender, where) | {"membersAdded": [{"id": self.bot_id}]}

    def member_added(self, member: Person, sender: Person = ANNA, where: Channel | None = None) -> Activity:
        account = {"id": member.teams_id, "aadObjectId": member.entra_id}
        return self._activity("conversationUpdate", sender, where) | {"membersAdded": [account]}

    def bot_removed(self, sender: Person = ANNA, where: Channel | None = None) -> Activity:
        return self._activity("conversationUpdate", sender, where) | {"membersRemoved": [{"id": self.bot_id}]}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What Teams puts in a token; a value of None leaves the claim out."""
        now = int(time.time())
        usual = {
            "serviceurl": self.service_url,
            "nbf": now - 60,
            "exp": now + 3600,
            "iss": self._signing.issuer,
            "aud": self.app_id,
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def token(self, **changes: Any) -> str:
        return self._signing.sign(self.claims(**changes))

    async def post(self, url: str, activity: Any, *, token: str | None = None) -> Answer:
        """Sends it to a bot (`url` ends in /api/messages) with a good token, or with `token` (empty: none)."""
        bearer = self.token() if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        async with self._session().post(url, json=activity, headers=headers) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json" and text
            return Answer(answer.status, text, await answer.json() if is_json else None)

    def _activity(self, kind: str, sender: Person, where: Channel | None) -> Activity:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        data: dict[str, Any] = {"tenant": {"id": self.tenant_id}}
        conversation = {"conversationType": "personal", "tenantId": self.tenant_id, "id": sender.chat_id}
        if where is not None:
            data |= {
                "teamsChannelId": where.channel_id,
                "teamsTeamId": where.team_id,
                "channel": {"id": where.channel_id},
                "team": {"id": where.team_id, "aadGroupId": where.group_id},
            }
            conversation |= {"conversationType": "channel", "isGroup": True, "id": where.conversation_id}  # type: ignore[dict-item]
        return {
            "type": kind,
            "id": f"f:{next(self._ids):08d}-{time.time_ns()}",
            "timestamp": stamp,
            "localTimestamp": stamp,
            "localTimezone": "Europe/London",
            "locale": "en-GB",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": sender.teams_id, "name": sender.name, "aadObjectId": sender.entra_id},
            "conversation": conversation,
            "recipient": {"id": self.bot_id, "name": "MFA exceptions"},
            "entities": [{"locale": "en-GB", "country": "GB", "platform": "Web", "type": "clientInfo"}],
            "channelData": data,
        }


__all__ = ["HELPDESK", "Activity", "Answer", "Teams"]
