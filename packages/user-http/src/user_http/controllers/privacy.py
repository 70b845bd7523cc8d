"""Privacy requests: asked by people about themselves, decided by those who manage privacy."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from attrs import frozen

from user_http import routes
from user_http.accept import ZIP_RANGES
from user_http.answers import NO_STORE, Answer, items, json_answer
from user_http.controllers.common import context_of, given, profile_patch, record_listing, record_read, user_answer
from user_http.controllers.listing import links
from user_http.decoding.body import read_body
from user_http.decoding.query import (
    ParameterRefusedError,
    one_of,
    read_query,
    several_of,
    whole_number,
)
from user_http.pipeline import Operation
from user_http.requests import Call, is_uuid
from user_http.schemas.privacy import (
    IdentityNote,
    NewLegalHold,
    NewPrivacyRequest,
    Outcome,
    RefusalInput,
    WithReason,
)
from usercore.codec.privacy import hold_object, request_object
from usercore.codec.scalars import compact
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.ports import RequestFilter
from usercore.privacy.requests.values import Jurisdiction, RequestKind, RequestState
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core

_REQUESTS: Final = "privacy_requests"
"""What the audit trail calls them."""
ZIP: Final = (b"content-type", b"application/zip")


@frozen
class PrivacyController:
    """Answers what is asked of a person's data.

    Args:
        core: every use case.
        signed_in_within: how old a person's own token may be to prove who they are.
    """

    core: Core
    signed_in_within: timedelta

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.CREATE_PRIVACY_REQUEST, self.create)
        yield Operation(routes.LIST_PRIVACY_REQUESTS_OF_USER, self.list_of_user)
        yield Operation(routes.GET_PRIVACY_REQUEST_OF_USER, self.get_of_user)
        yield Operation(routes.CANCEL_PRIVACY_REQUEST, self.cancel)
        yield Operation(routes.GET_PRIVACY_ARCHIVE, self.archive, ZIP_RANGES)
        yield Operation(routes.LIFT_RESTRICTION, self.lift_restriction)
        yield Operation(routes.LIST_LEGAL_HOLDS, self.list_holds)
        yield Operation(routes.PLACE_LEGAL_HOLD, self.place_hold)
        yield Operation(routes.RELEASE_LEGAL_HOLD, self.release_hold)
        yield Operation(routes.LIST_PRIVACY_REQUESTS, self.list_all)
        yield Operation(routes.GET_PRIVACY_REQUEST, self.get)
        yield Operation(routes.VERIFY_REQUESTER, self.verify)
        yield Operation(routes.EXTEND_PRIVACY_REQUEST, self.extend)
        yield Operation(routes.REFUSE_PRIVACY_REQUEST, self.refuse)
        yield Operation(routes.COMPLETE_PRIVACY_REQUEST, self.complete)
        yield Operation(routes.RUN_PRIVACY_REQUEST, self.run)

    async def create(self, call: Call) -> Answer:
        """Take a request in; where one like it is open, that one is answered."""
        read_query(call)
        body = await read_body(call, NewPrivacyRequest)
        profile = given(body.profile)
        command = MakePrivacyRequestCommand(
            call.target,
            body.kind,
            given(body.jurisdiction) or Jurisdiction.GDPR,
            text=given(body.text),
            patch=None if profile is None else profile_patch(profile),
            signed_in=call.who.signed_in_since(self.core.ports.clock.now() - self.signed_in_within),
            identity_note=given(body.identity_note),
        )
        request = await self.core.make_privacy_request(command, context_of(call, call.target))
        location = f"{_path(call)}/{request.id}".encode()
        return json_answer(self._body(request), (b"location", location), status=201)

    async def list_of_user(self, call: Call) -> Answer:
        """Serve a page of requests about one user."""
        query = read_query(call, "limit", "cursor")
        limit, after = query.read("limit", whole_number(1, PAGE_MAX)), query.read("cursor", _cursor)
        query.check()
        page = await self.core.list_privacy_requests.of_user(call.target, after=after, limit=limit or PAGE_DEFAULT)
        await record_read(self.core, call, call.target, _REQUESTS)
        return self._page(page, _path(call), query.values)

    async def list_all(self, call: Call) -> Answer:
        """Serve a page of requests about anybody."""
        query = read_query(call, "limit", "cursor", "userId", "state", "kind", "overdue")
        states = query.read("state", several_of(*RequestState))
        kinds = query.read("kind", several_of(*RequestKind))
        overdue = query.read("overdue", one_of("true", "false")) == "true"
        user_id = query.read("userId", _user_id)
        limit, after = query.read("limit", whole_number(1, PAGE_MAX)), query.read("cursor", _cursor)
        query.check()
        wanted = RequestFilter(
            user_id,
            frozenset(map(RequestState, states or ())),
            frozenset(map(RequestKind, kinds or ())),
            self.core.ports.clock.now() if overdue else None,
        )
        page = await self.core.list_privacy_requests(wanted, after=after, limit=limit or PAGE_DEFAULT)
        await record_listing(self.core, call, [one.user_id for one in page.items], [_REQUESTS, *query.values])
        return self._page(page, routes.LIST_PRIVACY_REQUESTS.path, query.values)

    async def get_of_user(self, call: Call) -> Answer:
        """Read one request about a user."""
        read_query(call)
        request = await self.core.get_privacy_request.of_user(call.target, _request_id(call))
        await record_read(self.core, call, request.user_id, _REQUESTS)
        return self._answer(request)

    async def get(self, call: Call) -> Answer:
        """Read one request, whoever's it is."""
        read_query(call)
        request = await self.core.get_privacy_request(_request_id(call))
        await record_read(self.core, call, request.user_id, _REQUESTS)
        return self._answer(request)

    async def cancel(self, call: Call) -> Answer:
        """Take a request back."""
        read_query(call)
        request = await self.core.get_privacy_request.of_user(call.target, _request_id(call))
        return self._answer(await self.core.cancel_request(request.id, context_of(call, call.target)))

    async def archive(self, call: Call) -> Answer:
        """Give out the archive of an access or portability request."""
        read_query(call)
        content = await self.core.fetch_archive(call.target, _request_id(call))
        await record_read(self.core, call, call.target, "archive")
        name = f'attachment; filename="{_request_id(call)}.zip"'.encode()
        return Answer(200, content, (ZIP, NO_STORE, (b"content-disposition", name)))

    async def verify(self, call: Call) -> Answer:
        """Note how it was found who asks."""
        read_query(call)
        body = await read_body(call, IdentityNote)
        return self._answer(await self.core.verify_requester(_request_id(call), body.note, context_of(call, None)))

    async def extend(self, call: Call) -> Answer:
        """Put the deadline off."""
        read_query(call)
        body = await read_body(call, WithReason)
        return self._answer(await self.core.extend_request(_request_id(call), body.reason, context_of(call, None)))

    async def refuse(self, call: Call) -> Answer:
        """Answer that nothing is done."""
        read_query(call)
        body = await read_body(call, RefusalInput)
        context = context_of(call, None)
        return self._answer(await self.core.refuse_request(_request_id(call), body.ground, body.text, context))

    async def complete(self, call: Call) -> Answer:
        """Answer what was done."""
        read_query(call)
        body = await read_body(call, Outcome)
        return self._answer(await self.core.complete_request(_request_id(call), body.outcome, context_of(call, None)))

    async def run(self, call: Call) -> Answer:
        """Go on with a request now."""
        read_query(call)
        return self._answer(await self.core.advance_requests.one(_request_id(call), context_of(call, None)))

    async def lift_restriction(self, call: Call) -> Answer:
        """Let data that was restricted be used again."""
        read_query(call)
        return user_answer(await self.core.lift_restriction(call.target, context_of(call, call.target)))

    async def list_holds(self, call: Call) -> Answer:
        """List a user's legal holds."""
        read_query(call)
        holds = await self.core.list_holds(call.target)
        await record_read(self.core, call, call.target, "legal_holds")
        return json_answer(items((compact(hold_object(one)) for one in holds), b"null"))

    async def place_hold(self, call: Call) -> Answer:
        """Keep a user's data for a legal matter."""
        read_query(call)
        body = await read_body(call, NewLegalHold)
        context = context_of(call, call.target)
        hold = await self.core.place_hold(call.target, body.matter, body.reason, context)
        return json_answer(compact(hold_object(hold)))

    async def release_hold(self, call: Call) -> Answer:
        """End a legal hold."""
        read_query(call)
        body = await read_body(call, WithReason)
        context = context_of(call, call.target)
        hold = await self.core.release_hold(call.target, call.params["matter"], body.reason, context)
        return json_answer(compact(hold_object(hold)))

    def _answer(self, request: PrivacyRequest) -> Answer:
        return json_answer(self._body(request))

    def _body(self, request: PrivacyRequest) -> bytes:
        return compact(request_object(request, self.core.ports.clock.now()))

    def _page(self, page: Page[PrivacyRequest], path: str, parameters: dict[str, str]) -> Answer:
        body = items(map(self._body, page.items), json.dumps(page.next_cursor).encode())
        return json_answer(body, (b"link", links(path, parameters, page.next_cursor)))


def _path(call: Call) -> str:
    return routes.CREATE_PRIVACY_REQUEST.path.replace("{userId}", call.target)


def _request_id(call: Call) -> RequestId:
    """Return the path's request id in canonical form; no request has one of another form."""
    return RequestId(call.params["requestId"].lower())


def _cursor(raw: str) -> RequestId:
    if not is_uuid(raw):
        raise ParameterRefusedError("cursor_invalid", "use the cursor of the page before")
    return RequestId(raw.lower())


def _user_id(raw: str) -> UserId:
    if not is_uuid(raw):
        raise ParameterRefusedError("not_an_id", "give the id of a user")
    return UserId(raw.lower())
