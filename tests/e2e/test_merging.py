"""A merge is whole or not at all: through kills over HTTP and at a terminal, and from both sides at once."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import frozen

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.e2e.harness.eraser import CONTEXT
from tests.e2e.harness.people import create, new_user
from tests.e2e.harness.rows import build_gate, rows, shut_gate, versions, waiting_at_gate
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Answer, Client, UnansweredError
from tests.facts import order, record
from usercore.kernel.ids import UserId
from usercore.merging.merge_users import MergeUsersCommand
from usercore.settings import CoreSettings, load
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

WHY = "the same person, ticket 17"
SCOPES = ("users:read", "users:write", "users:admin")
LONG = os.environ.get("CHAOS") == "long"
FACTS = 3


@frozen
class Twins:
    """Two accounts of one person.

    Args:
        own: the id of the one that is to stay.
        other: that of the one that is to go into it.
    """

    own: str
    other: str

    @property
    def path(self) -> str:
        return f"/v1/users/{self.own}/merges"

    @property
    def body(self) -> dict[str, Any]:
        return {"mergedUserId": self.other, "take": ["email", "phoneNumber"], "reason": WHY}

    @property
    def headers(self) -> dict[str, str]:
        return {"if-match": "*", "idempotency-key": f'"merge-{self.own}"'}

    async def merged_by(self, client: Client) -> Answer:
        """Ask for the merge."""
        return await client.post(self.path, self.body, headers=self.headers)


async def twins(client: Client, core: Core) -> Twins:
    """Make two accounts, and tell of what the second did."""
    own, other = await create(client), await create(client, phoneNumber="+4930222")
    made = Twins(own["id"], other["id"])
    await record(core.ports, *(order(f"{made.other}-{number}", UserId(made.other)) for number in range(FACTS)))
    return made


async def is_whole(database: str, pair: Twins) -> bool:
    """Whether two accounts are one, in every table; anything between that and two accounts is wrong."""
    found = dict(await rows(database, "SELECT id::text, state FROM users WHERE id IN (%s, %s)", pair.own, pair.other))
    whole = bool(found[pair.other] == "MERGED")
    assert found == {pair.own: "ACTIVE", pair.other: "MERGED" if whole else "ACTIVE"}
    kept = await rows(database, "SELECT survivor_id::text FROM user_merges WHERE merged_id = %s", pair.other)
    assert kept == [(pair.own,)] * whole
    facts = await rows(
        database,
        "SELECT user_id::text, told_of::text, count(*) FROM activity_facts WHERE user_id IN (%s, %s) GROUP BY 1, 2",
        *(pair.own, pair.other),
    )
    assert facts == [(pair.own, pair.other, FACTS) if whole else (pair.other, None, FACTS)]
    for user_id, steps in ((pair.own, 3), (pair.other, 2)):
        for trail in (await versions(database, user_id)).values():
            assert trail == list(range(1, (steps if whole else 1) + 1))
    told = "SELECT aggregateid::text FROM outbox WHERE type = 'UserMerged' AND aggregateid IN (%s, %s) ORDER BY 1"
    assert (
        await rows(database, told, pair.own, pair.other) == [(one,) for one in sorted((pair.own, pair.other))] * whole
    )
    return whole


@asynccontextmanager
async def seen(world: World) -> AsyncIterator[Core]:
    """Open the core beside the copies."""
    async with open_core(load(CoreSettings, world.environ())) as service:
        yield service.core


async def nobody_works(database: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
    [(count,)] = await rows(database, query)
    return bool(count == 1)  # this query itself


async def killed_at_the_gate(world: World, pair: Twins, victim: Copy, *, at_commit: bool) -> None:
    """Kill a copy while its transaction merges two accounts, or commits that."""
    database = world.database_url
    await build_gate(database, at_commit=at_commit)
    async with shut_gate(database), victim.client(*SCOPES) as doomed:
        lost = asyncio.create_task(pair.merged_by(doomed))
        await until(lambda: waiting_at_gate(database), "the merge waits in its transaction")
        await victim.killed()
        with pytest.raises(UnansweredError):
            await lost
    await settled(database)


async def settled(database: str) -> None:
    await until(lambda: nobody_works(database), "the killed transaction is over")
    await rows(database, "DROP TRIGGER gate ON users; DROP FUNCTION wait_at_gate()")
    await rows(database, "UPDATE idempotency_keys SET lease_until = now() WHERE user_id IS NULL")


async def test_a_merge_whose_copy_is_killed_is_whole_or_not_at_all_and_is_finished_by_the_same_request(
    world: World,
) -> None:
    database = world.database_url
    async with running_copies(world, 2) as [first, second], seen(world) as core:
        async with second.client(*SCOPES) as client:
            both = [await twins(client, core) for _ in range(2)]
            await killed_at_the_gate(world, both[0], first, at_commit=False)
            assert not await is_whole(database, both[0])
            answer, again = await both[0].merged_by(client), await both[0].merged_by(client)
            assert (answer.status, answer.body) == (again.status, again.body) == (201, answer.body), answer.body
            assert await is_whole(database, both[0])
            found = await client.get(f"/v1/users/{both[0].other}")
            assert (found.status, found.headers["location"]) == (308, f"/v1/users/{both[0].own}")
        await killed_at_the_gate(world, both[1], second, at_commit=True)
        assert await is_whole(database, both[1])
        command = MergeUsersCommand(UserId(both[1].own), UserId(both[1].other), reason=WHY)
        assert (await core.merge_users(command, CONTEXT)).merge.reason == WHY
        assert await is_whole(database, both[1])


async def test_a_merge_whose_terminal_is_killed_is_not_there_at_all_and_can_be_made_again(world: World) -> None:
    database = world.database_url
    async with seen(world) as core:
        own, other = [(await core.create_user(_person(), CONTEXT)).id for _ in range(2)]
        pair = Twins(own, other)
        await record(core.ports, *(order(f"{other}-{number}", other) for number in range(FACTS)))
        words = ("merge", "run", own, other, "--reason", WHY, "--take", "email")
        await build_gate(database, at_commit=False)
        async with shut_gate(database):
            doomed = await asyncio.create_subprocess_exec(sys.executable, "-m", "user_cli", *words, env=world.environ())
            await until(lambda: waiting_at_gate(database), "the merge waits in its transaction")
            doomed.send_signal(signal.SIGKILL)
            await doomed.wait()
        await settled(database)
        assert not await is_whole(database, pair)
        await core.merge_users(MergeUsersCommand(own, other, frozenset({"email"}), WHY), CONTEXT)
        assert await is_whole(database, pair)


def _person() -> CreateUserCommand:
    body = new_user()
    return CreateUserCommand(ProfilePatch(email=body["email"], first_name="Grace", last_name=body["lastName"]))


async def test_of_merges_from_both_sides_at_once_one_is_made_and_the_other_told_so(pair: tuple[Copy, Copy]) -> None:
    database = pair[0].world.database_url
    async with pair[0].client(*SCOPES) as first, pair[1].client(*SCOPES) as second, seen(pair[0].world) as core:
        both = [await twins(first, core) for _ in range(40 if LONG else 6)]

        async def clash(one: Twins) -> None:
            back = Twins(one.other, one.own)
            both_ids = (one.own, one.other)
            paths = [(client, f"/v1/users/{ident}") for client in (first, second) for ident in both_ids]
            merges = [asyncio.create_task(one.merged_by(first)), asyncio.create_task(back.merged_by(second))]
            patches = [asyncio.create_task(client.patch(path, {"lastName": "Murray"}, "*")) for client, path in paths]
            late = [order(f"late-{ident}", UserId(ident)) for ident in both_ids]
            await asyncio.gather(*merges, *patches, *(record(core.ports, fact) for fact in late))
            made, refused = sorted((task.result() for task in merges), key=lambda answer: answer.status)
            assert (made.status, refused.status) == (201, 409), refused.body
            assert refused.json()["code"] == "user_merged"
            assert {task.result().status for task in patches} <= {200, 409}
            stays = made.json()["userId"]
            assert refused.json()["mergedInto"] == stays
            owners = "SELECT user_id::text, count(*) FROM activity_facts WHERE user_id IN (%s, %s) GROUP BY 1"
            assert await rows(database, owners, *both_ids) == [(stays, FACTS + 2)]
            for ident in both_ids:
                for trail in (await versions(database, ident)).values():
                    assert trail == list(range(1, len(trail) + 1))

        await asyncio.gather(*map(clash, both))


@pytest.mark.skipif(not LONG, reason="long: nox -s chaos")
async def test_through_many_kills_at_any_moment_every_merge_is_whole_or_not_at_all(world: World) -> None:
    database, chance = world.database_url, random.Random(17)
    async with seen(world) as core:
        async with running_copies(world) as [copy], copy.client(*SCOPES) as client:
            both = [await twins(client, core) for _ in range(30)]
        for _ in range(6):
            async with running_copies(world) as [copy], copy.client(*SCOPES) as client:
                asked = [asyncio.create_task(one.merged_by(client)) for one in chance.sample(both, 12)]
                await asyncio.sleep(chance.uniform(0, 0.15))
                await copy.killed()
                await asyncio.gather(*asked, return_exceptions=True)
            await until(lambda: nobody_works(database), "the killed copy's transactions are over")
            for one in both:
                await is_whole(database, one)
        await rows(database, "UPDATE idempotency_keys SET lease_until = now() WHERE user_id IS NULL")
        async with running_copies(world) as [copy], copy.client(*SCOPES) as client:
            for one in both:
                assert (await one.merged_by(client)).status == 201
                assert await is_whole(database, one)
