"""List and search users, page by page."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

from attrs import evolve, frozen

from user_http import routes
from user_http.answers import Answer, items, json_answer
from user_http.controllers.common import record_listing
from user_http.decoding.query import (
    ParameterRefusedError,
    Query,
    at_most,
    one_of,
    read_query,
    several_of,
    time,
    whole_number,
)
from user_http.filters import asked_of, read_choice
from user_http.pipeline import Operation
from user_http.requests import Call
from usercore.kernel.paging import Page
from usercore.segments.read_filter import UserFilter
from usercore.users.ports import ProfileDocument
from usercore.users.queries import CURSOR_MAX_CHARS, PAGE_DEFAULT, PAGE_MAX, Sort, UserQuery, read_cursor
from usercore.users.read_users import canonical_email, canonical_username
from usercore.users.search import query_words
from usercore.users.values import (
    EMAIL_MAX_CHARS,
    EXTERNAL_ID_MAX_CHARS,
    USERNAME_MAX_CHARS,
    AccountState,
    ValueRejectedError,
)
from usercore.wiring.core import Core

SEARCH_MAX_CHARS = 500

PARAMETERS = (
    "limit",
    "cursor",
    "sort",
    "email",
    "username",
    "externalId",
    "status",
    "createdAfter",
    "createdBefore",
    "updatedAfter",
    "updatedBefore",
    "q",
    "filter",
    "segment",
)

_TIMES = ("createdAfter", "createdBefore", "updatedAfter", "updatedBefore")


@frozen
class ListController:
    """Answers the list."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.LIST_USERS, self.list_users)

    async def list_users(self, call: Call) -> Answer:
        """Serve one page: the ready documents joined."""
        parameters = read_query(call, *PARAMETERS)
        query, found = await self._query(call, parameters)
        page = await self._page(call, query)
        shown = [one.user_id for one in page.items]
        await record_listing(self.core, call, shown, asked_of(parameters.values, found))
        body = items((one.body for one in page.items), json.dumps(page.next_cursor).encode())
        return json_answer(body, (b"link", links(routes.LIST_USERS.path, parameters.values, page.next_cursor)))

    async def _page(self, call: Call, query: UserQuery) -> Page[ProfileDocument]:
        """Read the page; to those who may not see them, erased users are as if there were none."""
        if AccountState.ERASED in query.states and not call.who.sees_erased:
            query = evolve(query, states=query.states - {AccountState.ERASED})
            if not query.states:
                return Page(())
        return await self.core.list_users(query)

    async def _query(self, call: Call, raw: Query) -> tuple[UserQuery, UserFilter | None]:
        """Return the query and its filter, with every broken parameter named at once; a broken filter by itself."""
        emails = self.core.ports.emails
        email = raw.read("email", at_most(EMAIL_MAX_CHARS))
        username = raw.read("username", at_most(USERNAME_MAX_CHARS))
        external_id = raw.read("externalId", at_most(EXTERNAL_ID_MAX_CHARS))
        states = raw.read("status", several_of(*AccountState))
        times = {name: raw.read(name, time) for name in _TIMES}
        words = raw.read("q", _words)
        sort = Sort(raw.read("sort", one_of(*Sort)) or Sort.CREATED_DOWN)
        limit = raw.read("limit", whole_number(1, PAGE_MAX))
        cursor = raw.read("cursor", at_most(CURSOR_MAX_CHARS))
        raw.check()
        found = await read_choice(self.core, call, raw.text("filter"), raw.text("segment"))
        query = UserQuery(
            email=None if email is None else canonical_email(email, emails),
            username=None if username is None else canonical_username(username, emails),
            external_id=None if external_id is None else external_id.strip(),
            states=frozenset(map(AccountState, states or ())),
            created_after=times["createdAfter"],
            created_before=times["createdBefore"],
            updated_after=times["updatedAfter"],
            updated_before=times["updatedBefore"],
            words=words or (),
            sort=sort,
            limit=limit or PAGE_DEFAULT,
            after=None if cursor is None else read_cursor(sort, cursor, "" if found is None else found.mark),
        )
        return (query, None) if found is None else (found.narrow(query), found)


def _words(raw: str) -> tuple[str, ...]:
    try:
        return query_words(at_most(SEARCH_MAX_CHARS)(raw))
    except ValueRejectedError as error:
        raise ParameterRefusedError(error.code, error.detail) from None


def links(path: str, parameters: dict[str, str], next_cursor: str | None) -> bytes:
    """Return the Link header of a page: the first one, and the next one where there is one. Source: RFC 8288."""
    plain = {name: value for name, value in parameters.items() if name != "cursor"}
    found = [_link(path, plain, "first")]
    if next_cursor is not None:
        found.append(_link(path, {**plain, "cursor": next_cursor}, "next"))
    return ", ".join(found).encode()


def _link(path: str, parameters: dict[str, str], relation: str) -> str:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f'<{path}{query}>; rel="{relation}"'
