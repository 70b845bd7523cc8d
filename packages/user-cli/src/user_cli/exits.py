"""Exit codes: what kind of thing went wrong, for scripts."""

from collections.abc import Mapping
from typing import Final

from user_cli.embedded.errors import EmbeddedServerError
from user_cli.failures import FileUnusableError, UsageError
from usercore.kernel.errors import (
    ConflictError,
    DeniedError,
    ExhaustedError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UserCoreError,
)
from usercore.settings import SettingsError

__all__ = ["BROKEN_PIPE", "EXIT_CODES", "HELP", "INTERNAL", "INTERRUPTED", "TERMINATED", "USAGE", "exit_code"]

USAGE: Final = 64
INTERNAL: Final = 70
INTERRUPTED: Final = 130
"""128 and SIGINT, as shells have it."""
BROKEN_PIPE: Final = 141
"""128 and SIGPIPE, as shells have it."""
TERMINATED: Final = 143
"""128 and SIGTERM, as shells have it."""

EXIT_CODES: Final[Mapping[type[Exception], int]] = {
    UsageError: USAGE,
    InvalidError: 65,
    NotFoundError: 67,
    UnavailableError: 69,
    UserCoreError: INTERNAL,
    EmbeddedServerError: 71,
    FileUnusableError: 74,
    ExhaustedError: 75,
    DeniedError: 77,
    SettingsError: 78,
    ConflictError: 79,
}
"""The most specific class decides. Source: sysexits.h of BSD; 79 is the first number after its own."""

HELP: Final = """\
Exit codes: 0 done; 64 wrong command line; 65 invalid input; 67 no such user or thing; 69 a server does not answer;
70 a bug; 71 an embedded server cannot run; 74 a file cannot be read or written; 75 too busy, try again; 77 not allowed;
78 wrong settings; 79 the current state forbids it (taken, stale, deactivated); 130 Ctrl-C; 141 the reader went away;
143 ended by a signal before it was done."""


def exit_code(error: type[BaseException]) -> int:
    """Return the exit code for a type of error, by its most specific kind."""
    return next((EXIT_CODES[kind] for kind in error.__mro__ if kind in EXIT_CODES), INTERNAL)
