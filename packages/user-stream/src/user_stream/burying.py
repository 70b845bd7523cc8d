"""Dead letters: kept, published and counted."""

from typing import Final

from attrs import frozen

from user_stream.retrying import BaffledError, Retrying
from user_stream.work import Bury, Fault
from usercore.kernel.errors import UserCoreError
from usercore.messaging.values import RawMessage
from usercore.observe.metrics import Metrics

__all__ = ["Burying", "baffled", "refused"]

INTERNAL_ERROR: Final = "internal_error"


def baffled(error: BaffledError) -> Fault:
    """Return why a message is a dead letter that fails for a reason which nobody foresaw."""
    return Fault(INTERNAL_ERROR, "the service failed at it for a reason that nobody foresaw", error.attempts)


def refused(error: UserCoreError) -> Fault:
    """Return why a message is a dead letter that a use case refused. Their errors hold no value of it."""
    return Fault(error.code, str(error))


@frozen
class Burying:
    """Makes dead letters. Where even that fails, the process ends: nothing is given up silently."""

    bury: Bury
    retrying: Retrying
    metrics: Metrics

    async def __call__(self, raw: RawMessage, fault: Fault) -> None:
        """Keep and publish a message that nobody can use.

        Raises:
            GivenUpError, BaffledError, UserCoreError: it could not be done.
        """
        await self.retrying(lambda: self.bury(raw, fault.code, fault.detail, fault.attempts))
        self.metrics.dead_letter(raw.topic, fault.code)
