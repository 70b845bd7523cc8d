"""What happened to a user, and the profile as it was."""

import json
from collections.abc import Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, items, json_answer
from user_http.controllers.common import record_read
from user_http.controllers.listing import links
from user_http.decoding.query import read_query, time, whole_number
from user_http.pipeline import Operation
from user_http.requests import Call
from usercore.codec.history import history_object
from usercore.codec.profile import render_profile
from usercore.codec.scalars import compact
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core

VERSION_MAX = 999_999_999


@frozen
class HistoryController:
    """Answers what was."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.GET_HISTORY, self.get)

    async def get(self, call: Call) -> Answer:
        """Serve a page of history, or with `at` the profile as it was then."""
        query = read_query(call, "at", "limit", "cursor")
        at = query.read("at", time)
        limit = query.read("limit", whole_number(1, PAGE_MAX))
        below = query.read("cursor", whole_number(1, VERSION_MAX))
        for name in ("limit", "cursor"):
            if "at" in query.values and name in query.values:
                query.refuse(name, "not_with_at", "leave it out: there is one profile at a time")
        query.check()
        if at is not None:
            past = await self.core.read_past.at(call.target, at)
            await record_read(self.core, call, past.id, "profile")
            return json_answer(render_profile(past))
        page = await self.core.read_history(call.target, below_version=below, limit=limit or PAGE_DEFAULT)
        await record_read(self.core, call, call.target, "history")
        body = items((compact(history_object(one)) for one in page.items), json.dumps(page.next_cursor).encode())
        path = routes.GET_HISTORY.path.replace("{userId}", call.target)
        return json_answer(body, (b"link", links(path, query.values, page.next_cursor)))
