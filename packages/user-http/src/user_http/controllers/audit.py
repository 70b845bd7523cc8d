"""The audit trail: who did what to whom."""

import json
from collections.abc import Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, items, json_answer
from user_http.controllers.listing import links
from user_http.decoding.query import (
    ParameterRefusedError,
    at_most,
    read_query,
    time,
    whole_number,
)
from user_http.pipeline import Operation
from user_http.requests import Call, parse_user_id
from usercore.audit.query import CURSOR_MAX_CHARS, PAGE_DEFAULT, PAGE_MAX, AuditQuery, read_cursor
from usercore.codec.audit import audit_object
from usercore.codec.scalars import compact
from usercore.kernel.context import Actor
from usercore.kernel.ids import UserId
from usercore.users.errors import UserNotFoundError
from usercore.wiring.core import Core

ACTION_MAX_CHARS = 100
ACTOR_MAX_CHARS = 300


@frozen
class AuditController:
    """Answers what was done."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.GET_AUDIT, self.get)

    async def get(self, call: Call) -> Answer:
        """Serve a page of the trail, the newest entries first."""
        query = read_query(call, "user", "actor", "action", "since", "until", "limit", "cursor")
        user_id = query.read("user", _user)
        actor = query.read("actor", _actor)
        action = query.read("action", at_most(ACTION_MAX_CHARS))
        since, until = query.read("since", time), query.read("until", time)
        limit = query.read("limit", whole_number(1, PAGE_MAX))
        cursor = query.read("cursor", at_most(CURSOR_MAX_CHARS))
        query.check()
        after = None if cursor is None else read_cursor(cursor)
        asked = AuditQuery(user_id, actor, action, since, until, limit or PAGE_DEFAULT, after)
        page = await self.core.read_audit(asked)
        body = items((compact(audit_object(one)) for one in page.items), json.dumps(page.next_cursor).encode())
        return json_answer(body, (b"link", links(routes.GET_AUDIT.path, query.values, page.next_cursor)))


def _user(raw: str) -> UserId:
    try:
        return parse_user_id(raw)
    except UserNotFoundError:
        raise ParameterRefusedError("not_an_id", "give a user's id") from None


def _actor(raw: str) -> Actor:
    try:
        return Actor.parse(at_most(ACTOR_MAX_CHARS)(raw))
    except ValueError as error:
        if isinstance(error, ParameterRefusedError):
            raise
        raise ParameterRefusedError("not_an_actor", "write KIND:id, as in OPERATOR:ada") from None
