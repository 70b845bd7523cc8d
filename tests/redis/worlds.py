"""Worlds of one user, a database, a cache server, writers and readers, for :mod:`tests.redis.stepping`."""

from collections.abc import Hashable, Iterator, Mapping, Sequence

from attrs import define, field

from tests.builders import creation
from tests.redis.stepping import Action, Actor
from usercore.adapters.redis.observer import SilentObserver
from usercore.adapters.redis.protocol import ReadThrough, WriteThrough
from usercore.adapters.redis.steps import LeaseAnswer
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.ports import Change, ProfileDocument
from usercore.users.values import AccountState

ID = UserId("ada")
CHANGE = creation(user_id=ID)


class PlainBox:
    """Values that can be read: the version in decimal."""

    def seal(self, document: ProfileDocument) -> bytes | None:
        return None if document.state is AccountState.ERASED else b"%d" % document.version

    def open(self, user_id: UserId, sealed: bytes) -> ProfileDocument | None:
        return ProfileDocument(user_id, int(sealed), AccountState.ACTIVE, b"")


@define(eq=False)
class ModelStore:
    """What the server does at each step, in memory and without time."""

    values: dict[UserId, bytes] = field(factory=dict)
    leases: dict[UserId, str] = field(factory=dict)
    fences: dict[UserId, frozenset[str]] = field(factory=dict)

    async def read(self, ids: Sequence[UserId]) -> Sequence[bytes | None]:
        return [self.values.get(one) for one in ids]

    async def lease(self, ids: Sequence[UserId], token: str) -> Sequence[LeaseAnswer]:
        return [self._lease(one, token) for one in ids]

    def _lease(self, user_id: UserId, token: str) -> LeaseAnswer:
        if user_id in self.values:
            return self.values[user_id]
        if self.fences.get(user_id) or user_id in self.leases:
            return "busy"
        self.leases[user_id] = token
        return "leased"

    async def fill(self, token: str, values: Mapping[UserId, bytes | None]) -> None:
        for user_id, value in values.items():
            if self.leases.get(user_id) == token:
                del self.leases[user_id]
                if value is not None:
                    self.values[user_id] = value

    async def fence(self, ids: Sequence[UserId], token: str) -> None:
        await self.invalidate(ids)
        for user_id in ids:
            self.fences[user_id] = self.fences.get(user_id, frozenset()) | {token}

    async def release(self, ids: Sequence[UserId], token: str) -> None:
        await self.invalidate(ids)
        for user_id in ids:
            self.expire(user_id, token)

    async def invalidate(self, ids: Sequence[UserId]) -> None:
        for user_id in ids:
            self.values.pop(user_id, None)
            self.leases.pop(user_id, None)

    def expire(self, user_id: UserId, token: str) -> None:
        left = self.fences.get(user_id, frozenset()) - {token}
        if left:
            self.fences[user_id] = left
        else:
            self.fences.pop(user_id, None)


@define(eq=False)
class SteppedStore:
    """A store that stops its actor before every step, and tells it what it has seen."""

    inner: ModelStore
    actor: Actor

    async def read(self, ids: Sequence[UserId]) -> Sequence[bytes | None]:
        await self.actor.step("read")
        values = await self.inner.read(ids)
        self.actor.learn(tuple(values))
        return values

    async def lease(self, ids: Sequence[UserId], token: str) -> Sequence[LeaseAnswer]:
        await self.actor.step("lease")
        answers = await self.inner.lease(ids, token)
        self.actor.learn(tuple(answers))
        return answers

    async def fill(self, token: str, values: Mapping[UserId, bytes | None]) -> None:
        await self.actor.step("fill")
        await self.inner.fill(token, values)

    async def fence(self, ids: Sequence[UserId], token: str) -> None:
        await self.actor.step("fence")
        await self.inner.fence(ids, token)

    async def release(self, ids: Sequence[UserId], token: str) -> None:
        await self.actor.step("release")
        await self.inner.release(ids, token)

    async def invalidate(self, ids: Sequence[UserId]) -> None:
        await self.actor.step("invalidate")
        await self.inner.invalidate(ids)


@define(eq=False)
class Steps:
    """What one actor works with."""

    world: "CacheWorld"
    actor: Actor
    store: SteppedStore

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        await self.actor.step("select")
        self.actor.learn(self.world.version)
        return {one: ProfileDocument(one, self.world.version, AccountState.ACTIVE, b"") for one in ids}

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        await self.actor.step("commit")
        self.world.version += 1
        self.actor.learn(self.world.version)
        return [None] * len(changes)


