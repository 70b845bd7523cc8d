"""A real server in a thread of this process, over a core in memory."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from attrs import evolve

from tests.http.api import a_core, always_ready, settings_in
from user_http.app import build_app
from user_http.protocol import BoundedHttpProtocol
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.limits import Quota
from usercore.observe.metrics import Metrics
from usercore.preferences.topics import RegisterTopicCommand
from usercore.settings.serving import LimitSettings
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.wiring.core import Core

MANY = Quota(1_000_000, 60)
"""Who tries everything asks the same of one user again and again."""


@contextmanager
def live_server(
    folder: Path, core: Core | None = None, protocol: type[BoundedHttpProtocol] = BoundedHttpProtocol
) -> Iterator[str]:
    """Serve until the end of the block and give the base URL."""
    listener = _listener()
    settings = evolve(settings_in(folder), limits=LimitSettings(sensitive=MANY, anonymous=MANY))
    app = build_app(core or a_core(), settings, Metrics(), readiness=always_ready)
    config = uvicorn.Config(app, loop="none", http=protocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _listener() -> socket.socket:
    """Listen as TCP by name: asyncio sends what is written at once only on such sockets, else after 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def prepared(core: Core) -> Core:
    """Register the topic that the document's examples name, and a schema that allows any attribute."""
    asyncio.run(_register(core))
    return core


async def _register(core: Core) -> None:
    context = CommandContext(SYSTEM, correlation_id="preparation")
    await core.register_topic(RegisterTopicCommand("news", "News", "2026-01"))
    await core.register_attribute_schema(RegisterAttributeSchemaCommand({"type": "object"}), context)
