"""From what aiokafka raises to the errors of the kernel: the one place for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka import errors as kafka

from usercore.kernel.errors import UnavailableError
from usercore.messaging.errors import BrokerDeniedError, MessageTooLargeError, TopicUnknownError

_TOO_LARGE: Final = (kafka.MessageSizeTooLargeError, kafka.RecordTooLargeError, kafka.RecordListTooLargeError)
_DENIED: Final = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.UnsupportedSaslMechanismError,
)
_UNKNOWN: Final = (kafka.UnknownTopicOrPartitionError, kafka.InvalidTopicError)


@contextmanager
def translated(topic: str | None = None) -> Iterator[None]:
    """Raise what the kernel knows in place of what aiokafka raises.

    Args:
        topic: the topic in question, for the message.

    Raises:
        UnavailableError: the brokers do not answer, or not in time.
        BrokerDeniedError: they do not let us.
        MessageTooLargeError: they do not take a message of this size.
        TopicUnknownError: there is no such topic.
    """
    at = "" if topic is None else f" (topic {topic})"
    try:
        yield
    except _TOO_LARGE as error:
        raise MessageTooLargeError(f"the message is larger than the brokers take{at}") from error
    except _DENIED as error:
        raise BrokerDeniedError(f"the brokers do not let us{at}: {type(error).__name__}") from error
    except _UNKNOWN as error:
        raise TopicUnknownError(f"there is no such topic{at}") from error
    except (kafka.KafkaError, TimeoutError, OSError) as error:
        raise UnavailableError(f"the brokers do not answer; try again later{at}") from error
