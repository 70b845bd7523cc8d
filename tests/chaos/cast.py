"""Processes that are killed and started again, and whoever kills them."""

import asyncio
import os
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from attrs import Factory, define, frozen

from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess

_LOOK_EVERY_S: Final = 0.05


@frozen
class Role:
    """A part that a process plays.

    Args:
        name: for people and logs.
        command: behind the interpreter's name.
        environ: all of its environment.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]


@define(eq=False)
class Player:
    """A process in its part; it is started anew whenever it has ended."""

    role: Role
    folder: Path
    process: ServerProcess
    ended_by_itself: list[int] = Factory(list)

    @classmethod
    def start(cls, role: Role, folder: Path) -> "Player":
        """Start the first process."""
        return cls(role, folder, _start(role, folder))

    def kill(self) -> None:
        """Kill the process, and start another one at once."""
        os.kill(self.process.pid, signal.SIGKILL)
        while self.process.running:
            os.sched_yield()
        self.process = _start(self.role, self.folder)

    def leave(self) -> None:
        """Ask the process to end in peace; whoever looks after it starts another one."""
        os.kill(self.process.pid, signal.SIGTERM)

    def mend(self) -> None:
        """Start another process where this one has ended by itself, and remember with which status."""
        if not self.process.running:
            self.ended_by_itself.append(self.process._child.returncode)
            self.process = _start(self.role, self.folder)


def _start(role: Role, folder: Path) -> ServerProcess:
    program = Program(
        name=role.name,
        command=(sys.executable, *role.command),
        folder=folder,
        log=folder / f"{role.name}-{secrets.token_hex(4)}.log",
        account=Account(),
        ends=((signal.SIGTERM, 15.0),),
        environ=role.environ,
    )
    return ServerProcess.start(program)


@define(eq=False)
class Cast:
    """All who play, and how often one was killed."""

    players: Sequence[Player]
    kills: int = 0

    async def suffer(self, kills: int, rng: random.Random, *, every_s: float) -> None:
        """Kill one at random, again and again.

        Args:
            kills: how often.
            rng: decides who and when.
            every_s: between two kills, on average. Chaos needs no condition to wait for.
        """
        for _ in range(kills):
            await asyncio.sleep(rng.uniform(0.3, 1.7) * every_s)
            rng.choice(self.players).kill()
            self.kills += 1

    async def come_and_go(self, times: int, rng: random.Random, *, every_s: float) -> None:
        """Have one at random leave in peace, again and again; likewise."""
        for _ in range(times):
            await asyncio.sleep(rng.uniform(0.3, 1.7) * every_s)
            rng.choice(self.players).leave()

    async def look_after(self) -> None:
        """Go on starting anew whoever ends by itself, until cancelled."""
        while True:
            for player in self.players:
                player.mend()
            await asyncio.sleep(_LOOK_EVERY_S)


@asynccontextmanager
async def playing(roles: Sequence[Role], folder: Path) -> AsyncIterator[Cast]:
    """Start a process for each role, look after them, and stop them at the end."""
    cast = Cast([Player.start(role, folder) for role in roles])
    nurse = asyncio.create_task(cast.look_after())
    try:
        yield cast
    finally:
        nurse.cancel()
        await asyncio.gather(nurse, return_exceptions=True)
        await asyncio.gather(*(player.process.stop() for player in cast.players))
