"""`userctl db`: the tables."""

import os

from user_cli.commands.options import AsJson, command_group
from user_cli.output import say, show_json
from usercore.settings import DatabaseSettings, load
from usercore.wiring import migrations
from usercore.wiring.migrations import SchemaStatus

app = command_group("db", "Bring the database's tables up to date, back, or look.")


@app.command
async def upgrade(revision: str = "head", /, *, as_json: AsJson = False) -> None:
    """Bring the tables forward, to the newest version unless another is named.

    ```
    userctl db upgrade
    ```

    Args:
        revision: a version, or head for the newest.
        as_json: write the status as JSON.
    """
    _show(await migrations.upgrade(load(DatabaseSettings, os.environ), revision), as_json=as_json)


@app.command
async def downgrade(revision: str, /, *, as_json: AsJson = False) -> None:
    """Take the tables back to an earlier version. What later versions added is lost.

    ```
    userctl db downgrade base
    ```

    Args:
        revision: a version, or base for no tables at all.
        as_json: write the status as JSON.
    """
    _show(await migrations.downgrade(load(DatabaseSettings, os.environ), revision), as_json=as_json)


@app.command
async def status(*, as_json: AsJson = False) -> None:
    """Show at which version the tables are, and which ones are still to come.

    ```
    userctl db status --json
    ```

    Args:
        as_json: write {"current": ..., "newest": ..., "pending": [...]}.
    """
    _show(await migrations.status(load(DatabaseSettings, os.environ)), as_json=as_json)


def _show(found: SchemaStatus, *, as_json: bool) -> None:
    if as_json:
        show_json({"current": found.current, "newest": found.newest, "pending": list(found.pending)})
    elif found.pending:
        say(f"At {found.current or 'no version'}; the newest is {found.newest}: userctl db upgrade")
    else:
        say(f"Up to date, at {found.current}.")
