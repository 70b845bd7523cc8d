"""Whether the process runs, whether it can serve, and its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final, Protocol

import msgspec
from attrs import frozen

from user_http import routes
from user_http.answers import NO_STORE, Answer, json_answer
from user_http.edge import Lifecycle
from user_http.pipeline import Operation
from user_http.problems import NOT_READY, answer_of_kind, retry_after
from user_http.requests import Call
from usercore.observe.metrics import CONTENT_TYPE

CHECK_TIMEOUT_S: Final = 3.0


class Readiness(Protocol):
    """How the parts of the service stand."""

    @property
    def ready(self) -> bool:
        """Whether this copy can serve."""
        ...

    @property
    def parts(self) -> Mapping[str, str]:
        """Each part's state: ``ok``, ``down`` or ``off``."""
        ...


@frozen
class HealthController:
    """Answers probes and scrapes.

    Args:
        check: asks the parts how they stand.
        scrape: returns the metrics in Prometheus' text format.
        lifecycle: a copy that drains is not ready.
    """

    check: Callable[[], Awaitable[Readiness]]
    scrape: Callable[[], bytes]
    lifecycle: Lifecycle

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.LIVE, self.live)
        yield Operation(routes.READY, self.ready)
        yield Operation(routes.METRICS, self.metrics)

    async def live(self, _: Call) -> Answer:
        """Say that the process runs; nothing else is asked."""
        return json_answer(b'{"status":"alive"}')

    async def ready(self, call: Call) -> Answer:
        """Say whether this copy can serve."""
        if self.lifecycle.draining:
            return _not_ready(call, {"process": "draining"})
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                state = await self.check()
        except TimeoutError:
            return _not_ready(call, {"check": "timed out"})
        parts = dict(state.parts)
        if not state.ready:
            return _not_ready(call, parts)
        return json_answer(msgspec.json.encode({"ready": True, "parts": parts}))

    async def metrics(self, _: Call) -> Answer:
        """Serve the metrics."""
        return Answer(200, self.scrape(), ((b"content-type", CONTENT_TYPE.encode()), NO_STORE))


def _not_ready(call: Call, parts: Mapping[str, str]) -> Answer:
    return answer_of_kind(NOT_READY, call.exchange.request_id, retry_after(1), parts=parts)
