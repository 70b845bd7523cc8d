"""Entry point `user-http`: the API on the database and the cache that the environment names."""

import asyncio
import os
import sys
from typing import Final

import uvloop
from attrs import frozen

from user_http.app import build_app
from user_http.auth.keys import read_keys
from user_http.edge import Lifecycle
from user_http.server import serve
from usercore.observe.logs import configure_logs
from usercore.settings import AuthSettings, CoreSettings, Problem, ServingSettings, SettingsError, load
from usercore.wiring.service import open_core

EX_CONFIG: Final = 78
"""Source: sysexits.h of BSD: something was found in an unconfigured or misconfigured state."""


def main() -> None:
    """Read the settings, serve until a signal comes, and exit; 78 means that settings are not valid."""
    try:
        settings = load(_Settings, os.environ)
        check_key_file(settings.serving.auth)
        configure_logs(settings.core.telemetry)
        uvloop.run(run(settings.core, settings.serving))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- for whoever starts it, and often before logs are configured
        sys.exit(EX_CONFIG)


@frozen
class _Settings:
    """Everything, so that whatever is wrong is named at once."""

    core: CoreSettings
    serving: ServingSettings


def check_key_file(auth: AuthSettings) -> None:
    """Pass settings whose key file, if they name one, holds keys.

    Raises:
        SettingsError: it does not.
    """
    if auth.key_file is None:
        return
    try:
        read_keys(auth.key_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad_key_file(f"the file it names cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _bad_key_file(f"the file it names holds {error}") from None


def _bad_key_file(detail: str) -> SettingsError:
    return SettingsError(problems=(Problem("USER_SERVICE_TOKEN_KEY_FILE", detail),))


async def run(core_settings: CoreSettings, serving: ServingSettings) -> None:
    """Open the core, serve it, and close it at the end."""
    lifecycle = Lifecycle()
    async with open_core(core_settings) as service:
        app = build_app(
            service.core,
            serving,
            service.metrics,
            readiness=service.readiness,
            lifecycle=lifecycle,
            tracer=service.tracer,
            consistency=service.consistency,
        )
        upkeep = asyncio.create_task(service.maintenance.run(core_settings.delivery.interval_s))
        try:
            await serve(app, serving.http, lifecycle)
        finally:
            upkeep.cancel()
            await asyncio.wait([upkeep])


if __name__ == "__main__":
    main()
