"""What a browser says for its user beside the request: Global Privacy Control."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from attrs import frozen

from user_http.access import Rule, is_privileged
from user_http.answers import Answer
from user_http.controllers.common import context_of
from user_http.problems import RequestRefusedError
from user_http.requests import Call
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.privacy.consents.opt_out import OptOutOfSale

HEADER: Final = b"sec-gpc"
_OPTS_OUT: Final = b"1"
"""Source: Global Privacy Control (W3C), 3.1: any other value, and no header, say nothing."""
_SAFE: Final = "GET"


def opts_out(call: Call) -> bool:
    """Return whether the request's browser opts out of the sale of its user's data."""
    return call.exchange.headers.last(HEADER) == _OPTS_OUT


@frozen
class Signals:
    """Honours what browsers say. Whatever comes of it, the request itself is answered as ever."""

    opt_out: OptOutOfSale

    async def beside(self, call: Call, rule: Rule, handle: Callable[[Call], Awaitable[Answer]]) -> Answer:
        """Answer a request, and honour what its browser says.

        It is honoured before a read, whose ETag then is of the version after it, and behind a change, whose If-Match
        is of the version before it; and where the change is refused as well.
        """
        if not opts_out(call):
            return await handle(call)
        if call.user_id is not None and call.route.method == _SAFE:
            await self._honour(call, rule)
            return await handle(call)
        try:
            answer = await handle(call)
        except (UserCoreError, RequestRefusedError):
            if call.user_id is not None:
                await self._honour(call, rule)
            raise
        await self._honour(call, rule)
        return answer

    async def _honour(self, call: Call, rule: Rule) -> None:
        target = _themselves(call, rule)
        if target is None:
            return
        try:
            await self.opt_out(target, context_of(call, target))
        except UserCoreError as error:
            # The signal comes again with the next request.
            request_id = call.exchange.request_id
            structlog.get_logger().warning("opt-out not recorded", request_id=request_id, code=error.code)


def _themselves(call: Call, rule: Rule) -> UserId | None:
    """Return the caller's own user id, if the request is about them.

    Where the path names nobody, a caller who was served without a scope asked about themselves.
    """
    caller = call.who
    if call.user_id is not None:
        return call.user_id if call.user_id == caller.subject else None
    return UserId(caller.subject) if rule.own and not is_privileged(rule, caller) else None