class CacheWorld:
    """Writers and readers of one user.

    A number of kills and evictions may happen at any time; a loss is a COMMIT whose answer never comes, as
    when the connection to the database breaks.

    Subclasses go about reading and writing in other ways.
    """

    def __init__(
        self,
        *,
        writers: int,
        readers: int,
        kills: int = 0,
        evictions: int = 0,
        losses: int = 0,
        unacknowledged_too: bool = True,
    ) -> None:
        self.losses = losses
        self.unacknowledged_too = unacknowledged_too
        self.store = ModelStore()
        self.version = 1
        self.acknowledged = 1
        self.kills = kills
        self.evictions = evictions
        self.in_doubt: set[str] = set()
        self.settled: set[str] = set()
        self.actors = [
            *(self._actor(f"writer-{number}") for number in range(writers)),
            *(self._actor(f"reader-{number}") for number in range(readers)),
        ]

    def _actor(self, name: str) -> Actor:
        actor = Actor(name)
        steps = Steps(self, actor, SteppedStore(self.store, actor))
        actor.body = self._write(steps) if name.startswith("writer") else self._read(steps)
        actor.resume()
        return actor

    async def _write(self, steps: Steps) -> None:
        await steps.actor.step("begin")
        await self.write(steps)
        self.acknowledged = max(self.acknowledged, *(one for one in steps.actor.seen if isinstance(one, int)))

    async def _read(self, steps: Steps) -> None:
        await steps.actor.step("begin")
        wanted = self.acknowledged
        steps.actor.learn(("wanted", wanted))
        await self.read(steps, wanted)

    def answered(self, version: int, wanted: int) -> None:
        """Check what a reader is answered."""
        assert version >= wanted, f"a reader saw version {version} after {wanted} was acknowledged"

    async def write(self, steps: Steps) -> None:
        through = WriteThrough(steps.store, steps, lambda: steps.actor.name, lambda _: None)
        await through.commit([CHANGE])

    async def read(self, steps: Steps, wanted: int) -> None:
        through = ReadThrough(steps.store, steps, PlainBox(), SilentObserver(), lambda: steps.actor.name)
        documents, fill = await through.read([ID])
        self.answered(documents[ID].version, wanted)
        if fill is not None:
            await through.fill(fill)

    def state(self) -> Hashable:
        parts = (self.store.values, self.store.leases, self.store.fences)
        return (
            *(tuple(sorted(part.items())) for part in parts),
            self.version,
            self.acknowledged,
            self.kills,
            self.losses,
            self.evictions,
            frozenset(self.in_doubt),
            frozenset(self.settled),
        )

    def faults(self) -> Iterator[Action]:
        if self.kills:
            started = (one for one in self.actors if one.ready and one.at != "begin")
            yield from (("kill", one.name) for one in started)
        if self.losses:
            yield from (("loses the answer", one.name) for one in self.actors if one.ready and one.at == "commit")
        if self.evictions:
            parts = {"value": self.store.values, "lease": self.store.leases, "fence": self.store.fences}
            yield from (("evict", name) for name, part in parts.items() if part)
        for name in sorted(self.in_doubt):
            yield "commits after all", name
            yield "rolls back", name
        for name in sorted(self.settled):
            yield "token expires", name

    def fault(self, action: Action) -> None:
        match action:
            case "loses the answer", name:
                self.losses -= 1
                self.in_doubt.add(name)
                self._named(name).resume(UnavailableError())
            case "kill", name:
                self.kills -= 1
                victim = self._named(name)
                victim.dead = True
                # Killed with its COMMIT on the way, a transaction may yet go either way.
                (self.in_doubt if victim.at == "commit" else self.settled).add(name)
            case "evict", part:
                self.evictions -= 1
                parts: dict[str, dict[UserId, object]] = {
                    "value": self.store.values,  # type: ignore[dict-item] # only ever cleared
                    "lease": self.store.leases,  # type: ignore[dict-item] # the same
                    "fence": self.store.fences,  # type: ignore[dict-item] # the same
                }
                parts[part].clear()
            case "token expires", name:
                self.settled.remove(name)
                self.store.expire(ID, name)
            case what, name:
                self.in_doubt.remove(name)
                self.settled.add(name)
                self.version += what == "commits after all"

    def _named(self, name: str) -> Actor:
        [actor] = [one for one in self.actors if one.name == name]
        return actor

    def check(self, *, at_rest: bool) -> None:
        cached = self.store.values.get(ID)
        if cached is None:
            return
        assert int(cached) >= self.acknowledged, f"version {int(cached)} is cached, {self.acknowledged} acknowledged"
        if at_rest and self.unacknowledged_too:
            assert int(cached) == self.version, f"version {int(cached)} stays cached, {self.version} is true"


class _BlindReader(CacheWorld):
    """Readers who fill without a lease."""

    async def read(self, steps: Steps, wanted: int) -> None:
        [value] = await steps.store.read([ID])
        if value is not None:
            self.answered(int(value), wanted)
            return
        document = (await steps.documents([ID]))[ID]
        self.answered(document.version, wanted)
        await steps.actor.step("set")
        self.set_value(document.version)

    def set_value(self, version: int) -> None:
        self.store.values[ID] = b"%d" % version


class DeleteAfterCommit(_BlindReader):
    async def write(self, steps: Steps) -> None:
        await steps.commit([CHANGE])
        await steps.store.invalidate([ID])


class DoubleDelete(_BlindReader):
    async def write(self, steps: Steps) -> None:
        await steps.store.invalidate([ID])
        await steps.commit([CHANGE])
        await steps.store.invalidate([ID])


class SetIfNewer(DeleteAfterCommit):
    def set_value(self, version: int) -> None:
        super().set_value(max(version, int(self.store.values.get(ID, b"0"))))


class BlindSet(_BlindReader):
    async def write(self, steps: Steps) -> None:
        await steps.commit([CHANGE])
        mine = steps.actor.seen[-1]
        assert isinstance(mine, int)
        await steps.actor.step("set")
        self.set_value(mine)


class LeasesWithoutFence(CacheWorld):
    """As the protocol, but nothing is done before the commit."""

    async def write(self, steps: Steps) -> None:
        await steps.commit([CHANGE])
        await steps.store.invalidate([ID])


class OneFenceForAll(CacheWorld):
    """As the protocol, but the first writer to end lifts everybody's fence, and only the fence is lifted."""

    async def write(self, steps: Steps) -> None:
        await steps.store.fence([ID], "fence")
        await steps.commit([CHANGE])
        await steps.actor.step("release")
        self.store.expire(ID, "fence")
