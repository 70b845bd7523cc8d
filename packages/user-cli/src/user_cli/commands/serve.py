"""`userctl serve`: the HTTP service in place of this process."""

import os
import sys

from user_cli.failures import FileUnusableError
from user_cli.settings_report import check
from usercore.settings import DatabaseSettings, SettingsError, load
from usercore.wiring import migrations

__all__ = ["HTTP_SERVER", "serve"]

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
    report = check(os.environ)
    if report.problems:
        raise SettingsError(problems=report.problems)
    if migrate:
        await migrations.upgrade(load(DatabaseSettings, os.environ), "head")
    try:
        # The service takes this process's place, so that signals reach it as they are.
        os.execv(HTTP_SERVER[0], HTTP_SERVER)  # noqa: S606 - an absolute path and no shell, on purpose
    except OSError as error:
        raise FileUnusableError(f"the HTTP server cannot be started: {error.strerror}") from None
