"""Promise 1: no event is lost, and each user's stay in order, through kills of everything."""

import asyncio
import random
from functools import partial
from typing import Final

import pytest

from tests.chaos import records
from tests.chaos.cast import playing
from tests.chaos.checks import faults
from tests.chaos.conftest import Stage
from tests.chaos.scale import Scale
from tests.chaos.writers import Writer
from tests.e2e.harness.copies import ALL_SCOPES, is_ready
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Client

pytestmark = pytest.mark.apache

WRITERS: Final = 16
_RARELY: Final = 0.01

# Commits take a while, and now and then one fails at its very end.
_UNSTEADY: Final = f"""
CREATE FUNCTION unsteady() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(random() * 0.005);
    IF random() < {_RARELY} THEN
        RAISE EXCEPTION 'rolled back' USING ERRCODE = 'query_canceled';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER unsteady AFTER INSERT OR UPDATE ON users
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION unsteady();
"""


async def test_no_event_is_lost_or_out_of_order_through_kills_of_publishers_workers_and_copies(
    stage: Stage, scale: Scale
) -> None:
    rng = random.Random(20_261_124)
    await rows(stage.world.database_url, _UNSTEADY)
    copies = [stage.api(1), stage.api(2)]
    roles = [role for role, _ in copies] + [stage.relay(1), stage.relay(2), stage.worker(1)]
    async with asyncio.timeout(scale.deadline_s), playing(roles, stage.world.folder) as cast:
        for _, port in copies:
            await until(partial(is_ready, port), "a copy is ready", 60.0)
        clients = [_client(stage, port) for _, port in copies]
        writers = [Writer(clients, random.Random(rng.random())) for _ in range(WRITERS)]
        chaos = asyncio.create_task(cast.suffer(scale.kills, rng, every_s=1.0))

        def enough() -> bool:
            return chaos.done() and sum(len(writer.acknowledged) for writer in writers) >= scale.events

        await asyncio.gather(chaos, *(writer.write(enough) for writer in writers))
        for client in clients:
            await client.__aexit__(None, None, None)
        await until(lambda: _all_published(stage), "every event is published", 120.0)

    assert cast.kills == scale.kills
    acknowledged = [one for writer in writers for one in writer.acknowledged]
    assert len(acknowledged) >= scale.events
    assert faults(await records.written(stage), await records.published(stage), acknowledged) == []
    assert await records.latest_profiles(stage) == await records.current_versions(stage)


def _client(stage: Stage, port: int) -> Client:
    return Client(port, stage.world.signer.token(*ALL_SCOPES))


async def _all_published(stage: Stage) -> bool:
    return await records.pending(stage) == 0
