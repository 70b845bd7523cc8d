"""One click to be written to no more, and what services need to offer it."""

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from user_http import routes, unsubscribe_page
from user_http.answers import Answer, json_answer
from user_http.decoding.form import read_form
from user_http.decoding.query import at_most, read_query
from user_http.pipeline import Operation
from user_http.problems import BODY_INVALID, FieldProblem, RequestRefusedError
from user_http.requests import Call
from usercore.codec.mailing import permission_object
from usercore.codec.scalars import compact
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.preferences.values import TOPIC_MAX_CHARS
from usercore.wiring.core import Core

_FIELD: Final = "List-Unsubscribe"
_CLICK: Final = "One-Click"
"""Source: RFC 8058, 3.2."""


@frozen
class UnsubscribeController:
    """Answers unsubscription links. They need no token but their own, set no cookie and send nobody elsewhere."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.GET_UNSUBSCRIBE_HEADERS, self.headers)
        yield Operation(routes.SHOW_UNSUBSCRIPTION, self.show)
        yield Operation(routes.UNSUBSCRIBE, self.unsubscribe)

    async def headers(self, call: Call) -> Answer:
        """Say whether a user may be written to on a topic, and with which headers."""
        query = read_query(call, "topic")
        topic = query.read("topic", at_most(TOPIC_MAX_CHARS))
        if topic is None and not query.found:
            query.refuse("topic", "required", "name the topic")
        query.check()
        permission = await self.core.read_mail_permission(call.target, topic or "")
        return json_answer(compact(permission_object(permission)))

    async def show(self, call: Call) -> Answer:
        """Show what the link would do; software that looks links up in advance changes nothing."""
        read_query(call)
        topic = await self.core.read_unsubscribe_ticket(call.params["token"])
        return unsubscribe_page.question(None if topic is None else topic.title)

    async def unsubscribe(self, call: Call) -> Answer:
        """Unsubscribe."""
        read_query(call)
        form = await read_form(call, _FIELD)
        if form.get(_FIELD) != _CLICK:
            field = FieldProblem("/" + _FIELD, "not_allowed", f"post {_FIELD}={_CLICK}")
            raise RequestRefusedError(BODY_INVALID, errors=(field,))
        exchange = call.exchange
        context = CommandContext(
            SYSTEM,
            correlation_id=exchange.request_id,
            causation_id=exchange.request_id,
            traceparent=exchange.traceparent,
        )
        await self.core.unsubscribe(call.params["token"], context)
        return unsubscribe_page.done()
