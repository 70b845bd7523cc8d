"""The HTTP service as a child process, which does not outlive us."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from user_cli.commands.serve import HTTP_SERVER
from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, free_port
from user_cli.failures import PortTakenError, ServerEndedError
from usercore.settings import HttpSettings

__all__ = ["HOST", "choose_port", "http_server", "until_ended"]

HOST: Final = "127.0.0.1"
_READY_DEADLINE_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1
_BEYOND_DRAIN_S: Final = 5.0


def choose_port(wanted: int) -> int:
    """Return the port, or a free one for 0.

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
            detail = f"port {wanted} of {HOST} cannot be had ({error.strerror}): choose another one with --port"
            raise PortTakenError(detail) from None
    return wanted


@asynccontextmanager
async def http_server(settings: HttpSettings, environ: Mapping[str, str]) -> AsyncIterator[ServerProcess]:
    """Start the service and wait until it is ready; drain and stop it at the end.

    Args:
        settings: what it will read from `environ`.
        environ: all of its environment.

    Raises:
        EmbeddedServerError: it does not get ready.
    """
    patience_s = settings.drain_delay_s + settings.drain_timeout_s + _BEYOND_DRAIN_S
    program = Program(
        name="the HTTP service",
        command=HTTP_SERVER,
        folder=Path.cwd(),
        log=None,
        account=Account(),
        ends=((signal.SIGTERM, patience_s),),
        environ=environ,
    )
    server = ServerProcess.start(program)
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            await server.until_ready(lambda: _is_ready(client, settings.port), _READY_DEADLINE_S)
        yield server
    finally:
        await server.stop()


async def _is_ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        answer = await client.get(f"http://{HOST}:{port}/health/ready", timeout=2)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


async def until_ended(server: ServerProcess) -> None:
    """Wait until somebody asks us to end.

    Raises:
        ServerEndedError: the server ended instead.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` wants us to go on without a terminal
            loop.add_signal_handler(number, asked.set)
    while not asked.is_set():
        if not server.running:
            raise ServerEndedError("the HTTP service ended by itself: its last lines say why")
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await asked.wait()
        except TimeoutError:
            continue
