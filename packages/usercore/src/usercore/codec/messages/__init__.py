"""Messages on the wire: what others send us, read strictly; what we publish; and the description of both.

Needs the extra `usercore[messages]`.
"""

from usercore.codec.messages.errors import KeyMismatchError, PayloadInvalidError, UnreadableMessageError
from usercore.codec.messages.reading import ReceivedMessage, read_message
from usercore.codec.messages.redaction import redacted
from usercore.codec.messages.values import MessageKind, PreferencesOf, Request

__all__ = [
    "KeyMismatchError",
    "MessageKind",
    "PayloadInvalidError",
    "PreferencesOf",
    "ReceivedMessage",
    "Request",
    "UnreadableMessageError",
    "read_message",
    "redacted",
]
