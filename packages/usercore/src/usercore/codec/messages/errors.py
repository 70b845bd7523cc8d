"""What can be wrong with a message: nobody can tell what it wants, or what it wants is not valid."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import InvalidError


class UnreadableMessageError(Exception):
    """The message cannot be understood at all, so that nobody can be answered.

    Args:
        code: stable word for the rule it breaks.
        detail: what is wrong, without a value of the message.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@define(auto_exc=True, eq=False)
class PayloadInvalidError(InvalidError):
    """The payload breaks its schema; the paths of the violations are names on the wire."""

    code: ClassVar[str] = "payload_invalid"
    summary: ClassVar[str] = "The message does not satisfy its schema"


@define(auto_exc=True, eq=False)
class KeyMismatchError(PayloadInvalidError):
    """The record's key is another user's id than the one that the command names."""

    code: ClassVar[str] = "key_mismatch"
    summary: ClassVar[str] = "The record's key names another user than the command"
