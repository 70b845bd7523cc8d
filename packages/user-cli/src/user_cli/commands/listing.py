"""`userctl user list`: filters, pages, and whole lists."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from attrs import asdict, evolve, frozen
from cyclopts import Parameter

from user_cli.commands.options import AsJson, WithDefault
from user_cli.failures import UsageError
from user_cli.inputs import optional_moment
from user_cli.output import show_json_items, show_json_page
from user_cli.session import Session, open_session
from user_cli.views import document_object, show_users
from usercore.codec.scalars import camel
from usercore.kernel.paging import Page
from usercore.segments.read_filter import UserFilter
from usercore.users.ports import EmailRules, ProfileDocument
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX, Sort, UserQuery, read_cursor
from usercore.users.read_users import canonical_email, canonical_username
from usercore.users.search import query_words
from usercore.users.values import AccountState, ValueRejectedError
from usercore.wiring.core import Core

__all__ = ["Filters", "Paging", "filter_of", "list_users", "query_of"]


@Parameter(name="*")
@frozen
class Filters:
    """Whom to list; filters combine.

    Args:
        q: words, each the beginning of a word of the name, the username or the email.
        email: exactly this email.
        username: exactly this username.
        external_id: exactly this external id.
        status: once for each: ACTIVE, DEACTIVATED, MERGED, ERASED. Active and deactivated users if left out.
        created_after: created later than this: a time, as in 2026-01-31T12:00:00Z, or a date.
        created_before: created earlier.
        updated_after: last changed later.
        updated_before: last changed earlier.
        chosen_by: what else must hold of them, in the filter language: docs/segments.md.
        segment: the name of a filter that is kept, which must hold as well: userctl segment list.
    """

    q: str | None = None
    email: str | None = None
    username: str | None = None
    external_id: str | None = None
    status: Annotated[tuple[AccountState, ...], Parameter(show_choices=False)] = ()
    created_after: str | None = None
    created_before: str | None = None
    updated_after: str | None = None
    updated_before: str | None = None
    chosen_by: Annotated[str | None, Parameter(name="--filter")] = None
    segment: str | None = None


@Parameter(name="*")
@frozen
class Paging:
    """In which order, and how much of it.

    Args:
        sort: createdAt, updatedAt, or with a minus before it for the newest first.
        limit: users on a page.
        cursor: go on where the page before ended.
        everyone: list every page.
    """

    sort: WithDefault[str] = Sort.CREATED_DOWN.value
    limit: WithDefault[int] = PAGE_DEFAULT
    cursor: str | None = None
    everyone: Annotated[bool, Parameter(name="--all")] = False


async def list_users(
    *,
    filters: Filters = Filters(),
    paging: Paging = Paging(),
    as_json: AsJson = False,
) -> None:
    """List and search users, a page at a time or all of them.

    ```
    userctl user list --q "grace hop"
    userctl user list --status DEACTIVATED --updated-after 2026-01-01 --sort=-updatedAt
    userctl user list --filter "loyalty.tier >= GOLD and orders.lastAt > now - 90 days"
    userctl user list --all --json > users.json
    ```

    Users whose data is restricted satisfy a --filter only where it names `restricted`.

    Args:
        filters: whom.
        paging: in which order, and how many.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if paging.everyone and paging.cursor:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    async with open_session() as session:
        found = await filter_of(session.core, filters)
        query = query_of(filters, paging, session.core.ports.emails, found)
        recorded = _Recorded(session, _names(filters, found))
        if paging.everyone and as_json:
            await show_json_items(document_object(document) async for document in _every(recorded, query))
        elif paging.everyone:
            show_users([document async for document in _every(recorded, query)], None)
        else:
            page = await recorded(query)
            if as_json:
                show_json_page(map(document_object, page.items), page.next_cursor)
            else:
                show_users(page.items, page.next_cursor)


@frozen
class _Recorded:
    """Lists users, and records each page in the audit trail before it is shown."""

    session: Session
    filters: Sequence[str]

    async def __call__(self, query: UserQuery) -> Page[ProfileDocument]:
        page = await self.session.core.list_users(query)
        shown = [document.user_id for document in page.items]
        await self.session.core.record_reads.listed(shown, self.filters, self.session.context)
        return page


def _names(filters: Filters, found: UserFilter | None) -> Sequence[str]:
    """Return by what users are chosen, and not by which values."""
    given = [name for name, value in asdict(filters).items() if value]
    names = {"filter" if name == "chosen_by" else camel(name) for name in given}
    return sorted(names if found is None else names | {f"filter:{field}" for field in found.fields})


async def _every(recorded: _Recorded, query: UserQuery) -> AsyncIterator[ProfileDocument]:
    query = evolve(query, limit=PAGE_MAX)
    while True:
        page = await recorded(query)
        for document in page.items:
            yield document
        if page.next_cursor is None:
            return
        query = evolve(query, after=read_cursor(query.sort, page.next_cursor, query.mark))


async def filter_of(core: Core, filters: Filters) -> UserFilter | None:
    """Return the filter that options name, the segment's, both together, or None.

    Raises:
        SegmentInvalidError: it is no filter.
        SegmentNotFoundError: there is no such segment.
    """
    kept = None if filters.segment is None else await core.read_segments.filter_of(filters.segment)
    given = None if filters.chosen_by is None else await core.read_filter(filters.chosen_by)
    return kept.joined(given) if kept is not None and given is not None else kept or given


def query_of(filters: Filters, paging: Paging, emails: EmailRules, found: UserFilter | None) -> UserQuery:
    """Return what options ask for.

    Args:
        filters: whom.
        paging: in which order, and how many.
        emails: know what an email is.
        found: the filter among the options.

    Raises:
        UsageError: an option's value is none.
    """
    sort, mark = _sort(paging.sort), "" if found is None else found.mark
    query = UserQuery(
        email=None if filters.email is None else canonical_email(filters.email, emails),
        username=None if filters.username is None else canonical_username(filters.username, emails),
        external_id=filters.external_id,
        states=frozenset(filters.status),
        created_after=optional_moment("--created-after", filters.created_after),
        created_before=optional_moment("--created-before", filters.created_before),
        updated_after=optional_moment("--updated-after", filters.updated_after),
        updated_before=optional_moment("--updated-before", filters.updated_before),
        words=() if filters.q is None else _words(filters.q),
        sort=sort,
        limit=paging.limit,
        after=None if paging.cursor is None else read_cursor(sort, paging.cursor, mark),
    )
    return query if found is None else found.narrow(query)


def _sort(raw: str) -> Sort:
    try:
        return Sort(raw)
    except ValueError:
        raise UsageError(f"--sort: write one of {', '.join(Sort)}") from None


def _words(raw: str) -> tuple[str, ...]:
    try:
        return query_words(raw)
    except ValueRejectedError as error:
        raise UsageError(f"--q: {error.detail}") from None
