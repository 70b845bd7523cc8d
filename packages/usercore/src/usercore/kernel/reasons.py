"""Why somebody did something: one line, which is kept."""

from typing import ClassVar, Final

from attrs import define

from usercore.kernel.errors import InvalidError

REASON_MAX_CHARS: Final = 500


@define(auto_exc=True, eq=False)
class ReasonInvalidError(InvalidError):
    """Nobody said why, or not in a line of a reasonable length."""

    code: ClassVar[str] = "reason_invalid"
    summary: ClassVar[str] = "A reason is needed: one line of at most 500 characters"


def require_reason(reason: str) -> str:
    """Return the reason, trimmed.

    Raises:
        ReasonInvalidError: there is none, or it is no line of at most 500 characters.
    """
    said = reason.strip()
    if not 1 <= len(said) <= REASON_MAX_CHARS or not said.isprintable():
        raise ReasonInvalidError
    return said
