"""Callers see what they wrote, also where replicas answer.

The answer to a write has a token. A caller who sends it back reads what is at least as new, whichever copy of the
service is asked; one who does not is remembered for as long as replicas may lag.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

from attrs import frozen

from user_http import routes
from user_http.access import RULES
from user_http.answers import Answer
from user_http.requests import Call
from user_http.routes import Route
from usercore.kernel.consistency import Reading

HEADER: Final = b"consistency-token"
FROM_REPLICAS: Final = frozenset(
    {
        routes.LIST_USERS.id,
        routes.COUNT_SEGMENT.id,
        routes.COUNT_SEGMENT_BY_BODY.id,
        routes.GET_HISTORY.id,
        routes.GET_ACTIVITY.id,
        routes.GET_AUDIT.id,
    }
)
"""What may be read from replicas. All else is about one user as they are now, or decides something."""
_SAFE: Final = "GET"


def takes_token(route: Route) -> bool:
    """Return whether what an operation answers may come from a replica."""
    return route.id in FROM_REPLICAS


def gives_token(route: Route) -> bool:
    """Return whether an operation's answer has a token: it may come from a replica, or something was written."""
    return takes_token(route) or (route.method != _SAFE and route.id in RULES)


class Consistency(Protocol):
    """Knows who wrote what, and lets replicas answer."""

    def reading(self, caller: str, token: str | None) -> AbstractContextManager[Reading]:
        """Let replicas answer a caller's reads inside."""
        ...

    async def wrote(self, caller: str) -> str:
        """Remember that a caller's write was acknowledged, and return the token for it."""
        ...

    def seen(self, reading: Reading) -> str | None:
        """Return the token for what was read."""
        ...


@frozen
class Tokens:
    """Gives tokens out and takes them back."""

    consistency: Consistency

    async def around(self, call: Call, handle: Callable[[Call], Awaitable[Answer]]) -> Answer:
        """Answer a request of a caller who is known."""
        caller = call.who.subject
        if takes_token(call.route):
            with self.consistency.reading(caller, call.single_header(HEADER)) as reading:
                answer = await handle(call)
            return _with(answer, self.consistency.seen(reading))
        answer = await handle(call)
        return _with(answer, await self.consistency.wrote(caller)) if gives_token(call.route) else answer


def _with(answer: Answer, token: str | None) -> Answer:
    if token is None:
        return answer
    return Answer(answer.status, answer.body, (*answer.headers, (HEADER, token.encode())))
