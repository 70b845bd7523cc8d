"""One batch of one topic, from records to their ends."""

from collections.abc import Mapping, Sequence

import structlog
from attrs import frozen

from user_stream.burying import Burying, baffled
from user_stream.outcomes import End
from user_stream.retrying import BaffledError
from user_stream.work import Fault, Settle, Work, together
from usercore.codec.messages import MessageKind, UnreadableMessageError, read_message
from usercore.codec.messages.signatures import SignedTopics
from usercore.kernel.ports import Clock
from usercore.messaging.values import RawMessage
from usercore.observe.metrics import Metrics

__all__ = ["Process"]


@frozen
class Process:
    """Brings every message of a batch to an end: nothing that was consumed vanishes.

    Args:
        by_kind: who settles which kind of message.
        burying: makes dead letters of what cannot be read.
        limit_bytes: the largest message that is read.
        metrics: counts the ends.
        signed: which messages must be signed.
        clock: tells how old a signed one is.
    """

    by_kind: Mapping[MessageKind, Settle]
    burying: Burying
    limit_bytes: int
    metrics: Metrics
    signed: SignedTopics
    clock: Clock

    async def __call__(self, batch: Sequence[RawMessage]) -> None:
        """Work on a batch; messages of equal keys are taken in their order.

        Raises:
            GivenUpError: a part stays away. Some messages may have had their effect; all of them may come again.
        """
        works: dict[MessageKind, list[Work]] = {}
        unreadable: list[tuple[RawMessage, Fault]] = []
        for raw in batch:
            read = self._read(raw)
            if isinstance(read, Fault):
                unreadable.append((raw, read))
            else:
                works.setdefault(read.message.kind, []).append(read)
        await together(
            [
                *(self._bury(raw, fault) for raw, fault in unreadable),
                *(self._settle(kind, some) for kind, some in works.items()),
            ]
        )

    def _read(self, raw: RawMessage) -> Work | Fault:
        try:
            message = read_message(raw, limit_bytes=self.limit_bytes)
            message = self.signed.check(raw, message, self.clock.now())
        except UnreadableMessageError as error:
            return Fault(error.code, error.detail)
        except Exception as error:  # noqa: BLE001 -- one message's failure must not be that of its batch
            structlog.get_logger().warning("failed unexpectedly", tries=1, exc_info=error)
            return baffled(BaffledError(1))
        if message.kind not in self.by_kind:
            return Fault("type_unknown", "the message is of a kind that nobody sends us")
        return Work(raw, message)

    async def _bury(self, raw: RawMessage, fault: Fault) -> None:
        await self.burying(raw, fault)
        self.metrics.stream_message(raw.topic, End.BURIED)

    async def _settle(self, kind: MessageKind, works: Sequence[Work]) -> None:
        ends = await self.by_kind[kind](works)
        for work, end in zip(works, ends, strict=True):
            self.metrics.stream_message(work.raw.topic, end)
