"""What the commands of privacy share."""

from enum import StrEnum
from typing import Annotated, TypeAlias, TypeVar

from attrs import evolve
from cyclopts import Parameter

from user_cli.failures import UsageError
from user_cli.session import Session
from usercore.kernel.context import CommandContext

__all__ = ["Law", "RequestIdArgument", "Why", "privacy_context", "word"]

E = TypeVar("E", bound=StrEnum)

RequestIdArgument: TypeAlias = Annotated[str, Parameter(help="The request's id.")]
Law: TypeAlias = Annotated[str, Parameter(show_default=True)]
Why: TypeAlias = Annotated[str, Parameter(name="--reason", help="Why; it is kept.")]


def word(option: str, kind: type[E], raw: str) -> E:
    """Return the word of a list that an operator writes as ``opt-out-of-sale``, in any case.

    Raises:
        UsageError: it is none of them.
    """
    try:
        return kind(raw.strip().upper().replace("-", "_"))
    except ValueError:
        known = ", ".join(one.value.lower().replace("_", "-") for one in kind)
        raise UsageError(f"{option}: write one of {known}") from None


def privacy_context(session: Session) -> CommandContext:
    """Return the circumstances of a command about privacy: what is restricted may be changed by it."""
    return evolve(session.context, for_privacy=True)
