"""Rate limits over running copies: counted together, told on every answer, and by the address that a proxy names."""

import asyncio
from collections import Counter

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.e2e.harness.people import create
from usercore.adapters.redis.leases import SHARES

QUOTA = 200
WINDOW_S = 36_000


async def test_two_copies_serve_one_quota_between_them(world: World) -> None:
    async with (
        running_copies(world, 2, RATE_LIMIT_READS=f"{QUOTA}/{WINDOW_S}") as (one, other),
        one.client() as first,
        other.client() as second,
    ):
        user = await create(first)
        path = f"/v1/users/{user['id']}"
        answers = await asyncio.gather(*((first, second)[number % 2].get(path) for number in range(3 * QUOTA)))
        seen = Counter(answer.status for answer in answers)
        assert set(seen) == {200, 429}
        assert QUOTA - 2 * QUOTA // SHARES <= seen[200] <= QUOTA + 3 * QUOTA // SHARES
        for answer in answers:
            assert answer.headers["ratelimit-policy"] == f'"reads";q={QUOTA};w={WINDOW_S}'
            assert answer.headers["ratelimit"].startswith('"reads";r=')
            assert ("retry-after" in answer.headers) == (answer.status == 429)
        assert {answer.json()["code"] for answer in answers if answer.status == 429} == {"rate_limited"}
        assert (await first.get("/health/live")).status == 200
    async with running_copies(world, RATE_LIMIT_READS=f"{QUOTA}/{WINDOW_S}") as [fresh], fresh.client() as client:
        assert (await client.get(path)).status == 429, "what was used up is remembered by the server"


async def test_the_address_is_the_one_that_a_trusted_proxy_names(world: World) -> None:
    async with (
        running_copies(world, RATE_LIMIT_ANONYMOUS=f"2/{WINDOW_S}", TRUSTED_PROXIES="127.0.0.1") as [copy],
    ):
        near = [await _docs(copy, "198.51.100.1") for _ in range(3)]
        # What stands further left was said by the client.
        forged = await _docs(copy, "203.0.113.9, 198.51.100.1")
        far = await _docs(copy, "198.51.100.2")
    assert (near, forged, far) == ([200, 200, 429], 429, 200)


async def test_without_a_trusted_proxy_nobody_chooses_their_address(world: World) -> None:
    async with running_copies(world, RATE_LIMIT_ANONYMOUS=f"2/{WINDOW_S}") as [copy]:
        assert [await _docs(copy, f"198.51.100.{number}") for number in range(3)] == [200, 200, 429]


async def _docs(copy: Copy, forwarded: str) -> int:
    async with copy.client() as client:
        return (await client.get("/docs", headers={"X-Forwarded-For": forwarded})).status
