"""E-mails from the helpdesk's mailbox, handed to Graph. Never repeated in here: sendMail has no idempotency key."""

from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

from adapters.entra.client import Graph


class GraphMail:
    def __init__(self, graph: Graph, mailbox: str) -> None:
        self._graph = graph
        self._mailbox = mailbox

    async def send(self, *, to: str, subject: str, text: str) -> None:
        message = Message(
            subject=subject,
            body=ItemBody(content_type=BodyType.Text, content=text),
            to_recipients=[Recipient(email_address=EmailAddress(address=to))],
        )
        body = SendMailPostRequestBody(message=message, save_to_sent_items=True)
        await self._graph.call(self._graph.sdk.users.by_user_id(self._mailbox).send_mail.post, body)
