"""Writers over HTTP who are told of some of what they bring about, and remember that."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from attrs import Factory, define, field

from tests.e2e.harness.people import new_user
from tests.e2e.harness.wire import Answer, Client, UnansweredError

_LOOK_EVERY_S: Final = 0.02
_GONE: Final = (UnansweredError, ConnectionError, TimeoutError)


@define(eq=False)
class Writer:
    """Creates users and changes them, one after another, through whichever copy answers.

    Args:
        clients: one for each copy.
        rng: decides.
        acknowledged: user and version of each write that was answered.
    """

    clients: Sequence[Client]
    rng: random.Random
    acknowledged: list[tuple[str, int]] = Factory(list)
    _user: str | None = field(default=None, init=False)
    _version: int | None = field(default=None, init=False)

    async def write(self, enough: Callable[[], bool]) -> None:
        """Write until there is enough."""
        while not enough():
            if self._user is None or self.rng.random() < 0.05:
                await self._create()
            else:
                await self._change(self._user)

    async def _create(self) -> None:
        answer = await self._ask(lambda client: client.post("/v1/users", new_user()))
        if answer is not None and answer.status == 201:
            self._user = answer.json()["id"]
            self._took(answer)

    async def _change(self, user: str) -> None:
        if self._version is None:
            read = await self._ask(lambda client: client.get(f"/v1/users/{user}"))
            self._version = read.version if read is not None and read.status == 200 else None
            return
        body, match = {"firstName": f"Name {self.rng.randrange(10**9)}"}, f'"{self._version}"'
        answer = await self._ask(lambda client: client.patch(f"/v1/users/{user}", body, match))
        self._version = None
        if answer is not None and answer.status == 200:
            self._took(answer)

    def _took(self, answer: Answer) -> None:
        assert self._user is not None
        self._version = answer.version
        self.acknowledged.append((self._user, answer.version))

    async def _ask(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer | None:
        """Return an answer, or None where nobody knows what came of the question."""
        try:
            answer = await question(self.rng.choice(self.clients))
        except _GONE:
            await asyncio.sleep(_LOOK_EVERY_S)
            return None
        if answer.status >= 500:
            await asyncio.sleep(_LOOK_EVERY_S)
        return answer
