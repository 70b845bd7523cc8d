"""Replicas answer what may be a little old, and nobody misses what they wrote: a real PostgreSQL and a real replica.

The replica is held back by `pg_wal_replay_pause`, killed and frozen. Two copies of the service share nothing but the
servers.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve, frozen

from tests.e2e.harness.copies import World
from tests.e2e.harness.eraser import CONTEXT, tell_everybody
from tests.e2e.harness.people import new_user
from tests.e2e.harness.standby import Standby
from tests.e2e.harness.waiting import until, until_so
from tests.facts import order, record
from tests.http.api import settings_in
from tests.http.tokens import EVERYTHING, bearer
from user_http.app import build_app
from usercore.activity.values import FactResult
from usercore.kernel.ids import UserId
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.values import RequestKind
from usercore.settings import CoreSettings, load
from usercore.statistics.read_statistics import StatisticsQuery
from usercore.wiring.service import Service, open_core

LONG = "300"
"""Seconds that a replica may lag where a test is not about that."""
SHORT_S = 0.6


@frozen
class Copy:
    """One copy of the service."""

    service: Service
    client: httpx.AsyncClient

    async def create(self, subject: str = "shop") -> tuple[dict[str, Any], str]:
        """Create a user, and give the profile and the token for it."""
        answer = await self.client.post("/v1/users", json=new_user(), headers=bearer(sub=subject))
        assert answer.status_code == 201, answer.text
        return answer.json(), answer.headers["consistency-token"]

    async def finds(self, user: dict[str, Any], subject: str, **headers: str) -> bool:
        """Whether a caller finds a user in the list."""
        asked = {"email": user["email"]}
        answer = await self.client.get("/v1/users", params=asked, headers=bearer(sub=subject) | headers)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]] == [user["id"]]

    def reads(self, target: str, reason: str) -> float:
        """How many reads were answered so."""
        found = self.service.metrics.registry.get_sample_value(
            "user_service_replica_reads_total", {"target": target, "reason": reason}
        )
        return found or 0.0

    async def standing(self) -> str:
        return (await self.service.readiness()).parts["replicas"]


@asynccontextmanager
async def copies(
    world: World, standby: Standby, folder: Path, count: int, **settings: str
) -> AsyncIterator[list[Copy]]:
    """Open copies, and wait until they use the replica."""
    if count == 0:
        yield []
        return
    environ = world.environ(**settings) | {"DATABASE_REPLICA_URLS": standby.url(world.database_url)}
    async with open_core(load(CoreSettings, environ)) as service:
        app = build_app(
            service.core,
            settings_in(folder),
            service.metrics,
            readiness=service.readiness,
            consistency=service.consistency,
        )
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://users") as client,
            copies(world, standby, folder, count - 1, **settings) as others,
        ):
            copy = Copy(service, client)
            await until(lambda: stands(copy, "ok"), "the replica is used")
            yield [copy, *others]


async def stands(copy: Copy, how: str) -> bool:
    return await copy.standing() == how


@pytest.fixture
async def held_back(standby: Standby) -> AsyncIterator[Callable[[], Any]]:
    """Hold the replica back when called; it goes on after the test."""
    yield standby.pause
    await standby.go_on()


async def test_a_caller_who_wrote_reads_it_at_every_copy_though_the_replica_is_behind(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 2, DB_REPLICA_MAX_LAG_S=LONG) as [first, second]:
        await held_back()
        user, token = await first.create("shop")
        assert await first.finds(user, "shop")
        assert await second.finds(user, "shop"), "Redis tells the other copy who wrote"
        assert await second.finds(user, "stranger", **{"consistency-token": token}), "and so does the token"
        assert await second.finds(user, "stranger", **{"consistency-token": "latest"})
        assert not await second.finds(user, "stranger"), "who knows of nothing reads from the replica"
        assert (second.reads("primary", "behind"), second.reads("primary", "caller")) == (2, 1)
        assert second.reads("replica", "fresh") == 1
        await standby.go_on()
        assert await second.finds(user, "shop")
        assert await second.finds(user, "stranger", **{"consistency-token": token})
        assert second.reads("replica", "fresh") == 3, "what has caught up is used again, and waited for"


async def test_without_redis_the_token_carries_it_and_where_redis_is_lost_the_primary_is_asked(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    alone = evolve(breakable, redis_url=None)
    async with copies(alone, standby, tmp_path, 2, DB_REPLICA_MAX_LAG_S=LONG) as [first, second]:
        await held_back()
        user, token = await first.create("shop")
        assert await first.finds(user, "shop"), "a copy remembers by itself who wrote"
        assert await second.finds(user, "shop", **{"consistency-token": token})
    lost = evolve(breakable, redis_url="redis://127.0.0.1:1/0")
    await standby.go_on()
    async with copies(lost, standby, tmp_path, 1) as [copy]:
        assert not await copy.finds({"email": "nobody@mail.example", "id": ""}, "shop")
        assert copy.reads("primary", "caller") == 1, "nobody can say what this caller wrote"


async def test_a_page_from_a_replica_is_never_older_than_the_page_before(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 2, DB_REPLICA_MAX_LAG_S=LONG) as [first, second]:
        await held_back()
        user, token = await first.create("shop")
        headers = bearer(sub="stranger") | {"consistency-token": token}
        answer = await second.client.get("/v1/users", params={"email": user["email"]}, headers=headers)
        seen = answer.headers["consistency-token"]
        assert await first.finds(user, "another", **{"consistency-token": seen})


async def test_history_activity_and_the_audit_list_are_read_from_the_replica_and_profiles_are_not(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 1, DB_REPLICA_MAX_LAG_S=LONG) as [copy]:
        user, token = await copy.create("shop")
        path = f"/v1/users/{user['id']}"
        stranger = bearer(EVERYTHING, sub="stranger")
        told = stranger | {"consistency-token": token}
        history = (await copy.client.get(f"{path}/history", headers=told)).json()["items"]
        assert [entry["version"] for entry in history] == [1]
        assert (await copy.client.get(f"{path}/activity", headers=told)).json()["items"] == []
        assert (await copy.client.get("/v1/audit", params={"user": user["id"]}, headers=told)).status_code == 200
        asked = {"filter": f'email = "{user["email"]}"'}
        counted = await copy.client.get("/v1/segments/count", params=asked, headers=told)
        assert (counted.json()["users"], counted.json()["exact"]) == (1, True)
        assert copy.reads("replica", "fresh") >= 5
        before = copy.reads("replica", "fresh") + copy.reads("primary", "behind")
        await held_back()
        changed = await copy.client.patch(
            path, json={"firstName": "Ada"}, headers=bearer(sub="shop") | {"if-match": '"1"'}
        )
        assert changed.status_code == 200, changed.text
        assert (await copy.client.get(path, headers=stranger)).json()["firstName"] == "Ada"
        assert "consistency-token" not in (await copy.client.get(path, headers=stranger)).headers
        assert copy.reads("replica", "fresh") + copy.reads("primary", "behind") == before
        stale = (await copy.client.get(f"{path}/history", headers=stranger)).json()["items"]
        assert [entry["version"] for entry in stale] == [1], "as old as replicas may be"


async def test_a_replica_that_lags_longer_than_it_may_is_left_out_and_the_service_stays_ready(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 1, DB_REPLICA_MAX_LAG_S=str(SHORT_S)) as [copy]:
        await held_back()
        user, _ = await copy.create("shop")
        written = time.monotonic()
        found_at = await until(lambda: when_found(copy, user), "others see it too")
        assert found_at - written < SHORT_S + 0.5, "the limit, and what the machine adds"
        readiness = await copy.service.readiness()
        assert (readiness.ready, readiness.parts["replicas"]) == (True, "down")
        lag = "user_service_replica_lag_seconds"
        sample = copy.service.metrics.registry.get_sample_value
        await until_so(lambda: (sample(lag, {"replica": "1"}) or 0.0) > SHORT_S, "the metric tells of the lag")
        await standby.go_on()
        await until(lambda: stands(copy, "ok"), "it is used again")
        before = copy.reads("replica", "fresh")
        assert await copy.finds(user, "stranger")
        assert copy.reads("replica", "fresh") == before + 1


async def when_found(copy: Copy, user: dict[str, Any]) -> float | None:
    asked_at = time.monotonic()
    return asked_at if await copy.finds(user, "stranger") else None


async def test_statistics_are_counted_on_a_replica_that_has_everything_there_is(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 1, DB_REPLICA_MAX_LAG_S=LONG) as [copy]:

        async def counted() -> int:
            consistency = copy.service.consistency
            assert consistency is not None
            with consistency.reading_now():
                return sum((await copy.service.core.read_statistics(StatisticsQuery())).states.values())

        await copy.create("shop")
        assert await counted() == 1
        fresh, behind = copy.reads("replica", "fresh"), copy.reads("primary", "behind")
        assert (fresh > 0, behind) == (True, 0)
        await held_back()
        await copy.create("shop")
        assert await counted() == 2, "nobody told this reader of the write, and they see it"
        assert (copy.reads("replica", "fresh"), copy.reads("primary", "behind") > 0) == (fresh, True)


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_a_replica_that_is_lost_in_the_middle_of_reads_fails_none_of_them(
    breakable: World, standby: Standby, tmp_path: Path, how: str
) -> None:
    limits = {"DB_REPLICA_MAX_LAG_S": "2", "DB_STATEMENT_TIMEOUT_S": "1.5"}
    async with copies(breakable, standby, tmp_path, 1, **limits) as [copy]:
        user, token = await copy.create("shop")
        found: list[bool] = []

        async def read_on() -> None:
            while not lost or copy.reads("primary", "failed") + copy.reads("primary", "down") == 0:
                found.append(await copy.finds(user, "stranger", **{"consistency-token": token}))

        lost = False
        readers = [asyncio.create_task(read_on()) for _ in range(4)]
        await until_so(lambda: copy.reads("replica", "fresh") > 20, "the replica answers")
        await (standby.server.kill() if how == "kill" else standby.server.freeze())
        lost = True
        await asyncio.gather(*readers)
        assert all(found)
        assert await copy.finds(user, "stranger")
        await until(lambda: stands(copy, "down"), "it is left out")
        await (standby.server.restart() if how == "kill" else standby.server.thaw())
        await until(lambda: stands(copy, "ok"), "it is used again")


async def test_nobody_reads_the_erased_from_a_replica_once_the_erasure_is_acknowledged(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 2, DB_REPLICA_MAX_LAG_S="1") as [first, second]:
        user, token = await first.create("shop")
        assert await second.finds(user, "stranger", **{"consistency-token": token})
        await held_back()
        command = MakePrivacyRequestCommand(UserId(user["id"]), RequestKind.ERASURE, identity_note="passport seen")
        request = await first.service.core.make_privacy_request(command, CONTEXT)
        await until(lambda: erased(first, request.id), "the erasure is acknowledged")
        assert not await second.finds(user, "stranger")
        assert second.reads("primary", "behind") == 1, "the replica, which still has them, was not asked"


async def test_whoever_merged_accounts_sees_it_at_every_copy_and_the_old_id_leads_everybody_on_at_once(
    breakable: World, standby: Standby, tmp_path: Path, held_back: Callable[[], Any]
) -> None:
    async with copies(breakable, standby, tmp_path, 2, DB_REPLICA_MAX_LAG_S=LONG) as [first, second]:
        (own, _), (other, token) = await first.create(), await first.create()
        told = await record(first.service.core.ports, order("o1", UserId(other["id"])))
        assert [one.result for one in told] == [FactResult.RECORDED]
        assert await second.finds(other, "stranger", **{"consistency-token": token})
        await held_back()
        body = {"mergedUserId": other["id"], "reason": "the same person"}
        operator, stranger = bearer(EVERYTHING, sub="ada"), bearer(EVERYTHING, sub="stranger")
        path = f"/v1/users/{own['id']}"
        answer = await first.client.post(f"{path}/merges", json=body, headers=operator | {"if-match": "*"})
        assert answer.status_code == 201, answer.text

        async def seen(headers: dict[str, str]) -> tuple[int, str]:
            activity = (await second.client.get(f"{path}/activity", headers=headers)).json()["items"]
            history = (await second.client.get(f"{path}/history", headers=headers)).json()["items"]
            return len(activity), history[0]["event"]

        assert await seen(operator) == (1, "UserMerged"), "at the other copy too"
        assert await seen(stranger | {"consistency-token": answer.headers["consistency-token"]}) == (1, "UserMerged")
        assert await seen(stranger) == (0, "UserCreated"), "who knows of nothing reads from the replica"
        for copy in (first, second):
            led = await copy.client.get(f"/v1/users/{other['id']}", headers=stranger)
            assert (led.status_code, led.headers["location"]) == (308, path)
        await standby.go_on()
        asked = {"consistency-token": answer.headers["consistency-token"]}
        assert await seen(stranger | asked) == (1, "UserMerged")


async def erased(copy: Copy, request_id: Any) -> bool:
    await tell_everybody(copy.service.core)
    request = await copy.service.core.advance_requests.one(request_id, CONTEXT)
    return request.erasure is not None and request.erasure.step.name == "RECEIPTS"
