"""Making connections to PostgreSQL, each to its end."""

import asyncio
from typing import Any, TypeAlias

import psycopg
from attrs import field, frozen

_Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]


@frozen(eq=False)
class Connector:
    """Connects to the end, even where whoever asked is cancelled meanwhile, and then hangs up.

    A connection that is let go half-way stays open until the garbage collector finds it. Its server process then
    waits a minute for a password (PostgreSQL's `authentication_timeout`), and whoever drops a database waits with it.
    """

    _under_way: set[asyncio.Task[_Connection]] = field(factory=set, init=False)

    async def __call__(self, **parameters: Any) -> _Connection:  # noqa: ANN401 -- the driver's own, of many types
        """Return a new connection.

        Args:
            parameters: the driver's; its `connect_timeout` bounds how long this takes.

        Raises:
            psycopg.Error: there is none to be had.
        """
        connecting = asyncio.create_task(psycopg.AsyncConnection.connect(**parameters))
        self._under_way.add(connecting)
        connecting.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_hang_up)
            raise

    async def close(self) -> None:
        """Wait for the connections that are being made."""
        await asyncio.gather(*self._under_way, return_exceptions=True)


def _hang_up(connecting: asyncio.Task[_Connection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().pgconn.finish()
