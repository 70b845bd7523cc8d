"""`userctl user history`: what happened to a user."""

from collections.abc import AsyncIterator
from typing import Annotated

from cyclopts import Parameter

from user_cli.commands.options import AsJson, Named, UserIdOption, WithDefault, looked_at, one_name
from user_cli.failures import UsageError
from user_cli.output import show_json_items, show_json_page
from user_cli.session import open_session
from user_cli.views import history_object, show_history
from usercore.kernel.ids import UserId
from usercore.users.ports import HistoryEntry
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core

__all__ = ["history"]


async def history(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: int | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened to a user: who changed what and when, newest first.

    ```
    userctl user history 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    userctl user history --email grace@example.com --all --json
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        limit: entries on a page.
        cursor: go on where the page before ended: below this version.
        everything: show every page.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    async with open_session() as session:
        core = session.core
        ident = await looked_at(session, one_name(user_id, named), "history")
        if everything and as_json:
            await show_json_items(history_object(entry) async for entry in _every(core, ident))
        elif everything:
            show_history([entry async for entry in _every(core, ident)], None)
        else:
            page = await core.read_history(ident, below_version=cursor, limit=limit)
            if as_json:
                show_json_page(map(history_object, page.items), page.next_cursor)
            else:
                show_history(page.items, page.next_cursor)


async def _every(core: Core, user_id: UserId) -> AsyncIterator[HistoryEntry]:
    below: int | None = None
    while True:
        page = await core.read_history(user_id, below_version=below, limit=PAGE_MAX)
        for entry in page.items:
            yield entry
        if page.next_cursor is None:
            return
        below = int(page.next_cursor)
