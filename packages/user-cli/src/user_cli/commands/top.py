"""`userctl top`: a running service at a glance, again and again."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx
from attrs import define
from cyclopts import Parameter, validators
from rich.console import Console
from rich.live import Live

from user_cli.commands.options import AsJson
from user_cli.failures import UsageError
from user_cli.output import show_json
from user_cli.session import Session, open_session
from user_cli.signals import heed_signals
from user_cli.top.frames import Backlog, DeliveryLine, Frame, frame_of
from user_cli.top.keyboard import quitting_by_key
from user_cli.top.scrapes import Scrape, scrape_all
from user_cli.top.views import frame_object, frame_text, frame_view
from usercore.kernel.errors import UserCoreError
from usercore.settings import load
from usercore.settings.serving import HttpSettings

__all__ = ["top"]

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - where to reach who listens so


async def top(
    *,
    url: tuple[str, ...] = (),
    interval: Annotated[float, Parameter(validator=validators.Number(gte=0.1, lte=60), show_default=True)] = 2.0,
    once: bool = False,
    as_json: AsJson = False,
) -> None:
    """Show what a running service does: requests and latency by route, errors, the cache, pools, and what waits.

    Rates come from /metrics of the copies named, over the interval; what waits is asked of the database where
    DATABASE_URL names it, else it is what the copies counted last. q ends it.

    ```
    userctl top
    userctl top --url http://10.0.0.4:8080 --url http://10.0.0.5:8080 --url http://10.0.0.6:8081
    userctl top --once --json | jq .errorsPerSecond
    ```

    Args:
        url: of a copy, HTTP service or stream processor; once for each. If left out, the HTTP service that the
            settings of this environment would start.
        interval: seconds between two looks.
        once: look twice, write one frame, and end.
        as_json: with --once, write the frame as JSON.
    """
    live = sys.stdout.isatty() and not once
    if not live and not once:
        raise UsageError("standard output is no terminal: write one frame with --once")
    if as_json and not once:
        raise UsageError("--json writes one frame: add --once")
    urls = [_checked(one) for one in url] or [_own_url()]
    async with _database() as session, httpx.AsyncClient(trust_env=False) as client:
        looking = _Looking(client, urls, session, await scrape_all(client, urls))
        if once:
            await asyncio.sleep(interval)
            frame = await looking()
            if as_json:
                show_json(frame_object(frame))
            else:
                print(frame_text(frame))  # noqa: T201 - this is what was asked for
        else:
            await _watch(looking, interval)


@define
class _Looking:
    """Looks at a service again and again, and tells what happened since the last time."""

    client: httpx.AsyncClient
    urls: Sequence[str]
    session: Session | None
    last: tuple[Scrape, ...]

    async def __call__(self) -> Frame:
        """Return what happened since the last look."""
        now, backlog = await asyncio.gather(scrape_all(self.client, self.urls), self._backlog())
        frame = frame_of(self.last, now, backlog)
        self.last = now
        return frame

    async def _backlog(self) -> Backlog | None:
        if self.session is None:
            return None
        try:
            return await _asked(self.session)
        except UserCoreError:
            # What the copies say still is of use, and they say it too where the database is away.
            return None


async def _asked(session: Session) -> Backlog:
    ports, now = session.core.ports, datetime.now(UTC)
    waiting = await ports.outbox.waiting()
    return Backlog(
        outbox=sum(line.pending for line in waiting),
        outbox_oldest_s=max((_age(line.oldest, now) for line in waiting), default=None),
        deliveries=tuple(
            DeliveryLine(
                one.recipient.value, one.waiting, one.failed, None if one.oldest is None else _age(one.oldest, now)
            )
            for one in await ports.delivery_records.standing()
        ),
        dead_letters=await ports.dead_letters.count_waiting(),
        parked=await ports.parked.count(),
        overdue=sum((await ports.privacy_requests.overdue(now)).values()),
    )


def _age(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0)


@asynccontextmanager
async def _database() -> AsyncIterator[Session | None]:
    if not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")):
        yield None
        return
    async with open_session() as session:
        yield session


async def _watch(looking: _Looking, interval_s: float) -> None:
    asked = heed_signals()
    console = Console(highlight=False, markup=False, emoji=False)
    with quitting_by_key(asked), Live(console=console, screen=True, auto_refresh=False) as screen:
        screen.update(frame_view(frame_of(looking.last, looking.last)), refresh=True)
        while not asked.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await asked.wait()
            if not asked.is_set():
                screen.update(frame_view(await looking()), refresh=True)


def _own_url() -> str:
    settings = load(HttpSettings, os.environ)
    return f"http://{_EVERYWHERE.get(settings.host, settings.host)}:{settings.port}"


def _checked(raw: str) -> str:
    if not _is_usable(raw):
        raise UsageError("--url: name a copy as in http://127.0.0.1:8080, without a user")
    return raw


def _is_usable(raw: str) -> bool:
    try:
        parts = urlsplit(raw)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in {"http", "https"} and not (parts.username or parts.password)
