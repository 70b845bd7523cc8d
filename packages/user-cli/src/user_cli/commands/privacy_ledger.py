"""`userctl privacy ledger`: erasures as they are written down outside the database."""

import structlog

from user_cli.commands.options import AsJson, command_group
from user_cli.commands.privacy_options import Why
from user_cli.output import say, show_json
from user_cli.session import open_session
from user_cli.views_privacy import show_standing, standing_object
from usercore.privacy.requests.errors import LedgerBrokenError

app = command_group("ledger", "Erasures as they are written down outside the database.")


@app.command
async def verify(*, as_json: AsJson = False) -> None:
    """Compare the ledger with itself and with the database; nothing is changed.

    Fails with exit code 79 where an entry was changed or is missing, or the database has somebody back.

    ```
    userctl privacy ledger verify
    ```

    Args:
        as_json: write {"sound": ..., "entries": ..., "brokenAt": ..., "missing": ..., "broughtBack": [...]}.
    """
    async with open_session() as session:
        standing = await session.core.check_ledger()
    if as_json:
        show_json(standing_object(standing))
    else:
        show_standing(standing)
    if not standing.sound:
        raise LedgerBrokenError("ledger and database do not agree: userctl privacy ledger replay erases again")


@app.command
async def replay(*, reason: Why, as_json: AsJson = False) -> None:
    """Erase again whom a restored backup brought back. The service does so by itself before it is ready.

    ```
    userctl privacy ledger replay --reason "restored the backup of 3 March"
    ```

    Args:
        reason: why; it is logged.
        as_json: write {"erased": ...}.
    """
    async with open_session() as session:
        erased = await session.core.replay_erasures()
        structlog.get_logger().info(
            "erasures replayed", operator=str(session.context.actor), reason=reason, erased=erased
        )
    if as_json:
        show_json({"erased": erased})
    else:
        say(f"{erased} people erased again.")
