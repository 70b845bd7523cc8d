"""A request with an Idempotency-Key takes effect once, however often and wherever it comes, through a kill as well."""

import asyncio
from collections import Counter

import pytest

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.e2e.harness.people import create, new_user
from tests.e2e.harness.rows import build_gate, rows, shut_gate, trails, versions, waiting_at_gate
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Answer, Client, UnansweredError

REPETITIONS = 100
IN_FLIGHT = "idempotency_key_in_flight"
KEY = {"idempotency-key": '"sign-up-7"'}


def told(answer: Answer) -> tuple[int, bytes, str, str | None]:
    """Return all of an answer that a repetition must show again."""
    return answer.status, answer.body, answer.headers["etag"], answer.headers.get("location")


def once_answered(answers: list[Answer]) -> tuple[int, bytes, str, str | None]:
    """Return the one answer that all gave who did not hear that the first was still being worked on."""
    refused = [answer for answer in answers if answer.status == 409]
    assert {answer.json()["code"] for answer in refused} <= {IN_FLIGHT}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    [(only, count)] = Counter(told(answer) for answer in answers if answer.status != 409).items()
    assert count == len(answers) - len(refused)
    return only


async def test_100_concurrent_creates_with_one_key_make_one_user_and_one_answer(pair: tuple[Copy, Copy]) -> None:
    body = new_user(password="correct horse battery staple")
    before = await trails(pair[0].world.database_url)
    async with pair[0].client() as first, pair[1].client() as second:
        answers = await asyncio.gather(
            *((first, second)[n % 2].post("/v1/users", body, headers=KEY) for n in range(REPETITIONS))
        )
        later = [await client.post("/v1/users", body, headers=KEY) for client in (first, second)]
    assert [answer.status for answer in later] == [201, 201]
    status, _, etag, location = once_answered([*answers, *later])
    user_id = later[0].json()["id"]
    assert (status, etag, location) == (201, '"1"', f"/v1/users/{user_id}")
    after = await trails(pair[0].world.database_url)
    assert after == {table: rows_before + 1 for table, rows_before in before.items()}


async def test_100_concurrent_patches_with_one_key_make_one_version_and_a_later_replay_shows_that_version(
    pair: tuple[Copy, Copy],
) -> None:
    async with pair[0].client() as first, pair[1].client() as second:
        user = await create(first)
        path = f"/v1/users/{user['id']}"
        change = {"lastName": "Murray", "address": {"city": "Arlington"}}
        answers = await asyncio.gather(
            *((first, second)[n % 2].patch(path, change, '"1"', headers=KEY) for n in range(REPETITIONS))
        )
        assert (await second.patch(path, {"lastName": "Hopper"}, '"2"')).version == 3
        replayed = await first.patch(path, change, '"1"', headers=KEY)
    assert replayed.status == 200
    status, body, etag, _ = once_answered([*answers, replayed])
    assert (status, etag) == (200, '"2"')
    assert b'"lastName":"Murray"' in body
    assert (await versions(pair[0].world.database_url, user["id"]))["outbox"] == [1, 2, 3]


@pytest.mark.parametrize("at_commit", [False, True], ids=["before its commit", "during its commit"])
async def test_a_copy_killed_between_claim_and_answer_leaves_a_key_with_one_effect_in_the_end(
    world: World, *, at_commit: bool
) -> None:
    database = world.database_url
    await build_gate(database, at_commit=at_commit)
    body = new_user()
    async with (
        running_copies(world, 2) as (victim, survivor),
        victim.client() as doomed,
        survivor.client() as client,
    ):
        async with shut_gate(database):
            lost = asyncio.create_task(doomed.post("/v1/users", body, headers=KEY))
            await until(lambda: waiting_at_gate(database), "the create waits in its transaction")
            await victim.killed()
            with pytest.raises(UnansweredError):
                await lost
            meanwhile = asyncio.create_task(client.post("/v1/users", body, headers=KEY))
        await until(lambda: _nobody_works(database), "the killed copy's transaction is over")
        assert (await trails(database))["users"] == int(at_commit)
        assert (await meanwhile).status == (201 if at_commit else 409)
        answers = [await meanwhile, *await _retried(database, client, body)]
    assert once_answered(answers)[0] == 201
    assert await trails(database) == {"users": 1, "outbox": 1, "user_history": 1, "audit_entries": 1}


async def _nobody_works(database: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
    [(count,)] = await rows(database, query)
    return bool(count == 1)  # this query itself


async def _retried(database: str, client: Client, body: object) -> list[Answer]:
    """Repeat a request after its lease, which is brought to its end here, and once more."""
    await rows(database, "UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE user_id IS NULL")
    return [await client.post("/v1/users", body, headers=KEY) for _ in range(2)]
