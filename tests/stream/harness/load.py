"""Many commands for some users, and what must have come of them."""

import asyncio
from collections.abc import Sequence

from attrs import frozen

from tests.stream.harness.people import made
from tests.stream.harness.wire import Wire
from tests.stream.harness.world import World
from usercore.kernel.ids import UserId
from usercore.settings import CoreSettings, load
from usercore.wiring.service import open_core

TOPIC = "update-user"


@frozen
class Load:
    """Users, each of whom is renamed again and again, in order.

    Args:
        users: their ids.
        rounds: how often each is renamed.
    """

    users: Sequence[str]
    rounds: int

    async def send(self, wire: Wire, *, first: int = 0, last: int | None = None) -> None:
        """Send the renamings of some rounds, as plain JSON."""
        for number in range(first, self.rounds if last is None else last):
            sending = [
                wire.send(TOPIC, {"userId": user, "firstName": f"Name {number}"}, key=user) for user in self.users
            ]
            await asyncio.gather(*sending)

    async def check(self, world: World) -> None:
        """Check that each had its effect once, and all of them in order.

        Raises:
            AssertionError: something is missing, doubled or out of order.
        """
        found = await world.rows(
            "SELECT id::text, version, first_name, (SELECT count(*) FROM outbox WHERE aggregateid = users.id)"
            " FROM users"
        )
        expected = (self.rounds + 1, f"Name {self.rounds - 1}", self.rounds + 1)
        assert {user: tuple(rest) for user, *rest in found} == dict.fromkeys(self.users, expected)
        names = [f"Name {number}" for number in range(self.rounds)]
        async with open_core(load(CoreSettings, world.environ())) as service:
            for user in self.users:
                entries = await service.core.ports.history.entries(UserId(user), below_version=None, limit=self.rounds)
                assert [one.after for entry in reversed(entries) for one in entry.changes] == names


async def people(world: World, count: int, rounds: int) -> Load:
    """Make users past the stream, and return what is to be sent for them."""
    async with open_core(load(CoreSettings, world.environ())) as service:
        users = await asyncio.gather(*(made(service.core) for _ in range(count)))
    return Load([user.id for user in users], rounds)


async def unfinished(world: World, wire: Wire) -> list[tuple[int, int]]:
    """Return the places that are committed although nothing in the inbox tells of their effect: there must be none."""
    committed = await wire.committed(TOPIC)
    known = {ident for (ident,) in await world.rows("SELECT message_id FROM inbox WHERE topic = %s", TOPIC)}
    return [
        (partition, offset)
        for partition, behind in committed.items()
        for offset in range(behind)
        if f"{TOPIC}-{partition}-{offset}" not in known
    ]
