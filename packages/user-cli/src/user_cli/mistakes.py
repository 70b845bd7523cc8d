"""What is wrong with a command line, in one line that repeats no value: a value may be somebody's email."""

from difflib import get_close_matches

from cyclopts import Argument
from cyclopts.exceptions import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

__all__ = ["mistake"]


def mistake(error: CycloptsError) -> str:
    """Return what to write instead."""
    where = " ".join(("userctl", *(error.command_chain or ())))
    return f"{_what(error)} (see {where} --help)"


def _what(error: CycloptsError) -> str:
    match error:
        case UnknownOptionError():
            text = _unknown_option(error)
        case UnknownCommandError():
            text = _unknown_command(error)
        case UnusedCliTokensError():
            text = "there are more arguments than the command takes"
        case RepeatArgumentError():
            text = f"{_name(error.argument)} is given more than once"
        case MissingArgumentError():
            text = f"{_name(error.argument)} is needed"
        case CoercionError():
            kind = getattr(error.target_type, "__name__", "")
            text = f"{_name(error.argument)} takes {_KINDS.get(kind, 'another value')}"
        case ValidationError():
            text = f"{_name(error.argument)}: {error.exception_message or 'another value is needed'}"
        case _:
            text = "the command line cannot be read"
    return text


_KINDS = {"int": "a whole number", "float": "a number", "bool": "no value"}


def _name(argument: Argument | None) -> str:
    if argument is None:
        return "an argument"
    return argument.name if argument.name.startswith("-") else argument.name.upper()


def _unknown_option(error: UnknownOptionError) -> str:
    written = (error.token.keyword or error.token.value).split("=", 1)[0]
    known = [name for argument in error.argument_collection for name in argument.names]
    return "there is no such option" + _perhaps(written, known)


def _unknown_command(error: UnknownCommandError) -> str:
    written = (error.unused_tokens or [""])[0]
    known = [name for name in (error.app or ()) if not name.startswith("-")]
    return "there is no such command" + (_perhaps(written, known) or f"; there are {', '.join(known)}")


def _perhaps(written: str, known: list[str]) -> str:
    close = get_close_matches(written, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
