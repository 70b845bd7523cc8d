"""The read lane: reads of one user answered in front of the router.

Two paths are recognised by their shape alone; everything else, and every other method, goes on to the router.
What happens to a request on the lane is the very pipeline that it would meet behind the router.
"""

from typing import Final

from attrs import frozen
from litestar.types import ASGIApp, Receive, Scope, Send

from user_http.pipeline import Operation, Pipeline

_PREFIX: Final = "/v1/users/"
_PREFIX_CHARS: Final = len(_PREFIX)
_UUID_CHARS: Final = 36
_PREFERENCES: Final = "/email-preferences"


@frozen
class ReadLane:
    """Stands in front of the router.

    Args:
        router: answers the rest.
        pipeline: answers requests of a known operation.
        get_user: the operation that reads a profile.
        get_preferences: the operation that reads email preferences.
    """

    router: ASGIApp
    pipeline: Pipeline
    get_user: Operation
    get_preferences: Operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a read of one user, or pass the request on."""
        operation = self._operation(scope)
        if operation is None:
            await self.router(scope, receive, send)
            return
        user_id = scope["path"][_PREFIX_CHARS : _PREFIX_CHARS + _UUID_CHARS]
        answer = await self.pipeline.answer(operation, scope, receive, {"userId": user_id})
        await answer(scope, receive, send)

    def _operation(self, scope: Scope) -> Operation | None:
        path = scope["path"]
        if scope.get("method") != "GET" or scope["query_string"] or not path.startswith(_PREFIX):
            return None
        # An id is told from the other words under the prefix by its length and its first hyphen.
        if path.find("-", _PREFIX_CHARS) != _PREFIX_CHARS + 8 or path.find("/", _PREFIX_CHARS) not in _ENDS:
            return None
        rest = path[_PREFIX_CHARS + _UUID_CHARS :]
        if not rest:
            return self.get_user if len(path) == _PREFIX_CHARS + _UUID_CHARS else None
        return self.get_preferences if rest == _PREFERENCES else None


_ENDS: Final = (-1, _PREFIX_CHARS + _UUID_CHARS)
