"""What a user did elsewhere: orders, payments, loyalty points, and what they amount to."""

from collections.abc import Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, json_answer
from user_http.controllers.common import record_read
from user_http.controllers.listing import links
from user_http.decoding.query import at_most, read_query, several_of, whole_number
from user_http.pipeline import Operation
from user_http.requests import Call
from usercore.activity.values import FactKind
from usercore.codec.activity import render_activity
from usercore.users.queries import CURSOR_MAX_CHARS, PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core


@frozen
class ActivityController:
    """Answers what users did."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.GET_ACTIVITY, self.get)

    async def get(self, call: Call) -> Answer:
        """Serve a page of facts, with the summary of all of them."""
        query = read_query(call, "limit", "cursor", "kind")
        limit = query.read("limit", whole_number(1, PAGE_MAX))
        cursor = query.read("cursor", at_most(CURSOR_MAX_CHARS))
        kinds = query.read("kind", several_of(*FactKind))
        query.check()
        activity = await self.core.read_activity(
            call.target, kinds=frozenset(map(FactKind, kinds or ())), cursor=cursor, limit=limit or PAGE_DEFAULT
        )
        await record_read(self.core, call, call.target, "activity")
        path = routes.GET_ACTIVITY.path.replace("{userId}", call.target)
        return json_answer(render_activity(activity), (b"link", links(path, query.values, activity.page.next_cursor)))
