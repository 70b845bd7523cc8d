"""The steps as commands and Lua scripts. The server runs each of them without any other in between.

The keys of one batch are of many users, so this needs one server (with or without replicas), no cluster.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from redis.commands.core import AsyncScript

from usercore.adapters.redis.link import RedisLink
from usercore.adapters.redis.sealing import id_bytes
from usercore.adapters.redis.steps import FencedStore, LeaseAnswer
from usercore.kernel.ids import UserId

_WRITER_TRIES: Final = 2
"""A writer tries again over another connection, as one that broke says nothing of the server."""

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# A fence is a sorted set of tokens by the millisecond in which each expires.
_LEASE: Final = (
    _NOW
    + """
local answers = {}
for at = 1, #KEYS, 3 do
  local answer = redis.call('GET', KEYS[at])
  if not answer then
    answer = 0
    if redis.call('ZCOUNT', KEYS[at + 2], string.format('(%.0f', now), '+inf') == 0
        and redis.call('SET', KEYS[at + 1], ARGV[1], 'NX', 'PX', ARGV[2]) then
      answer = 1
    end
  end
  answers[#answers + 1] = answer
end
return answers
"""
)

_FILL: Final = """
for at = 1, #KEYS, 2 do
  if redis.call('GET', KEYS[at + 1]) == ARGV[1] then
    redis.call('DEL', KEYS[at + 1])
    local value = ARGV[2 + (at + 1) / 2]
    if value ~= '' then
      redis.call('SET', KEYS[at], value, 'PX', ARGV[2])
    end
  end
end
"""

# Deletes before it adds: a server out of memory refuses to add, and has deleted by then.
_FENCE: Final = (
    _NOW
    + """
for at = 1, #KEYS, 3 do
  redis.call('DEL', KEYS[at], KEYS[at + 1])
end
for at = 3, #KEYS, 3 do
  redis.call('ZREMRANGEBYSCORE', KEYS[at], '-inf', string.format('%.0f', now))
  redis.call('ZADD', KEYS[at], string.format('%.0f', now + ARGV[2]), ARGV[1])
  if redis.call('PTTL', KEYS[at]) < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[at], ARGV[2])
  end
end
"""
)

_RELEASE: Final = """
for at = 1, #KEYS, 3 do
  redis.call('DEL', KEYS[at], KEYS[at + 1])
  redis.call('ZREM', KEYS[at + 2], ARGV[1])
end
"""


class RedisStore:
    """Takes the steps on a server.

    Args:
        link: carries them there.
        namespace: begins every key.
        ttl_s: how long a value is kept.
        lease_ttl_s: how long a reader may take to fill.
        fence_ttl_s: how long the token of a writer that was killed stands; longer than any transaction lasts.
    """

    def __init__(
        self, link: RedisLink, *, namespace: str, ttl_s: float, lease_ttl_s: float, fence_ttl_s: float
    ) -> None:
        self._link = link
        self._value, self._lease_of, self._fence_of = (f"{namespace}:{part}:".encode() for part in "vlf")
        self._ttl_ms, self._lease_ms, self._fence_ms = (
            max(1, round(seconds * 1000)) for seconds in (ttl_s, lease_ttl_s, fence_ttl_s)
        )
        self._lease_script = link.script(_LEASE)
        self._fill_script = link.script(_FILL)
        self._fence_script = link.script(_FENCE)
        self._release_script = link.script(_RELEASE)

    async def read(self, ids: Sequence[UserId]) -> Sequence[bytes | None]:
        """Return the value of each user, or None."""
        keys = [self._value + id_bytes(user_id) for user_id in ids]
        return cast("Sequence[bytes | None]", await self._link.exchange(lambda client: client.mget(keys), name="MGET"))

    async def lease(self, ids: Sequence[UserId], token: str) -> Sequence[LeaseAnswer]:
        """Take a lease for each user who has no value, no fence and no lease."""
        found = await self._run("lease", self._lease_script, self._three(ids), [token, self._lease_ms])
        answers = cast("Sequence[bytes | int]", found)
        return [one if isinstance(one, bytes) else "leased" if one else "busy" for one in answers]

    async def fill(self, token: str, values: Mapping[UserId, bytes | None]) -> None:
        """Where the lease is still held: give it back, and store the value unless it is None."""
        keys = self._keys(values, (self._value, self._lease_of))
        args: list[str | bytes | int] = [token, self._ttl_ms, *(value or b"" for value in values.values())]
        await self._run("fill", self._fill_script, keys, args)

    async def fence(self, ids: Sequence[UserId], token: str) -> None:
        """Delete value and lease of each user and add this token to the fence."""
        args: list[str | bytes | int] = [token, self._fence_ms]
        await self._run("fence", self._fence_script, self._three(ids), args, tries=_WRITER_TRIES)

    async def release(self, ids: Sequence[UserId], token: str) -> None:
        """Delete value and lease of each user and take this token out of the fence."""
        # Insists: once the server is back other copies fill it, and a write must not be acknowledged past them.
        await self._run("release", self._release_script, self._three(ids), [token], tries=_WRITER_TRIES, insist=True)

    async def invalidate(self, ids: Sequence[UserId]) -> None:
        """Delete value and lease of each user; fences stay."""
        keys = self._keys(ids, (self._value, self._lease_of))
        await self._link.exchange(lambda client: client.delete(*keys), name="DEL", tries=_WRITER_TRIES, insist=True)

    async def _run(
        self,
        name: str,
        script: AsyncScript,
        keys: Sequence[bytes],
        args: Sequence[str | bytes | int],
        *,
        tries: int = 1,
        insist: bool = False,
    ) -> object:
        return await self._link.exchange(
            lambda client: script(keys, args, client), name=f"EVALSHA {name}", tries=tries, insist=insist
        )

    def _three(self, ids: Iterable[UserId]) -> list[bytes]:
        return self._keys(ids, (self._value, self._lease_of, self._fence_of))

    @staticmethod
    def _keys(ids: Iterable[UserId], parts: Sequence[bytes]) -> list[bytes]:
        return [part + name for name in map(id_bytes, ids) for part in parts]


if TYPE_CHECKING:

    def _conform(store: RedisStore) -> None:
        _store: FencedStore = store
