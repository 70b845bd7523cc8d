"""Sending messages one after another, and hearing the answers."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from attrs import define, evolve, field, frozen

from user_cli.failures import InputInvalidError, NoReplyError
from user_cli.messages import Recipe
from user_cli.output import note
from usercore.messaging.ports import MessageSender
from usercore.messaging.values import RawMessage
from usercore.settings import KafkaSettings, TopicSettings

__all__ = ["Sending", "Sent"]


@frozen
class Sent:
    """What was sent and answered."""

    count: int
    replies: tuple[RawMessage, ...]


@frozen
class Sending:
    """Sends documents, each after the one before was acknowledged.

    Args:
        kafka: where the brokers are.
        topics: how the topic for answers is made where it is missing.
        recipe: makes messages of documents.
        replies: the topic to hear answers in, without the deployment's prefix, or None.
        wait_s: how long to wait for each.
    """

    kafka: KafkaSettings
    topics: TopicSettings
    recipe: Recipe
    replies: str | None
    wait_s: float

    def all(self, documents: Iterator[bytes]) -> Sent:
        """Send what `documents` gives, which may wait for input meanwhile, outside the event loop.

        Raises:
            InputInvalidError: the service would not take one; those before it were sent.
            NoReplyError: a query was not answered in time.
            UserCoreError: the brokers do not take it.
        """
        count = 0
        answers: list[RawMessage] = []
        with asyncio.Runner() as runner:
            stack = AsyncExitStack()
            try:
                line = runner.run(self._open(stack))
                for document in documents:
                    answers += runner.run(self._one(line, document, count + 1))
                    count += 1
            except BaseException:
                if count:
                    note(f"{count} were sent")
                raise
            finally:
                runner.run(stack.aclose())
        return Sent(count, tuple(answers))

    async def _open(self, stack: AsyncExitStack) -> "_Line":
        # A client of Kafka takes long to import: slips of the keyboard do not wait for it.
        from usercore.wiring.messaging import ensure_topics, open_sender, tail_topics  # noqa: PLC0415

        sender = await stack.enter_async_context(open_sender(self.kafka))
        if self.replies is None:
            return _Line(sender, None)
        await ensure_topics(self.kafka, self.topics, (self.replies,))
        ready = asyncio.Event()
        answers = _Answers(tail_topics(self.kafka, (self.replies,), ready=ready.set))
        stack.push_async_callback(answers.close)
        await answers.begin(ready)
        return _Line(sender, answers)

    async def _one(self, line: "_Line", document: bytes, number: int) -> list[RawMessage]:
        try:
            draft = self.recipe.draft(document, at=datetime.now(UTC))
        except InputInvalidError as error:
            raise evolve(error, detail=f"document {number}: {error.detail}") from None
        await line.sender.send(draft.topic, key=draft.key, value=draft.value, headers=draft.headers)
        if line.answers is None or draft.correlation is None:
            return []
        try:
            async with asyncio.timeout(self.wait_s):
                return [await line.answers.to(draft.correlation)]
        except TimeoutError:
            raise NoReplyError from None


@frozen
class _Line:
    """A sender, and where answers are heard."""

    sender: MessageSender
    answers: "_Answers | None"


@define
class _Answers:
    """What comes in a topic for answers."""

    _messages: AsyncGenerator[RawMessage, None]
    _next: "asyncio.Future[RawMessage] | None" = field(default=None, init=False)

    async def begin(self, ready: asyncio.Event) -> None:
        """Return once nothing that is sent from now on is missed."""
        self._next = asyncio.ensure_future(anext(self._messages))
        listening = asyncio.ensure_future(ready.wait())
        await asyncio.wait((self._next, listening), return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if self._next.done() and not ready.is_set():
            self._next.result()

    async def to(self, correlation: bytes) -> RawMessage:
        """Return the answer to one query; answers to others are passed over."""
        while True:
            if self._next is None:
                self._next = asyncio.ensure_future(anext(self._messages))
            message = await asyncio.shield(self._next)
            self._next = None
            if ("correlation-id", correlation) in message.headers:
                return message

    async def close(self) -> None:
        """Stop listening."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait((self._next,))
        await self._messages.aclose()
