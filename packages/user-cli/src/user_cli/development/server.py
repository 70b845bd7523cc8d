"""The HTTP service and the stream processor as child processes, which do not outlive us."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from attrs import frozen

from user_cli.commands.serve import HTTP_SERVER
from user_cli.commands.stream import STREAM_PROCESSOR
from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, free_port
from user_cli.failures import PortTakenError, ServerEndedError
from usercore.settings import ConsumerSettings, HttpSettings

__all__ = [
    "HOST",
    "Service",
    "choose_port",
    "http_service",
    "running",
    "stream_processor",
    "until_ended",
]

HOST: Final = "127.0.0.1"
_READY_DEADLINE_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1
_BEYOND_DRAIN_S: Final = 5.0
_STREAM_PATIENCE_S: Final = 20.0


@frozen
class Service:
    """A program of ours.

    Args:
        name: for people.
        command: absolute path and arguments.
        url: where its health is served.
        patience_s: how long it may take to end when it is asked to.
    """

    name: str
    command: tuple[str, ...]
    url: str
    patience_s: float

    @property
    def health(self) -> str:
        """Says whether it is ready."""
        return f"{self.url}/health/ready"


def http_service(settings: HttpSettings) -> Service:
    """Return the HTTP service on these settings."""
    patience_s = settings.drain_delay_s + settings.drain_timeout_s + _BEYOND_DRAIN_S
    return Service("the HTTP service", HTTP_SERVER, f"http://{HOST}:{settings.port}", patience_s)


def stream_processor(settings: ConsumerSettings) -> Service:
    """Return the stream processor on these settings."""
    return Service("the stream processor", STREAM_PROCESSOR, f"http://{HOST}:{settings.port}", _STREAM_PATIENCE_S)


def choose_port(wanted: int, option: str) -> int:
    """Return the port, or a free one for 0.

    Args:
        wanted: the port.
        option: by which another one is chosen.

    Raises:
        PortTakenError: somebody listens there.
    """
    if wanted == 0:
        return free_port()
    with socket.socket() as probe:
        if sys.platform != "win32":
            # As the server does it: a port that only waits for the last packets of earlier connections is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            detail = f"port {wanted} of {HOST} cannot be had ({error.strerror}): choose another one with {option}"
            raise PortTakenError(detail) from None
    return wanted


@asynccontextmanager
async def running(services: Sequence[Service], environ: Mapping[str, str]) -> AsyncIterator[list[ServerProcess]]:
    """Start services together and wait until all are ready; at the end drain and stop one after the other.

    Args:
        services: in the order in which they stop: who accepts work before who does what is left of it.
        environ: all of their environment.

    Raises:
        EmbeddedServerError: one does not get ready.
    """
    async with AsyncExitStack() as stack:
        started = []
        for service in reversed(services):
            process = ServerProcess.start(_program(service, environ))
            stack.push_async_callback(process.stop)
            started.append(process)
        started.reverse()
        async with httpx.AsyncClient(trust_env=False) as client:
            for service, process in zip(services, started, strict=True):
                await process.until_ready(partial(_is_ready, client, service.health), _READY_DEADLINE_S)
        yield started


def _program(service: Service, environ: Mapping[str, str]) -> Program:
    return Program(
        name=service.name,
        command=service.command,
        folder=Path.cwd(),
        log=None,
        account=Account(),
        ends=((signal.SIGTERM, service.patience_s),),
        environ=environ,
        orphaned=signal.SIGKILL,  # its database and its broker go as well: nothing could be finished
    )


async def _is_ready(client: httpx.AsyncClient, health: str) -> bool:
    try:
        answer = await client.get(health, timeout=2)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


async def until_ended(servers: Sequence[ServerProcess], asked: asyncio.Event) -> None:
    """Wait until somebody asks us to end.

    Raises:
        ServerEndedError: a server ended instead.
    """
    while not asked.is_set():
        if gone := [server.program.name for server in servers if not server.running]:
            raise ServerEndedError(f"{gone[0]} ended by itself: its last lines say why")
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await asked.wait()
        except TimeoutError:
            continue
