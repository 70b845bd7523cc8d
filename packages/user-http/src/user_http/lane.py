"""The lane: what is asked most of single users, answered in front of the router.

A few paths are recognised by their shape alone; everything else, and every other method, goes on to the router.
What happens to a request on the lane is the very pipeline that it would meet behind the router.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen
from litestar.types import ASGIApp, Receive, Scope, Send

from user_http import routes
from user_http.exchange import SCOPE_KEY, Exchange
from user_http.pipeline import Operation, Pipeline
from user_http.routes import Route

LANE_ROUTES: Final = (
    routes.CREATE_USER,
    routes.GET_USER,
    routes.PATCH_USER,
    routes.GET_EMAIL_PREFERENCES,
    routes.PATCH_EMAIL_PREFERENCES,
)
"""What the lane takes."""

_COLLECTION: Final = "/v1/users"
_PREFIX: Final = _COLLECTION + "/"
_PREFIX_CHARS: Final = len(_PREFIX)
_UUID_CHARS: Final = 36
_ENDS: Final = (-1, _PREFIX_CHARS + _UUID_CHARS)
_PLAIN_HOST = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")


@frozen
class Lane:
    """Stands in front of the router.

    Args:
        router: answers the rest.
        pipeline: answers requests of a known operation.
        operations: by method, and by what the path has in place of or behind the user's id.
    """

    router: ASGIApp
    pipeline: Pipeline
    operations: Mapping[tuple[str, str], Operation]

    @classmethod
    def over(cls, router: ASGIApp, pipeline: Pipeline, operations: Iterable[Operation]) -> "Lane":
        """Return the lane with those of the operations that it takes."""
        taken = {_place(one.route): one for one in operations if one.route in LANE_ROUTES}
        return cls(router, pipeline, taken)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what the lane takes, or pass the request on."""
        path = scope["path"]
        exchange: Exchange = scope[SCOPE_KEY]  # type: ignore[typeddict-item]
        operation = None if scope["query_string"] else self._operation(exchange.method, path)
        if operation is None or not _names_host_plainly(exchange):
            await self.router(scope, receive, send)
            return
        params = {} if path == _COLLECTION else {"userId": path[_PREFIX_CHARS : _PREFIX_CHARS + _UUID_CHARS]}
        answer = await self.pipeline.answer(operation, scope, receive, params)
        await answer(scope, receive, send)

    def _operation(self, method: str, path: str) -> Operation | None:
        if path == _COLLECTION:
            return self.operations.get((method, path))
        if not path.startswith(_PREFIX) or len(path) < _PREFIX_CHARS + _UUID_CHARS:
            return None
        # An id is told from the other words under the prefix by its length and its first hyphen.
        if path.find("-", _PREFIX_CHARS) != _PREFIX_CHARS + 8 or path.find("/", _PREFIX_CHARS) not in _ENDS:
            return None
        return self.operations.get((method, path[_PREFIX_CHARS + _UUID_CHARS :]))


def _place(route: Route) -> tuple[str, str]:
    return route.method, route.path.removeprefix(_PREFIX + "{userId}")


def _names_host_plainly(exchange: Exchange) -> bool:
    """Return whether there is nothing about the Host header that the router would have to judge."""
    headers = exchange.headers
    host = headers.last(b"host")
    return host is not None and _PLAIN_HOST.fullmatch(host) is not None and not headers.is_repeated(b"host")
