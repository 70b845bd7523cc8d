"""PostgreSQL counts as memory does, and a sample tells about as much as all."""

from attrs import asdict, evolve

from tests.conditions import People
from usercore.activity.summary import DEFAULT_TIERS
from usercore.adapters.sql import SqlPorts
from usercore.wiring.memory import memory_ports

LIMITS = [least for _, least in DEFAULT_TIERS]


async def test_memory_and_postgresql_count_the_same(ports: SqlPorts) -> None:
    memory, sql = memory_ports(), evolve(memory_ports(), **asdict(ports, recurse=False))
    await People(memory, sql).move_in(40)

    counted = await sql.statistics.census(share=1, limits=LIMITS, top=3)

    assert counted == await memory.statistics.census(share=1, limits=LIMITS, top=3)
    assert counted.topics
    assert (await sql.statistics.census(share=1e-6, limits=LIMITS, top=3)).counted <= 40
