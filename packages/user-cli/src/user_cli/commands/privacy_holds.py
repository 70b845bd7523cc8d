"""`userctl privacy`: legal holds, which keep data from erasure and retention."""

from user_cli.commands.options import AsJson, Named, UserIdOption, found, looked_at, one_name
from user_cli.commands.privacy_options import Why, privacy_context
from user_cli.session import open_session
from user_cli.views_privacy import show_holds

__all__ = ["hold", "holds", "release"]


async def hold(
    user_id: UserIdOption = None,
    *,
    matter: str,
    reason: Why,
    named: Named = Named(),  # noqa: B008 - frozen
    as_json: AsJson = False,
) -> None:
    """Keep a user's data for a legal matter, whatever is asked meanwhile. Twice is once.

    ```
    userctl privacy hold --email grace@example.com --matter case-2026-17 --reason "claim of 12 January"
    ```

    Args:
        user_id: the user's id.
        matter: names what the hold is for, without blanks.
        reason: why.
        named: another name, in place of the id.
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        placed = await session.core.place_hold(ident, matter, reason, privacy_context(session))
        show_holds([placed], as_json=as_json)


async def release(
    user_id: UserIdOption = None,
    *,
    matter: str,
    reason: Why,
    named: Named = Named(),  # noqa: B008 - frozen
    as_json: AsJson = False,
) -> None:
    """End a legal hold; an erasure that waited for it goes on. Twice is once.

    ```
    userctl privacy release --email grace@example.com --matter case-2026-17 --reason "settled on 3 March"
    ```

    Args:
        user_id: the user's id.
        matter: what the hold is for.
        reason: why.
        named: another name, in place of the id.
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        ended = await session.core.release_hold(ident, matter, reason, privacy_context(session))
        show_holds([ended], as_json=as_json)


async def holds(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    as_json: AsJson = False,
) -> None:
    """List a user's legal holds, ended ones too, the oldest first.

    ```
    userctl privacy holds --email grace@example.com
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        ident = await looked_at(session, one_name(user_id, named), "legal_holds")
        show_holds(await session.core.list_holds(ident), as_json=as_json)
