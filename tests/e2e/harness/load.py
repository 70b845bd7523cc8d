"""People at work on a service: they create, change, read and deactivate, and remember what was acknowledged."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field

from tests.e2e.harness.people import new_user
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until_so
from tests.e2e.harness.wire import Answer, Client, UnansweredError

_CHANGES = 6
"""Of one user, before the next one is made."""


@define(eq=False)
class Person:
    """What was acknowledged of one user, who is changed by one worker alone."""

    user_id: str
    version: int
    last_name: str
    state: str = "ACTIVE"


@define(eq=False)
class Load:
    """Requests without a pause, by several workers.

    Args:
        port: of the copy or balancer that is asked.
        token: whose.
    """

    port: int
    token: str = field(repr=False)
    people: list[Person] = field(factory=list)
    answers: Counter[int] = field(factory=Counter)
    failures: list[str] = field(factory=list)
    slowest_s: float = 0.0
    stopped: bool = False
    _workers: "list[asyncio.Task[None]]" = field(factory=list, init=False)

    def begin(self, workers: int) -> None:
        """Set workers to work."""
        self._workers += [asyncio.create_task(self.work()) for _ in range(workers)]

    async def done(self) -> None:
        """Let each worker finish the request that is under way, and no other."""
        self.stopped = True
        await asyncio.gather(*self._workers)

    async def work(self) -> None:
        """Make users and change them, one after another, until told to stop."""
        async with Client(self.port, self.token) as client:
            while not self.stopped:
                await self._life(client)

    async def answered(self, more: int) -> None:
        """Wait until so many more were answered."""
        goal = self.answers.total() + more
        await until_so(lambda: self.answers.total() >= goal or bool(self.failures), "requests are answered")

    async def _life(self, client: Client) -> None:
        created = await self._ask(client, "POST", "/v1/users", new_user())
        if created is None:
            return
        person = Person(created.json()["id"], created.version, created.json()["lastName"])
        self.people.append(person)
        path = f"/v1/users/{person.user_id}"
        for turn in range(_CHANGES):
            if self.stopped:
                return
            changed = await self._ask(
                client, "PATCH", path, {"lastName": f"Turn{turn}"}, {"if-match": f'"{person.version}"'}
            )
            if changed is None:
                return
            person.version, person.last_name = changed.version, f"Turn{turn}"
            seen = await self._ask(client, "GET", path)
            if seen is not None and (seen.version, seen.json()["lastName"]) != (person.version, person.last_name):
                self.failures.append(f"read version {seen.version} after version {person.version} was acknowledged")
        gone = await self._ask(client, "POST", f"{path}/deactivate", {"reason": "ADMINISTRATIVE_ACTION"})
        if gone is not None:
            person.version, person.state = gone.version, "DEACTIVATED"

    async def _ask(
        self, client: Client, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer | None:
        """Return an answer that is a success; anything else is a failure, and None."""
        try:
            answer = await client.request(method, path, body, headers=headers)
        except (UnansweredError, ConnectionError, TimeoutError) as error:
            self.failures.append(f"{method}: {error!r}")
            return None
        self.answers[answer.status] += 1
        self.slowest_s = max(self.slowest_s, answer.took_s)
        if answer.status not in {200, 201}:
            self.failures.append(f"{method}: {answer.status} {answer.body[:300]!r}")
            return None
        return answer

    async def lost(self, database_url: str) -> Sequence[str]:
        """Return what was acknowledged and is not in the database, or is not whole there."""
        found = {row[0]: row[1:] for row in await rows(database_url, _STANDING)}
        return [
            f"{person}: the database has {found.get(person.user_id)}"
            for person in self.people
            if found.get(person.user_id) != _expected(person)
        ]


_STANDING = """
SELECT u.id::text, u.version, u.last_name, u.state,
       (SELECT array_agg(h.version ORDER BY h.version) FROM user_history AS h WHERE h.user_id = u.id),
       (SELECT array_agg(o.sequence ORDER BY o.id) FROM outbox AS o WHERE o.aggregateid = u.id),
       (SELECT array_agg(a.version ORDER BY a.sequence) FROM audit_entries AS a
        WHERE a.user_id = u.id AND a.version IS NOT NULL)
FROM users AS u
"""


def _expected(person: Person) -> tuple[Any, ...]:
    versions = list(range(1, person.version + 1))
    return (person.version, person.last_name, person.state, versions, versions, versions)


@asynccontextmanager
async def under_load(port: int, token: str, workers: int) -> AsyncIterator[Load]:
    """Let workers ask, and stop them at the end; each finishes the request that is under way."""
    load = Load(port, token)
    load.begin(workers)
    try:
        yield load
    finally:
        await load.done()
