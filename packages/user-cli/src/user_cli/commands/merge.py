"""`userctl merge`: duplicate accounts, merged into one."""

from typing import Annotated

from attrs import evolve
from cyclopts import Parameter

from user_cli.commands.options import AsJson, IfMatch, Reason, WithDefault, command_group, stated_reason
from user_cli.failures import UsageError
from user_cli.output import note
from user_cli.session import open_session
from user_cli.views_merging import show_candidates, show_merge, show_merges, show_preview, show_undo_preview
from usercore.codec.merging import domain_fields
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page
from usercore.merging.candidates import CandidateFilter
from usercore.merging.merge_users import MergeUsersCommand
from usercore.merging.undo_merge import UndoMergeCommand
from usercore.users.queries import PAGE_DEFAULT

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


@app.command
async def candidates(
    *,
    user_id: Annotated[str | None, Parameter(name="--user", help="Pairs of this account alone.")] = None,
    dismissed: Annotated[bool, Parameter(help="Those that somebody found to be two people's.")] = False,
    scan: Annotated[bool, Parameter(help="Compare all accounts first: some 10 s for 200,000.")] = False,
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    as_json: AsJson = False,
) -> None:
    """List accounts that may be one person's, the likeliest first, as the last scan found them.

    A pair is a reason to look, never one to merge: households share telephones and addresses. The service scans every
    USER_SERVICE_MERGE_SCAN_EVERY_H hours.

    ```
    userctl merge candidates --scan
    userctl merge candidates --user 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --json
    ```

    Args:
        user_id: an account.
        dismissed: list those that were dismissed.
        scan: look anew first.
        limit: pairs on a page.
        cursor: go on where the page before ended.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    wanted = CandidateFilter(None if user_id is None else UserId(user_id), dismissed)
    async with open_session() as session:
        if scan and await session.core.find_duplicates.scan() is None:
            note("Another process is comparing the accounts right now; this is what was known before.")
        page = await session.core.find_duplicates(wanted, cursor=cursor, limit=limit)
        shown = dict.fromkeys(ident for one in page.items for ident in (one.first, one.second))
        await session.core.record_reads.listed(list(shown), ["merge_candidates"], session.context)
        show_candidates(page, as_json=as_json)


@app.command
async def dismiss(user_id: Account, other_id: Account, /, *, reason: Why, as_json: AsJson = False) -> None:
    """Remember that two accounts are two people's, so that they are not brought up again. Twice is once.

    ```
    userctl merge dismiss 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 0199d6a9-02f1-7c4e-8d5a-6b7e1f2c3d40 --reason "sisters"
    ```

    Args:
        user_id: one account.
        other_id: the other.
        reason: how it is known.
        as_json: write the pair as JSON.
    """
    why = stated_reason(reason)
    async with open_session() as session:
        pair = await session.core.dismiss_candidate(UserId(user_id), UserId(other_id), why, session.context)
        show_candidates(Page((pair,)), as_json=as_json)
