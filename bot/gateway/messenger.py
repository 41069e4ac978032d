"""`services.chat.Messenger` made real: says things in Teams, inside a turn or outside, from an `Address` alone."""

from typing import Any, ClassVar, NoReturn

from botbuilder.schema import (
    Activity,
    ActivityTypes,
    Attachment,
    ChannelAccount,
    ConversationAccount,
    ConversationParameters,
)

from bot.gateway.answers import CARD_TYPE, plain
from bot.gateway.connection import READY_MADE, Connection
from cards.card import Card
from domain.errors import Trouble, Unreachable
from services.chat import Address, Scope, Sent
from services.unanswered import may_be_out


class TeamsMessenger:
    """Sends through a started `Connection`; see the protocol for what each call may raise."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, to: Address, card: Card) -> Sent:
        return await self._send(to, _card_message(to, card))

    async def say(self, to: Address, text: str) -> Sent:
        return await self._send(to, _message(to, text=text, text_format="plain"))

    async def replace(self, at: Sent, card: Card) -> None:
        message = _card_message(at.address, card)
        message.id = at.activity_id
        client = self._connection.client(at.address.service_url)
        await client.conversations.update_activity(at.address.conversation_id, at.activity_id, message)

    async def post(self, channel: Address, card: Card) -> Sent:
        parameters = ConversationParameters(
            is_group=True,
            bot=ChannelAccount(id=channel.bot_id),
            activity=_card_message(channel, card),
            # The model's own tenant field goes out under a name that Teams does not read.
            channel_data={"channel": {"id": channel.channel_id}, "tenant": {"id": channel.tenant_id}},
        )
        with may_be_out("sending to Teams"):
            created = await self._connection.client(channel.service_url).conversations.create_conversation(parameters)
        thread = Address(
            # Whatever serviceUrl the answer names, ours was checked.
            service_url=channel.service_url,
            conversation_id=_id(created, "id") or _nowhere(),
            tenant_id=channel.tenant_id,
            bot_id=channel.bot_id,
            scope=Scope.CHANNEL,
            channel_id=channel.channel_id,
            team_id=channel.team_id,
        )
        return Sent(thread, _id(created, "activity_id"))

    async def find(self, team: Address, entra_id: str) -> Address | None:
        """Teams takes an Entra id where the SDK says member id, and the team's channel where it says conversation."""
        conversations = self._connection.client(team.service_url).conversations
        try:
            member = await conversations.get_conversation_member(team.channel_id, entra_id)
            teams_id = _id(member, "id")
            if not teams_id.startswith("29:"):
                return None
            parameters = ConversationParameters(
                is_group=False,
                bot=ChannelAccount(id=team.bot_id),
                members=[ChannelAccount(id=teams_id)],
                channel_data={"tenant": {"id": team.tenant_id}},
            )
            created = await conversations.create_conversation(parameters)
        except Unreachable:
            return None
        except Trouble as trouble:
            trouble.unanswered = False  # nothing is said by this
            raise
        chat = _id(created, "id")
        return Address(team.service_url, chat, team.tenant_id, team.bot_id, Scope.PERSONAL) if chat else None

    async def answers(self, at: Address) -> None:
        conversations = self._connection.client(at.service_url).conversations
        await conversations.get_conversation_member(at.channel_id or at.conversation_id, at.bot_id)

    async def _send(self, to: Address, message: Activity) -> Sent:
        client = self._connection.client(to.service_url)
        with may_be_out("sending to Teams"):
            answer = await client.conversations.send_to_conversation(to.conversation_id, message)
        return Sent(to, _id(answer, "id"))


def _id(answer: Any, name: str) -> str:
    # Empty rather than an error: the message is out, and a caller that tried again would send it twice.
    value = getattr(answer, name, None)
    return value if isinstance(value, str) else ""


def _nowhere() -> NoReturn:
    raise Trouble("Teams took the message but did not say where it is.", for_good=True, unanswered=True)


class _Message(Activity):  # type: ignore[misc]
    """The same on the wire; msrest does not look through the forty fields that we never fill."""

    _attribute_map: ClassVar[dict[str, Any]] = {
        name: Activity._attribute_map[name]
        for name in (
            "type", "id", "from_property", "conversation", "text", "text_format", "summary", "attachments"
        )
    }  # fmt: skip


def _message(to: Address, **parts: Any) -> Activity:
    return _Message(
        type=ActivityTypes.message,
        from_property=ChannelAccount(id=to.bot_id),
        conversation=ConversationAccount(id=to.conversation_id),
        **parts,
    )


class _CardAttachment(Attachment):  # type: ignore[misc]  # the SDK has no types
    """The same on the wire; its content is handed through."""

    _attribute_map: ClassVar[dict[str, Any]] = {
        **Attachment._attribute_map,
        "content": {"key": "content", "type": READY_MADE},
    }


def _card_message(to: Address, card: Card) -> Activity:
    # No text beside the card: Teams would make two messages of it, and give no id.
    attachment = _CardAttachment(content_type=CARD_TYPE, content=plain(card))
    return _message(to, summary=card.summary, attachments=[attachment])
