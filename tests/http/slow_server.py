"""A server over a core in memory whose lists take a while: run by the test of draining, in a process of its own.

Arguments: the folder of the key file, the port, the drain delay in seconds, and how long a list takes.
"""

import asyncio
import sys
from pathlib import Path

from attrs import frozen

from tests.http.api import a_core, always_ready
from user_http.app import build_app
from user_http.edge import Lifecycle
from user_http.server import serve
from usercore.kernel.paging import Page
from usercore.observe.metrics import Metrics
from usercore.settings.serving import AuthSettings, HttpSettings, ServingSettings
from usercore.users.ports import ProfileDocument
from usercore.users.queries import UserQuery


@frozen
class SlowDirectory:
    """Lists nobody, slowly."""

    seconds: float

    async def page(self, query: UserQuery) -> Page[ProfileDocument]:  # noqa: ARG002 -- the port's signature
        await asyncio.sleep(self.seconds)
        return Page(())


async def run(folder: Path, port: int, delay_s: float, list_s: float) -> None:
    http = HttpSettings(port=port, drain_delay_s=delay_s, drain_timeout_s=10)
    settings = ServingSettings(http, AuthSettings(key_file=folder / "token-keys.pem"))
    lifecycle = Lifecycle()
    core = a_core(directory=SlowDirectory(list_s))
    app = build_app(core, settings, Metrics(), readiness=always_ready, lifecycle=lifecycle)
    await serve(app, http, lifecycle)


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
