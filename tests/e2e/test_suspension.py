"""A suspension ends by itself, and what was acknowledged outlives every process."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.e2e.harness.people import create
from tests.e2e.harness.private import PrivatePostgres
from tests.e2e.harness.rows import versions
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Answer, Client


async def deactivate(client: Client, user: dict[str, Any], until_: datetime) -> Answer:
    body = {"reason": "INACTIVITY", "until": until_.isoformat()}
    answer = await client.post(f"/v1/users/{user['id']}/deactivate", body)
    assert (answer.status, answer.json()["status"]) == (200, "DEACTIVATED")
    return answer


async def test_a_suspended_user_comes_back_once_when_the_time_has_come(pair: tuple[Copy, Copy]) -> None:
    async with pair[0].client() as client:
        user, long = await create(client), await create(client)
        due = datetime.now(UTC) + timedelta(seconds=1)
        await deactivate(client, user, due)
        await deactivate(client, long, due + timedelta(days=1))
        path = f"/v1/users/{user['id']}"
        refused = await client.patch(path, {"lastName": "Murray"}, "*")
        assert (refused.status, refused.json()["code"]) == (409, "user_deactivated")

        async def active() -> dict[str, Any] | None:
            found: dict[str, Any] = (await client.get(path)).json()
            return found if found["status"] == "ACTIVE" else None

        back = await until(active, "the user is active again")
        assert back["statusDetails"]["actor"]["kind"] == "SYSTEM"
        assert datetime.fromisoformat(back["statusDetails"]["since"]) >= due
        assert (await client.get(f"/v1/users/{long['id']}")).json()["status"] == "DEACTIVATED"
    # Both copies found it due.
    assert (await versions(pair[0].world.database_url, user["id"]))["outbox"] == [1, 2, 3]


@pytest.mark.embedded
async def test_what_was_acknowledged_outlives_the_kill_of_the_copy_and_of_the_database(
    breakable: World, postgres: PrivatePostgres
) -> None:
    async with running_copies(breakable) as [copy], copy.client() as client:
        user = await create(client)
        path = f"/v1/users/{user['id']}"
        changed = await client.patch(path, {"address": {"city": "Z\u00fcrich"}}, '"1"')
        await copy.killed()
    await postgres.kill()
    await postgres.restart()
    async with running_copies(breakable) as [copy], copy.client() as client:
        kept = await client.get(path)
        history = (await client.get(f"{path}/history")).json()["items"]
    assert (kept.body, kept.headers["etag"]) == (changed.body, changed.headers["etag"])
    assert [item["version"] for item in history] == [2, 1]
