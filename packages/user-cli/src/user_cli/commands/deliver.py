"""`userctl deliver`: one round of deliveries."""

import os

from user_cli.commands.options import AsJson
from user_cli.output import say, show_json
from user_cli.session import open_session
from usercore.settings import Problem, ServicesSettings, SettingsError, load

__all__ = ["deliver"]

_RECORD = "USER_SERVICE_DELIVERY_RECORD_FILE"


async def deliver(*, as_json: AsJson = False) -> None:
    """Deliver once what the authentication, notification and audit services have not been told yet.

    A running service does this by itself. What a service does not take waits and comes again; what it refuses for good
    is kept: `userctl deliveries list --state FAILED`.

    ```
    USER_SERVICE_DELIVERY_RECORD_FILE=deliveries.jsonl userctl deliver
    ```

    Args:
        as_json: write {"delivered": ..., "waiting": ..., "failed": ...}.
    """
    _refuse_to_lose()
    async with open_session() as session:
        records = session.core.ports.delivery_records
        before = await records.standing()
        while await session.core.deliver_pending():
            pass
        after = await records.standing()
    waiting, failed = sum(one.waiting for one in after), sum(one.failed for one in after)
    known = sum(one.waiting + one.failed for one in before)
    delivered = max(known - waiting - failed, 0)
    if as_json:
        show_json({"delivered": delivered, "waiting": waiting, "failed": failed})
    else:
        say(f"{delivered} delivered, {waiting} waiting." + (f" {failed} given up." if failed else ""))


def _refuse_to_lose() -> None:
    """Refuse to record deliveries in a memory that is gone with this process."""
    services = load(ServicesSettings, os.environ)
    adapters = {services.authentication.adapter, services.notification.adapter, services.audit.adapter}
    if "local" in adapters and not os.environ.get(_RECORD):
        raise SettingsError(problems=(Problem(_RECORD, "is needed here: it says where to record deliveries"),))
