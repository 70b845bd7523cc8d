"""Run a command, and turn whatever goes wrong into one line and an exit code."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence

from cyclopts.exceptions import CycloptsError
from rich.console import Console

from user_cli import exits
from user_cli.app import build_app
from user_cli.embedded.errors import EmbeddedServerError
from user_cli.mistakes import mistake
from user_cli.output import clean
from usercore.codec.scalars import camel
from usercore.kernel.errors import InvalidError, UserCoreError
from usercore.settings import SettingsError
from usercore.users.errors import UserMergedError

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Run userctl and return its exit code.

    Args:
        arguments: the command line without the program's name.
    """
    try:
        asked = next(iter(arguments), None)
        build_app(Console(), Console(stderr=True), asked)(arguments)
        sys.stdout.flush()
    except SystemExit as wanted:
        return wanted.code if isinstance(wanted.code, int) else 0
    except BrokenPipeError:
        return _leave_quietly()
    except asyncio.CancelledError:
        return exits.TERMINATED
    except CycloptsError as error:
        _complain(["usage: " + mistake(error)])
        return exits.USAGE
    except Exception as error:  # noqa: BLE001 - the last place that can still say something clear
        _complain(_lines(error))
        return exits.exit_code(type(error))
    return 0


def _complain(lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        print(f"userctl: {clean(line)}", file=sys.stderr)  # noqa: T201 - the one line an error deserves


def _lines(error: Exception) -> Iterator[str]:
    match error:
        case SettingsError():
            yield from (f"{error.code}: {problem}" for problem in error.problems)
        case InvalidError():
            yield f"{error.code}: {_invalid(error)}"
        case UserMergedError(survivor=str(survivor)):
            yield f"{error.code}: {error}: {survivor}"
        case UserCoreError():
            yield f"{error.code}: {error}"
        case EmbeddedServerError():
            # The lines of a server's log that it quotes stay lines.
            yield from f"embedded_server: {error}".splitlines()
        case _:
            # Its text may hold a personal value; its place does not.
            yield f"internal_error: {type(error).__name__} at {_place(error)}; this is a bug"


def _invalid(error: InvalidError) -> str:
    rules = "; ".join(f"{'.'.join(map(camel, v.path)) or 'input'}: {v.detail}" for v in error.violations)
    return ": ".join(part for part in (error.detail or error.summary, rules) if part)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    code = trace.tb_frame.f_code
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}.{code.co_name}:{trace.tb_lineno}"


def _leave_quietly() -> int:
    """Nobody reads any more: keep the interpreter from complaining when it closes standard output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exits.BROKEN_PIPE
