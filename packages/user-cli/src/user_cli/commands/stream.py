"""`userctl stream`: the stream processor in place of this process."""

import sys

from user_cli.commands.serve import become
from usercore.settings import CoreSettings, StreamSettings

__all__ = ["STREAM_PROCESSOR", "stream"]

STREAM_PROCESSOR = (sys.executable, "-P", "-m", "user_stream")
"""The stream runner's own program. Runners do not import each other."""


async def stream(*, migrate: bool = False) -> None:
    """Process commands, queries and events from Kafka and publish ours, until SIGTERM or Ctrl-C.

    ```
    userctl stream
    userctl stream --migrate
    ```

    Args:
        migrate: bring the tables up to date first.
    """
    await become(STREAM_PROCESSOR, (CoreSettings, StreamSettings), migrate=migrate)
