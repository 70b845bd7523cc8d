"""`userctl merge`: duplicate accounts, merged into one."""

from typing import Annotated

from attrs import evolve
from cyclopts import Parameter

from user_cli.commands.options import AsJson, IfMatch, Reason, command_group, stated_reason
from user_cli.failures import UsageError
from user_cli.session import open_session
from user_cli.views_merging import show_merge, show_merges, show_preview, show_undo_preview
from usercore.codec.merging import domain_fields
from usercore.kernel.ids import EventId, UserId
from usercore.merging.merge_users import MergeUsersCommand
from usercore.merging.undo_merge import UndoMergeCommand

app = command_group("merge", "Duplicate accounts, merged into one.")

Survivor = Annotated[str, Parameter(help="The id of the account that stays.")]
Merged = Annotated[str, Parameter(help="The id of the account that goes into it.")]
Take = Annotated[
    tuple[str, ...],
    Parameter(help="A field that comes from the merged account even where both have it, once for each: phoneNumber."),
]
Account = Annotated[str, Parameter(help="The id of an account.")]
Why = Annotated[str, Parameter(help="Why, on one line of at most 500 characters.")]


@app.command
async def preview(
    survivor: Survivor, merged: Merged, /, *, take: Take = (), if_match: IfMatch = None, as_json: AsJson = False
) -> None:
    """Show what a merge would bring about. Nothing is changed.

    ```
    userctl merge preview 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 0199d6a9-02f1-7c4e-8d5a-6b7e1f2c3d40
    userctl merge preview 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 0199d6a9-02f1-7c4e-8d5a-6b7e1f2c3d40 --take phoneNumber
    ```

    Args:
        survivor: the account that stays.
        merged: the other.
        take: fields that come from the other.
        if_match: refuse unless this is the survivor's version.
        as_json: write the preview as JSON.
    """
    async with open_session() as session:
        command = MergeUsersCommand(UserId(survivor), UserId(merged), domain_fields(take), "", if_match)
        planned = await session.core.preview_merge(command, session.context)
        for user in (planned.plan.survivor, planned.plan.merged):
            await session.core.record_reads(user.id, ("profile",), session.context)
        show_preview(planned, as_json=as_json)


@app.command
async def run(
    survivor: Survivor,
    merged: Merged,
    /,
    *,
    reason: Why,
    take: Take = (),
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Merge an account into another, in one step for both. Running it twice is harmless.

    The first account stays and takes what it lacks; the other's id leads to it from then on.

    ```
    userctl merge run 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 0199d6a9-02f1-7c4e-8d5a-6b7e1f2c3d40 --reason "ticket 17"
    ```

    Args:
        survivor: the account that stays.
        merged: the other.
        reason: why.
        take: fields that come from the other.
        if_match: refuse unless this is the survivor's version.
        as_json: write the merge as JSON.
    """
    why = stated_reason(reason)
    async with open_session() as session:
        command = MergeUsersCommand(UserId(survivor), UserId(merged), domain_fields(take), why, if_match)
        done = await session.core.merge_users(command, session.context)
        show_merge(done.merge, session.core.read_merges.policy, as_json=as_json)


@app.command
async def undo(
    survivor: Survivor,
    merge_id: Annotated[str, Parameter(help="The merge: userctl merge list.")],
    /,
    *,
    reason: Reason = None,
    preview: Annotated[bool, Parameter(help="Show what would come of it, and what not; nothing is changed.")] = False,
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Take a merge back, as long as USER_SERVICE_MERGE_UNDO_DAYS allow. Running it twice is harmless.

    ```
    userctl merge undo 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 0199d6aa-5d10-7f63-a2b1-0c4e8d7f6a59 --preview
    userctl merge undo 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 0199d6aa-5d10-7f63-a2b1-0c4e8d7f6a59 --reason "ticket 18"
    ```

    Args:
        survivor: the account that stayed.
        merge_id: which merge.
        reason: why.
        preview: change nothing.
        if_match: refuse unless this is the survivor's version.
        as_json: write the preview or the merge as JSON.
    """
    if preview == (reason is not None):
        raise UsageError("give either --preview or --reason")
    async with open_session() as session:
        command = UndoMergeCommand(UserId(survivor), EventId(merge_id), expected_version=if_match)
        if reason is None:
            planned = await session.core.preview_undo(command, session.context)
            for user in (planned.plan.survivor, planned.plan.merged):
                await session.core.record_reads(user.id, ("profile",), session.context)
            show_undo_preview(planned, as_json=as_json)
            return
        done = await session.core.undo_merge(evolve(command, reason=stated_reason(reason)), session.context)
        show_merge(done.merge, session.core.read_merges.policy, as_json=as_json)


@app.command(name="list")
async def list_merges(user_id: Account, /, *, as_json: AsJson = False) -> None:
    """List the merges in which an account stayed or went, the newest first.

    ```
    userctl merge list 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    ```

    Args:
        user_id: the account.
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        merges = await session.core.read_merges(UserId(user_id))
        await session.core.record_reads(UserId(user_id), ("merges",), session.context)
        show_merges(merges, session.core.read_merges.policy, as_json=as_json)
