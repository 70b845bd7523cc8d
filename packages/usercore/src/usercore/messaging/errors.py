"""What can go wrong with messages."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, DeniedError, InvalidError, NotFoundError, UnavailableError
from usercore.kernel.reasons import ReasonInvalidError as ReasonInvalidError


@define(auto_exc=True, eq=False)
class MessageTooLargeError(InvalidError):
    """The broker does not take a message of this size."""

    code: ClassVar[str] = "message_too_large"
    summary: ClassVar[str] = "The message is larger than the topic allows"


@define(auto_exc=True, eq=False)
class TopicUnknownError(NotFoundError):
    """The brokers know no such topic."""

    code: ClassVar[str] = "topic_unknown"
    summary: ClassVar[str] = "The brokers know no such topic"


@define(auto_exc=True, eq=False)
class TopicsMissingError(UnavailableError):
    """Topics that the service needs are not there, and it may not make them."""

    code: ClassVar[str] = "topics_missing"
    summary: ClassVar[str] = "Topics that the service needs are missing"


@define(auto_exc=True, eq=False)
class BrokerDeniedError(DeniedError):
    """The brokers do not let us in, or not at a topic."""

    code: ClassVar[str] = "broker_denied"
    summary: ClassVar[str] = "The brokers do not let us"


@define(auto_exc=True, eq=False)
class DeadLetterNotFoundError(NotFoundError):
    """There is no such dead letter."""

    code: ClassVar[str] = "dead_letter_not_found"
    summary: ClassVar[str] = "There is no such dead letter"


@define(auto_exc=True, eq=False)
class DeadLetterSettledError(ConflictError):
    """The dead letter was replayed or discarded before."""

    code: ClassVar[str] = "dead_letter_settled"
    summary: ClassVar[str] = "The dead letter was replayed or discarded before"


@define(auto_exc=True, eq=False)
class DeadLetterIncompleteError(ConflictError):
    """The message cannot be sent again, because a password was taken out of it; its sender has to."""

    code: ClassVar[str] = "dead_letter_incomplete"
    summary: ClassVar[str] = "A password was taken out of this message: ask its sender to send it again"
