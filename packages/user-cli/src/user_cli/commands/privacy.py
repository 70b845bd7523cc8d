"""`userctl privacy`: what people ask of their data, and what becomes of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from attrs import frozen
from cyclopts import Parameter

from user_cli.commands.options import AsJson, Named, UserIdOption, WithDefault, command_group, found
from user_cli.commands.privacy_decisions import cancel, complete, extend, refuse, unrestrict, verify
from user_cli.commands.privacy_export import export
from user_cli.commands.privacy_holds import hold, holds, release
from user_cli.commands.privacy_ledger import app as ledger
from user_cli.commands.privacy_options import Law, RequestIdArgument, privacy_context, word
from user_cli.failures import UsageError
from user_cli.inputs import write_private
from user_cli.output import say, show_json, show_json_items, show_json_page
from user_cli.profiles import document_of, patch_of
from user_cli.session import Session, open_session
from user_cli.views_privacy import request_as_object, show_request, show_requests
from usercore.kernel.paging import Page
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.ports import RequestFilter
from usercore.privacy.requests.values import Jurisdiction, RequestKind, RequestState
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX

_FACET = "privacy_requests"
"""What the audit trail calls them."""

app = command_group("privacy", "What people ask of their data, and what becomes of it.")
for _command in (verify, extend, refuse, complete, cancel, unrestrict, export, hold, holds, release):
    app.command(_command)
app.command(ledger)


@Parameter(name="*")
@frozen
class RightValues:
    """Values that are right.

    Args:
        assignments: field=value, once for each.
        emptied: a field that must be empty, once for each.
    """

    assignments: Annotated[tuple[str, ...], Parameter(name="--set")] = ()
    emptied: Annotated[tuple[str, ...], Parameter(name="--unset")] = ()


@Parameter(name="*")
@frozen
class Which:
    """Which requests.

    Args:
        state: in this state; several times for several.
        kind: of this kind; several times for several.
        overdue: only those that were not answered in time.
    """

    state: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    overdue: bool = False


@app.command
async def request(
    kind: str,
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    law: Law = "gdpr",
    text: str | None = None,
    identity: str | None = None,
    right: RightValues = RightValues(),
    as_json: AsJson = False,
) -> None:
    """Take in what a person asked by letter, by phone or at the desk.

    Where the same is open already, that request is shown. Without --identity it waits until somebody has found out
    who asks: `userctl privacy verify`.

    ```
    userctl privacy request access --email grace@example.com --identity "passport seen at the desk"
    userctl privacy request rectification --email grace@example.com --set lastName=Murray --text "I married"
    userctl privacy request erasure --email grace@example.com --law ccpa
    ```

    Args:
        kind: access, portability, rectification, erasure, restriction, objection, opt-out-of-sale.
        user_id: the user's id.
        named: another name, in place of the id.
        law: whose law sets the deadline: gdpr or ccpa.
        text: what the person wrote or said.
        identity: how it was found that the person is who they say.
        right: of a rectification, the values that are right.
        as_json: write the request as JSON.
    """
    document = document_of(right.assignments, right.emptied)
    async with open_session() as session:
        command = MakePrivacyRequestCommand(
            await found(session.core, user_id, named),
            word("KIND", RequestKind, kind),
            word("--law", Jurisdiction, law),
            text=text,
            patch=patch_of(document) if document else None,
            identity_note=identity,
        )
        made = await session.core.make_privacy_request(command, privacy_context(session))
        show_request(made, as_json=as_json)


@app.command(name="list")
async def list_(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    which: Which = Which(),
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """List what people asked, the newest first; conditions combine.

    ```
    userctl privacy list --overdue
    userctl privacy list --state accepted --state in-progress --kind erasure
    userctl privacy list --email grace@example.com --all --json
    ```

    Args:
        user_id: about the user of this id.
        named: about the user of another name.
        which: conditions.
        limit: requests on a page.
        cursor: go on where the page before ended.
        everything: list every page.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    async with open_session() as session:
        is_named = user_id is not None or named != Named()
        wanted = RequestFilter(
            await found(session.core, user_id, named) if is_named else None,
            frozenset(word("--state", RequestState, one) for one in which.state),
            frozenset(word("--kind", RequestKind, one) for one in which.kind),
            datetime.now(UTC) if which.overdue else None,
        )
        if everything and as_json:
            await show_json_items(request_as_object(one) async for one in _every(session, wanted))
        elif everything:
            show_requests([one async for one in _every(session, wanted)], None)
        else:
            after = None if cursor is None else RequestId(cursor)
            page = await _recorded(session, wanted, after=after, limit=limit)
            if as_json:
                show_json_page(map(request_as_object, page.items), page.next_cursor)
            else:
                show_requests(page.items, page.next_cursor)


