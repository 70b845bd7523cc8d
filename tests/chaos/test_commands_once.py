"""Promise 2: each command and each fact takes effect once, through kills and rebalances, as if one after another."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from typing import Any, Final

import pytest

from tests.chaos import broker, records
from tests.chaos.cast import playing
from tests.chaos.commands import Expected, Plan, deliveries, plan_for
from tests.chaos.conftest import Stage
from tests.chaos.scale import Scale
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until
from tests.kafka.topics import read_topic
from usercore import Actor, ActorKind, CommandContext, CreateUserCommand, ProfilePatch
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.settings import CoreSettings, load
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

pytestmark = pytest.mark.apache

USERS: Final = 100
_CONTEXT: Final = CommandContext(Actor(ActorKind.OPERATOR, "chaos"), correlation_id="chaos")


async def test_commands_and_facts_come_to_what_a_sequential_model_says(stage: Stage, scale: Scale) -> None:
    rng = random.Random(20_261_125)
    await broker.make_topics(stage)
    async with open_core(load(CoreSettings, stage.world.environ())) as service:
        core = service.core
        plan = plan_for(await _users(core), scale.commands, rng)
        workers = [stage.worker(number) for number in range(1, 4)]
        async with asyncio.timeout(scale.deadline_s), playing(workers, stage.world.folder) as cast:
            half = scale.command_kills // 2
            sending = broker.send(stage, deliveries(plan.messages, rng))
            await asyncio.gather(
                sending, cast.suffer(scale.command_kills, rng, every_s=2.0), cast.come_and_go(half, rng, every_s=4.0)
            )
            await until(lambda: _at_rest(stage), "all is consumed, applied and published", scale.deadline_s)
        # Asked to leave before it listens for that, a process ends by the signal; after its last retry it gives up.
        ends = {0, -signal.SIGTERM, os.EX_TEMPFAIL}
        assert {status for player in cast.players for status in player.ended_by_itself} <= ends
        assert await _users_as_they_are(stage) == _users_as_they_should_be(plan)
        assert await _rejected(stage) == Counter(plan.rejected)
        for user_id, expected in plan.users.items():
            assert await _activity(core, user_id) == _activity_of(expected), user_id


async def _users(core: Core) -> list[str]:
    commands = [
        CreateUserCommand(ProfilePatch(email=f"old{number}@mail.example", first_name="Before", last_name="Hopper"))
        for number in range(USERS)
    ]
    users = []
    for outcome in await core.create_user.many(commands, [_CONTEXT] * USERS):
        assert not isinstance(outcome, UserCoreError)
        users.append(str(outcome.id))
    return users


async def _at_rest(stage: Stage) -> bool:
    [(parked,)] = await rows(stage.world.database_url, "SELECT count(*) FROM parked_messages")
    return parked == 0 and await records.pending(stage) == 0 and await broker.all_consumed(stage)


async def _users_as_they_are(stage: Stage) -> dict[str, tuple[str, int, str]]:
    """Each user by id, or by email where a command created it: first name, version and state."""
    query = "SELECT id::text, email, first_name, version, state FROM users"
    found = {}
    for user_id, email, *rest in await rows(stage.world.database_url, query):
        found[email if email.startswith("newcomer") else user_id] = tuple(rest)
    return found


def _users_as_they_should_be(plan: Plan) -> dict[str, tuple[str, int, str]]:
    everybody = {**plan.users, **plan.newcomers}
    return {name: (one.first_name, one.version, one.state) for name, one in everybody.items()}


async def _rejected(stage: Stage) -> Counter[str]:
    """How often each command was answered, repeated events dropped."""
    records = await read_topic(stage.bootstrap, stage.topic("user-command-rejected"))
    answers = {dict(record.headers)["ce_id"]: json.loads(record.value)["commandId"] for record in records}
    return Counter(answers.values())


async def _activity(core: Core, user_id: str) -> dict[str, Any]:
    summary = (await core.read_activity(UserId(user_id))).summary
    return {
        "orders": summary.orders.count,
        "totals": {one.currency: one.value for one in summary.orders.totals},
        "failures": summary.payments.failures,
        "recovered": summary.payments.recovered,
        "points": summary.loyalty.lifetime,
    }


def _activity_of(expected: Expected) -> dict[str, Any]:
    return {
        "orders": expected.orders,
        "totals": dict(expected.totals),
        "failures": expected.failures,
        "recovered": expected.recovered,
        "points": expected.points,
    }
