"""`userctl serve`: the HTTP service in place of this process."""

import os
import sys
from collections.abc import Iterable

from user_cli.failures import FileUnusableError
from user_cli.settings_report import Section, check
from usercore.settings import CoreSettings, DatabaseSettings, ServingSettings, SettingsError, load
from usercore.wiring import migrations

__all__ = ["HTTP_SERVER", "become", "serve"]

HTTP_SERVER = (sys.executable, "-P", "-m", "user_http")
"""The HTTP runner's own program. Runners do not import each other."""


async def serve(*, migrate: bool = False) -> None:
    """Serve HTTP on the settings of the environment, until SIGTERM or Ctrl-C.

    ```
    userctl serve
    userctl serve --migrate
    ```

    Args:
        migrate: bring the tables up to date first.
    """
    await become(HTTP_SERVER, (CoreSettings, ServingSettings), migrate=migrate)


async def become(program: tuple[str, ...], needed: Iterable[Section], *, migrate: bool) -> None:
    """Put a runner's program in the place of this process.

    Args:
        program: absolute path and arguments.
        needed: the settings that it will read.
        migrate: bring the tables up to date first.

    Raises:
        SettingsError: settings are missing or wrong.
        FileUnusableError: the program cannot be started.
    """
    report = check(os.environ, needed)
    if report.problems:
        raise SettingsError(problems=report.problems)
    if migrate:
        await migrations.upgrade(load(DatabaseSettings, os.environ))
    try:
        # It takes this process's place, so that signals reach it as they are.
        os.execv(program[0], program)  # noqa: S606 - an absolute path and no shell, on purpose
    except OSError as error:
        raise FileUnusableError(f"{program[-1]} cannot be started: {error.strerror}") from None