async def _recorded(
    session: Session, wanted: RequestFilter, *, after: RequestId | None, limit: int
) -> Page[PrivacyRequest]:
    """Return a page, once it is recorded that the operator looks at it."""
    page = await session.core.list_privacy_requests(wanted, after=after, limit=limit)
    await session.core.record_reads.listed([one.user_id for one in page.items], (_FACET,), session.context)
    return page


async def _every(session: Session, wanted: RequestFilter) -> AsyncIterator[PrivacyRequest]:
    after: RequestId | None = None
    while True:
        page = await _recorded(session, wanted, after=after, limit=PAGE_MAX)
        for one in page.items:
            yield one
        if page.next_cursor is None:
            return
        after = RequestId(page.next_cursor)


@app.command
async def show(request_id: RequestIdArgument, *, as_json: AsJson = False) -> None:
    """Show one request, with the receipts of an erasure.

    ```
    userctl privacy show 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    ```

    Args:
        request_id: the request's id.
        as_json: write the request as JSON.
    """
    async with open_session() as session:
        asked = await session.core.get_privacy_request(RequestId(request_id))
        await session.core.record_reads(asked.user_id, (_FACET,), session.context)
        show_request(asked, as_json=as_json)


@app.command
async def archive(request_id: RequestIdArgument, *, to: Path) -> None:
    """Write the archive of an access or portability request into a file that its owner alone may read.

    ```
    userctl privacy archive 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --to grace.zip
    ```

    Args:
        request_id: the request's id.
        to: the file; one that is there is replaced.
    """
    async with open_session() as session:
        asked = await session.core.get_privacy_request(RequestId(request_id))
        content = await session.core.fetch_archive(asked.user_id, asked.id)
        await session.core.record_reads(asked.user_id, ("archive",), session.context)
    write_private(to, content)
    say(f"{len(content)} bytes written to {to}.")


@app.command
async def run(request_id: RequestIdArgument | None = None, *, as_json: AsJson = False) -> None:
    """Go on with one request, or with all that are due, as the service does by itself. Twice is harmless.

    ```
    userctl privacy run
    userctl privacy run 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    ```

    Args:
        request_id: the request's id; every request that is due where it is left out.
        as_json: write the request, or {"advanced": ...}.
    """
    async with open_session() as session:
        if request_id is not None:
            done = await session.core.advance_requests.one(RequestId(request_id), privacy_context(session))
            show_request(done, as_json=as_json)
            return
        advanced = 0
        while taken := await session.core.advance_requests():
            advanced += taken
    if as_json:
        show_json({"advanced": advanced})
    else:
        say(f"{advanced} requests taken further.")


@app.command
async def erase(
    user_id: UserIdOption = None,
    *,
    reason: Annotated[str, Parameter(help="Why, and how it was found who asks; it is kept with the request.")],
    named: Named = Named(),  # noqa: B008 - frozen
    law: Law = "gdpr",
    as_json: AsJson = False,
) -> None:
    """Erase a user for good: take the request in, and go on with it as far as it goes now. Twice is harmless.

    There is no way back. What was announced of the user before goes out first, and the request is complete once the
    services around us and the brokers have acknowledged: see `userctl privacy show`.

    ```
    userctl privacy erase --email grace@example.com --reason "asked by letter of 3 March, signature compared"
    ```

    Args:
        user_id: the user's id.
        reason: why, and how it was found who asks.
        named: another name, in place of the id.
        law: whose law sets the deadline: gdpr or ccpa.
        as_json: write the request as JSON.
    """
    async with open_session() as session:
        context = privacy_context(session)
        ident = await found(session.core, user_id, named)
        page = await session.core.list_privacy_requests(
            RequestFilter(ident, kinds=frozenset({RequestKind.ERASURE})), after=None, limit=1
        )
        known = [one for one in page.items if one.is_final]
        if not known:
            law_word = word("--law", Jurisdiction, law)
            command = MakePrivacyRequestCommand(ident, RequestKind.ERASURE, law_word, identity_note=reason)
            made = await session.core.make_privacy_request(command, context)
            known = [await session.core.verify_requester(made.id, reason, context)]
        show_request(await session.core.advance_requests.one(known[0].id, context), as_json=as_json)
