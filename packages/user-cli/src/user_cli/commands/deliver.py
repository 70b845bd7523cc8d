"""`userctl deliver`: one round of deliveries."""

import os

from user_cli.commands.options import AsJson
from user_cli.output import say, show_json
from user_cli.session import open_session
from usercore.settings import Problem, SettingsError

__all__ = ["deliver"]

_RECORD = "USER_SERVICE_DELIVERY_RECORD_FILE"


async def deliver(*, as_json: AsJson = False) -> None:
    """Deliver once what the authentication, notification and audit services have not been told yet.

    A running service does this by itself. What a service refuses waits and comes again.

    ```
    USER_SERVICE_DELIVERY_RECORD_FILE=deliveries.jsonl userctl deliver
    ```

    Args:
        as_json: write {"delivered": ..., "waiting": ...}.
    """
    if not os.environ.get(_RECORD):
        # Without it what is delivered would be gone with this process.
        raise SettingsError(problems=(Problem(_RECORD, "is needed here: it says where to record deliveries"),))
    async with open_session() as session:
        queue = session.core.ports.deliveries
        before = await queue.waiting()
        while await session.core.deliver_pending():
            pass
        waiting = await queue.waiting()
    delivered = max(before - waiting, 0)
    if as_json:
        show_json({"delivered": delivered, "waiting": waiting})
    else:
        say(f"{delivered} delivered, {waiting} waiting.")
