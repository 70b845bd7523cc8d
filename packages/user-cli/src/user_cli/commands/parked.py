"""`userctl parked`: events that wait for what they tell of."""

from collections.abc import AsyncIterator
from typing import Annotated

from cyclopts import Parameter

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.failures import UsageError
from user_cli.output import show_json_items, show_json_page
from user_cli.session import open_session
from user_cli.views_set_aside import parked_object, show_parked
from usercore.messaging.values import ParkedLine
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core

app = command_group("parked", "Events that wait for their user, order or payment.")


@app.command(name="list")
async def list_(
    *,
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """List events that came before the user, order or payment they tell of, oldest first.

    The stream processor applies them once that is known, and makes dead letters of those that wait for longer than
    USER_SERVICE_PARKED_LIMIT_S says.

    ```
    userctl parked list
    userctl parked list --all --json
    ```

    Args:
        limit: events on a page.
        cursor: go on where the page before ended.
        everything: list every page.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    async with open_session() as session:
        if everything and as_json:
            await show_json_items(parked_object(line) async for line in _every(session.core))
        elif everything:
            show_parked([line async for line in _every(session.core)], None)
        else:
            page = await session.core.list_parked(after=cursor, limit=limit)
            if as_json:
                show_json_page(map(parked_object, page.items), page.next_cursor)
            else:
                show_parked(page.items, page.next_cursor)


async def _every(core: Core) -> AsyncIterator[ParkedLine]:
    after: str | None = None
    while True:
        page = await core.list_parked(after=after, limit=PAGE_MAX)
        for line in page.items:
            yield line
        after = page.next_cursor
        if after is None:
            return
