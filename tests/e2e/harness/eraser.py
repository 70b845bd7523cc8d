"""Erases users in processes that kill themselves at a given call of a port: before it, or after it.

Each line on standard input names a privacy request and the number of the call; 0 means none. The answer is the exit
status of the process that went on with it: 0 where the request was completed, -9 where it was killed.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from typing import Any

from attrs import define, evolve

from usercore.delivery.ports import OutboxBatch
from usercore.delivery.values import Recipient
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.observe.logs import configure_logs
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.values import RequestState
from usercore.settings import CoreSettings, load
from usercore.wiring.core import Core, assemble
from usercore.wiring.service import open_core

MORTAL = ("writer", "privacy_requests", "erasure_ledger", "erasure_traces", "suppressions")
CONTEXT = CommandContext(Actor(ActorKind.OPERATOR, "ada"), correlation_id="erasing")


@define
class Fate:
    """Counts the moments before and after each call, and ends the process at one of them."""

    kill_at: int
    moments: int = 0

    def passes(self) -> None:
        self.moments += 1
        if self.moments == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """A port whose calls are moments at which the process may die."""

    def __init__(self, inner: Any, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fate.passes()
            result = await found(*args, **kwargs)
            self._fate.passes()
            return result

        return call


async def erase(request_id: RequestId, kill_at: int) -> None:
    """Go on with a request, and tell everybody in between, until it is complete."""
    settings = load(CoreSettings, os.environ)
    configure_logs(settings.telemetry)
    async with open_core(settings) as service:
        fate, ports = Fate(kill_at), service.core.ports
        mortal = {name: Mortal(getattr(ports, name), fate) for name in MORTAL}
        core = assemble(evolve(ports, **mortal), requests=settings.privacy.policy)
        while True:
            request = await core.advance_requests.one(request_id, CONTEXT)
            if request.state is RequestState.COMPLETED:
                return
            await tell_everybody(core)


async def tell_everybody(core: Core) -> None:
    """Deliver and publish everything that waits."""
    for recipient in Recipient:
        while await core.deliver_pending(recipient):
            pass

    async def publish(_: OutboxBatch) -> datetime:
        return datetime.now(UTC)

    while await core.ports.shards.drain(publish, shards=64, limit=1000, patience_s=5):
        pass


def main() -> None:
    for line in sys.stdin:
        request_id, kill_at = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(erase(RequestId(request_id), int(kill_at)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
