"""Answers to queries, sent to the topic that the query names."""

import re
from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from user_stream.work import Work
from usercore.codec.scalars import timestamp
from usercore.kernel.ports import Clock, IdGenerator
from usercore.messaging.ports import MessageSender

__all__ = ["JSON", "Reply", "Replying", "UnanswerableError"]

JSON: Final = b"application/json"
# Source: Apache Kafka, org.apache.kafka.common.internals.Topic: legal characters, and the longest name.
_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}", re.ASCII)


class UnanswerableError(Exception):
    """The query does not say where an answer may go.

    Args:
        code: stable word for why.
        detail: what is wrong, without the topic's name.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@frozen
class Reply:
    """An answer.

    Args:
        name: what it is, in the event catalogue.
        body: JSON in UTF-8.
        content_type: of the body.
    """

    name: str
    body: bytes = field(repr=False)
    content_type: bytes = JSON


@frozen
class Replying:
    """Sends answers to queries.

    The topic must begin with the deployment's prefix, as every topic of ours, and after that with one of those allowed:
    else whoever may write a query could have us write anywhere. No other header than `reply-to` is looked at.

    Args:
        sender: sends.
        prefixes: how topics for answers may begin, behind the deployment's prefix.
        deployment: the deployment's prefix.
        source: the CloudEvents `source` of answers.
        clock: tells when.
        ids: names the answers.
    """

    sender: MessageSender
    prefixes: tuple[str, ...]
    deployment: str
    source: str
    clock: Clock
    ids: IdGenerator

    def topic_for(self, work: Work) -> str:
        """Return where the answer goes, without the deployment's prefix.

        Raises:
            UnanswerableError: the query names no topic, or one that is not allowed.
        """
        named = work.message.reply_to
        if not named:
            raise UnanswerableError("reply_to_missing", "a query needs the header reply-to")
        topic = named.removeprefix(self.deployment)
        allowed = named.startswith(self.deployment) and topic.startswith(self.prefixes)
        if not allowed or not _TOPIC.fullmatch(named):
            raise UnanswerableError("reply_to_refused", "the topic in reply-to is none that answers may go to")
        return topic

    async def send(self, work: Work, topic: str, reply: Reply) -> None:
        """Send an answer and return once the broker has acknowledged it.

        Raises:
            UnavailableError: the broker does not answer.
            MessageTooLargeError, TopicUnknownError, BrokerDeniedError: the topic does not take it.
        """
        await self.sender.send(topic, key=work.raw.key, value=reply.body, headers=self._headers(work, reply))

    def _headers(self, work: Work, reply: Reply) -> Sequence[tuple[str, bytes]]:
        message = work.message
        told = {
            "ce_specversion": "1.0",
            "ce_id": self.ids.event_id(),
            "ce_source": self.source,
            "ce_type": reply.name,
            "ce_time": timestamp(self.clock.now()),
            "ce_causationid": message.receipt.message.id,
            "ce_correlationid": message.context.correlation_id,
        }
        headers = [(name, value.encode()) for name, value in told.items()]
        headers.append(("content-type", reply.content_type))
        if message.correlation is not None:
            headers.append(("correlation-id", message.correlation))
        return headers
