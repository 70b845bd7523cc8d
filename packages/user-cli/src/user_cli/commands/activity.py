"""`userctl user activity`: what a user did elsewhere."""

from collections.abc import AsyncIterator
from typing import Annotated

from cyclopts import Parameter

from user_cli.commands.options import AsJson, Named, UserIdOption, WithDefault, looked_at, one_name
from user_cli.failures import UsageError
from user_cli.output import show_json, show_json_items
from user_cli.session import open_session
from user_cli.views import activity_object, fact_object, show_activity, summary_object
from usercore.activity.ports import FactEntry
from usercore.activity.read_activity import Activity
from usercore.activity.values import FactKind
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core

__all__ = ["activity"]


async def activity(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    kind: tuple[str, ...] = (),
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a user's orders, payments and loyalty points, newest first, and what they amount to.

    ```
    userctl user activity 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    userctl user activity --email grace@example.com --kind PAYMENT_FAILED --all --json
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        kind: ORDER_PLACED, PAYMENT_FAILED, PAYMENT_SUCCEEDED or POINTS_EARNED, once for each; all of them if left out.
        limit: facts on a page.
        cursor: go on where the page before ended.
        everything: show every page.
        as_json: write {"items": [...], "nextCursor": ..., "summary": {...}}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    kinds = _kinds(kind)
    async with open_session() as session:
        core = session.core
        ident = await looked_at(session, one_name(user_id, named), "activity")
        if everything:
            await _show_all(core, ident, kinds, as_json=as_json)
            return
        shown = await core.read_activity(ident, kinds=kinds, cursor=cursor, limit=limit)
        if as_json:
            show_json(activity_object(shown))
        else:
            show_activity(shown)


async def _show_all(core: Core, user_id: UserId, kinds: frozenset[FactKind], *, as_json: bool) -> None:
    summary = await core.read_activity.summary(user_id)
    entries = _every(core, user_id, kinds)
    if as_json:
        await show_json_items((fact_object(entry) async for entry in entries), summary=summary_object(summary))
    else:
        show_activity(Activity(Page(tuple([entry async for entry in entries])), summary))


def _kinds(words: tuple[str, ...]) -> frozenset[FactKind]:
    try:
        return frozenset(FactKind(word.upper()) for word in words)
    except ValueError:
        raise UsageError(f"--kind is one of {', '.join(FactKind)}") from None


async def _every(core: Core, user_id: UserId, kinds: frozenset[FactKind]) -> AsyncIterator[FactEntry]:
    cursor: str | None = None
    while True:
        page = (await core.read_activity(user_id, kinds=kinds, cursor=cursor, limit=PAGE_MAX)).page
        for entry in page.items:
            yield entry
        if page.next_cursor is None:
            return
        cursor = page.next_cursor
