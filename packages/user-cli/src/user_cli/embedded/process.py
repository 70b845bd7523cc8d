"""One server process: started under the guard, watched until it is ready, stopped."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from attrs import define, field, frozen

from user_cli.embedded.account import Account
from user_cli.embedded.errors import EmbeddedServerError

__all__ = ["GUARD_MODE", "Program", "ServerProcess", "free_port", "start_on_free_port"]

GUARD_MODE = "signal" if sys.platform == "linux" else "watch"
"""How a server learns that we died: from the kernel where it tells, else by looking."""

_GUARD = Path(__file__).with_name("guard.py")
_LOOK_EVERY_S = 0.02
_PORT_TRIES = 5
_LOG_LINES = 12
_LOG_BYTES = 8_192
_PORT_TAKEN = ("address already in use", "address in use")
"""How servers say EADDRINUSE: by the C library's words, or by those of Rust."""


def free_port() -> int:
    """Find a port of 127.0.0.1 that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@frozen
class Program:
    """What to run, and how to end it.

    Args:
        name: for people.
        command: absolute path and arguments.
        folder: working folder, open to the account.
        log: where its output goes; None for where ours goes.
        account: who it runs as.
        ends: signals in the order of insistence, each with the seconds to wait after it.
        guard_mode: see `GUARD_MODE`.
        environ: its environment; None for one that holds nothing of ours, secrets least of all.
        orphaned: the signal that it gets when we die; None for the first of `ends`.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    log: Path | None
    account: Account
    ends: tuple[tuple[signal.Signals, float], ...]
    guard_mode: str = GUARD_MODE
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    orphaned: signal.Signals | None = None


@define
class ServerProcess:
    """A program that runs."""

    program: Program
    _child: "subprocess.Popen[bytes]" = field(repr=False)

    @classmethod
    def start(cls, program: Program) -> "ServerProcess":
        """Start it, in a session of its own so that a terminal's Ctrl-C does not reach it before us.

        Call this in a thread that lives as long as the server shall: the kernel takes the end of the starting
        thread for the end of the parent.
        """
        account, orphaned = program.account, program.orphaned or program.ends[0][0]
        guard = [
            sys.executable,
            *("-I", "-S", str(_GUARD), program.guard_mode, str(os.getpid()), str(orphaned.value)),
            *(str(-1 if number is None else number) for number in (account.uid, account.gid)),
            "--",
        ]
        environ = program.environ or {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(program.folder)}
        with ExitStack() as stack:
            log = stack.enter_context(program.log.open("wb")) if program.log else None
            child = subprocess.Popen(
                [*guard, *program.command],
                cwd=program.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log and subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(program, child)

    @property
    def pid(self) -> int:
        """Id of the process that we started."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._child.poll() is None

    async def finish(self, deadline_s: float) -> None:
        """Wait for a program that ends by itself.

        Raises:
            EmbeddedServerError: when it fails, or is not done in time.
        """
        limit = time.monotonic() + deadline_s
        while self.running:
            if time.monotonic() > limit:
                await self.stop()
                raise self.failure(f"is not done after {deadline_s:g} seconds")
            await asyncio.sleep(_LOOK_EVERY_S)
        if self._child.returncode != 0:
            raise self.failure(f"failed with status {self._child.returncode}")

    async def until_ready(self, ready: Callable[[], Awaitable[bool]], deadline_s: float) -> None:
        """Wait until `ready` says so.

        Raises:
            EmbeddedServerError: when the server ends instead, or is not ready in time.
        """
        answered = asyncio.ensure_future(_until(ready))
        try:
            async with asyncio.timeout(deadline_s):
                while self.running and not answered.done():
                    await asyncio.wait({answered}, timeout=_LOOK_EVERY_S)
        except TimeoutError as error:
            raise self.failure(f"is not ready after {deadline_s:g} seconds") from error
        finally:
            answered.cancel()
        if not self.running:
            raise self.failure(f"ended with status {self._child.returncode} instead of getting ready")
        answered.result()

    async def stop(self) -> None:
        """End it, with more insistence when it does not listen; at last the kernel does."""
        for number, patience_s in (*self.program.ends, (signal.SIGKILL, 5.0)):
            if not self.running:
                return
            self._child.send_signal(number)
            await self._ended_within(patience_s)

    async def _ended_within(self, patience_s: float) -> None:
        for _ in range(int(patience_s / _LOOK_EVERY_S)):
            if not self.running:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    def failure(self, what: str) -> EmbeddedServerError:
        """Make the error that shows the end of the server's log."""
        if self.program.log is None:
            return EmbeddedServerError(f"{self.program.name} {what}")
        lines = self.log_tail()
        shown = "\n".join(f"  | {line}" for line in lines) or "  | (nothing)"
        return EmbeddedServerError(
            f"{self.program.name} {what}. Its last lines, from {self.program.log}:\n{shown}\n"
            "If the lines do not say what to mend: name another data folder, "
            "or use a server of your own (DATABASE_URL, REDIS_URL, KAFKA_BOOTSTRAP)."
        )

    def log_tail(self) -> list[str]:
        """Read the last lines that the server wrote."""
        if self.program.log is None:
            return []
        data = self.program.log.read_bytes()[-_LOG_BYTES:]
        return data.decode("utf-8", "replace").splitlines()[-_LOG_LINES:]

    def port_was_taken(self) -> bool:
        """Whether the server ended because somebody else has its port."""
        return not self.running and any(said in line.lower() for line in self.log_tail() for said in _PORT_TAKEN)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110 - what we wait for happens in another process
        await asyncio.sleep(_LOOK_EVERY_S)


async def start_on_free_port(
    program: Callable[[int], Program],
    ready: Callable[[int], Awaitable[bool]],
    ports: Callable[[], int],
    deadline_s: float,
) -> tuple[ServerProcess, int]:
    """Start a server and wait until it is ready; try another port when somebody else was quicker to take one.

    Args:
        program: what to run for a port.
        ready: whether the server answers on the port.
        ports: gives a port to try.
        deadline_s: seconds that one try may take.

    Returns:
        The server and its port.

    Raises:
        EmbeddedServerError: when it does not get ready, or no port was free.
    """
    tried = []
    for _ in range(_PORT_TRIES):
        port = ports()
        tried.append(str(port))
        server = ServerProcess.start(program(port))
        try:
            await server.until_ready(partial(ready, port), deadline_s)
        except BaseException:
            taken = server.port_was_taken()
            await server.stop()
            if taken:
                continue
            raise
        return server, port
    raise EmbeddedServerError(f"every port tried on 127.0.0.1 was taken: {', '.join(tried)}")
