"""SIGTERM under load fails no accepted request, and readiness goes down first: a real process, real sockets."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from attrs import define, field

from tests.http.tokens import bearer, key_file

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30.0
DELAY_S = 1.5


@define
class Load:
    """Callers who, as a load balancer's, stop when the copy says that it is not ready."""

    statuses: list[int] = field(factory=list)
    failures: list[str] = field(factory=list)
    stopped: asyncio.Event = field(factory=asyncio.Event)

    async def call(self, url: str, path: str) -> None:
        async with httpx.AsyncClient(base_url=url, headers=bearer(), timeout=DEADLINE_S) as client:
            number = 0
            while not self.stopped.is_set():
                number += 1
                body = {"email": f"{id(client)}.{number}@example.com", "firstName": "A", "lastName": "B"}
                try:
                    response = await (client.get(path) if path else client.post("/v1/users", json=body))
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                else:
                    self.statuses.append(response.status_code)


@asynccontextmanager
async def process(
    folder: Path, *, delay_s: float, list_s: float
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Start a server, wait until it is ready, and end it whatever happens."""
    key_file(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = (str(folder), str(port), str(delay_s), str(list_s))
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.http.slow_server", *arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await until_ready(url)
        yield started, url
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def until_ready(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.02)


async def until_not_ready(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(base_url=url) as client:
        while (await client.get("/health/ready")).status_code != 503:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)


async def test_under_load_readiness_goes_down_first_and_nobody_fails(tmp_path: Path) -> None:
    load = Load()
    async with process(tmp_path, delay_s=DELAY_S, list_s=0.05) as (server, url):
        callers = [asyncio.create_task(load.call(url, path)) for path in ("", "", "/v1/users", "/v1/users")]
        while len(load.statuses) < 50:
            assert not load.failures
            await asyncio.sleep(0.01)
        server.send_signal(signal.SIGTERM)
        await until_not_ready(url)
        served = len(load.statuses)
        while len(load.statuses) < served + 20:  # not ready, and still serving
            assert server.returncode is None
            await asyncio.sleep(0.01)
        load.stopped.set()
        await asyncio.gather(*callers)
        async with asyncio.timeout(DEADLINE_S):
            assert await server.wait() == 0
    assert load.failures == []
    assert set(load.statuses) == {200, 201}


async def test_a_request_that_was_accepted_before_the_signal_is_finished(tmp_path: Path) -> None:
    async with process(tmp_path, delay_s=0, list_s=1.5) as (server, url):
        async with httpx.AsyncClient(base_url=url, headers=bearer(), timeout=DEADLINE_S) as client:
            slow = asyncio.create_task(client.get("/v1/users"))
            await until_in_flight(url, 2)
            server.send_signal(signal.SIGTERM)
            response = await slow
        assert (response.status_code, response.json()["items"]) == (200, [])
        async with asyncio.timeout(DEADLINE_S):
            assert await server.wait() == 0
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/health/live")


async def test_a_second_signal_ends_the_waiting(tmp_path: Path) -> None:
    async with process(tmp_path, delay_s=300, list_s=300) as (server, url):
        server.send_signal(signal.SIGTERM)
        await until_not_ready(url)
        server.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE_S):
            assert await server.wait() == 0


async def until_in_flight(url: str, count: int) -> None:
    """Wait until so many requests are being worked on, the one that asks included."""
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(base_url=url) as client:
        line = f"user_service_http_requests_in_flight {count}.0"
        while line not in (await client.get("/metrics")).text:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)
