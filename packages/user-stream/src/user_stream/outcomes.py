"""What is done about an error, by its kind; and the ways in which a message can end.

One table serves every sort of message. What a refusal comes to depends on who sent it: a command is answered by
`UserCommandRejected`, a query by a problem document, and of an event a dead letter is made.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from usercore.kernel.errors import (
    ConflictError,
    DeniedError,
    ExhaustedError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UserCoreError,
)

__all__ = ["OUTCOME_BY_CODE", "OUTCOME_BY_KIND", "End", "Outcome", "outcome_of"]


class Outcome(StrEnum):
    """What is done about an error."""

    SKIP = "skip"
    REFUSE = "refuse"
    RETRY = "retry"
    BURY = "bury"


class End(StrEnum):
    """How a message ended; the label of the metric."""

    APPLIED = "applied"
    REPEATED = "repeated"
    REJECTED = "rejected"
    ANSWERED = "answered"
    PARKED = "parked"
    IGNORED = "ignored"
    BURIED = "dead_letter"


OUTCOME_BY_KIND: Final[Mapping[type[UserCoreError], Outcome]] = {
    InvalidError: Outcome.REFUSE,
    NotFoundError: Outcome.REFUSE,
    ConflictError: Outcome.REFUSE,
    DeniedError: Outcome.REFUSE,
    ExhaustedError: Outcome.RETRY,
    UnavailableError: Outcome.RETRY,
}
"""What is retried without success ends the process, so that the message comes again: it is never a dead letter."""

OUTCOME_BY_CODE: Final[Mapping[str, Outcome]] = {
    "already_applied": Outcome.SKIP,
    "write_contended": Outcome.RETRY,
}
"""Codes about which something else is done than about their kind."""


def outcome_of(error: Exception) -> Outcome:
    """Return what is done about an error; a bug of ours is tried again, and then buried with its message."""
    if not isinstance(error, UserCoreError):
        return Outcome.BURY
    by_code = OUTCOME_BY_CODE.get(error.code)
    if by_code is not None:
        return by_code
    return next((found for kind, found in OUTCOME_BY_KIND.items() if isinstance(error, kind)), Outcome.BURY)
