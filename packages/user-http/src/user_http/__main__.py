"""Entry point `user-http`: the API on the database and the cache that the environment names."""

import asyncio
import os
import sys
from typing import Final

import uvloop

from user_http.app import build_app
from user_http.edge import Lifecycle
from user_http.server import serve
from usercore.observe.logs import configure_logs
from usercore.settings import CoreSettings, ServingSettings, SettingsError, load
from usercore.wiring.service import open_core

EX_CONFIG: Final = 78
"""Source: sysexits.h of BSD: something was found in an unconfigured or misconfigured state."""


def main() -> None:
    """Read the settings, serve until a signal comes, and exit; 78 means that settings are not valid."""
    try:
        core_settings, serving = load(CoreSettings, os.environ), load(ServingSettings, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- logs are not configured yet
        sys.exit(EX_CONFIG)
    configure_logs(core_settings.telemetry)
    uvloop.run(run(core_settings, serving))


async def run(core_settings: CoreSettings, serving: ServingSettings) -> None:
    """Open the core, serve it, and close it at the end."""
    lifecycle = Lifecycle()
    async with open_core(core_settings) as service:
        app = build_app(service.core, serving, service.metrics, readiness=service.readiness, lifecycle=lifecycle)
        upkeep = asyncio.create_task(service.maintenance.run(core_settings.delivery.interval_s))
        try:
            await serve(app, serving.http, lifecycle)
        finally:
            upkeep.cancel()


if __name__ == "__main__":
    main()
