"""`userctl relay`: publishing events, alone."""

import asyncio

import structlog

from user_cli.commands.options import command_group
from user_cli.session import open_messaging_session
from user_cli.signals import heed_signals
from usercore.delivery.topics import AUDIT_CHECKPOINTS, PROFILES, PUBLISHED

app = command_group("relay", "Publish events to Kafka, without the stream processor.")


@app.command
async def run() -> None:
    """Publish events as they are written, until SIGTERM or Ctrl-C.

    Any number may run, beside the stream processor too: each event is published by one of them, and where one dies
    the others take over. Topics that are missing are made first, where the settings allow it. A batch that was begun
    is finished before the end.

    ```
    userctl relay run
    USER_SERVICE_RELAY_BATCH=5000 userctl relay run
    ```
    """
    async with open_messaging_session() as session:
        asked = asyncio.ensure_future(heed_signals().wait())
        await session.messaging.topics.ensure((*PUBLISHED, PROFILES, AUDIT_CHECKPOINTS))
        relaying = asyncio.create_task(session.messaging.relay.run())
        structlog.get_logger().info("relay started")
        await asyncio.wait((relaying, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        relaying.cancel()
        await asyncio.wait((relaying,))
        if not relaying.cancelled():
            relaying.result()
        structlog.get_logger().info("relay ended")
