"""Wait for what must come, up to a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_EVERY_S = 0.02
DEADLINE_S = 30.0


async def until(holds: Callable[[], Awaitable[T | None]], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Return the first value of `holds` that is true.

    Raises:
        AssertionError: there is none in time.
    """
    limit = time.monotonic() + deadline_s
    while not (found := await holds()):
        assert time.monotonic() < limit, f"not in {deadline_s:g} s: {what}"
        await asyncio.sleep(_LOOK_EVERY_S)
    return found


async def until_so(holds: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until something holds that other tasks or processes bring about.

    Raises:
        AssertionError: it does not in time.
    """

    async def look() -> bool:
        return holds()

    await until(look, what, deadline_s)
