"""The rights that docs/kafka.md lists are enough for everything that a stream processor does."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from tests.stream.harness.people import new_user
from tests.stream.harness.wire import open_wire
from tests.stream.harness.world import World, running_worker
from tools.apache_kafka import STRANGER, ApacheKafka, fetch
from usercore.delivery.topics import AUDIT_CHECKPOINTS, DEAD_LETTERS, PROFILES, PUBLISHED, RECEIVED

pytestmark = pytest.mark.apache

NAME, PASSWORD = STRANGER
PREFIXED = ("--resource-pattern-type", "prefixed")


async def allow(node: ApacheKafka, operation: str, *resources: str) -> None:
    """Give the stranger a right, with Kafka's own tool."""
    java = shutil.which("java")
    assert java is not None
    command = (java, "-cp", f"{fetch()}/*", "kafka.admin.AclCommand", "--bootstrap-server", node.bootstrap, "--add")
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--allow-principal", f"User:{NAME}", "--operation", operation, *resources),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def topics(world: World, names: Sequence[str]) -> list[str]:
    return [argument for name in names for argument in ("--topic", world.prefix + name)]


async def test_they_are(guarded_kafka: ApacheKafka, migrated_database_url: str, tmp_path: Path) -> None:
    world = World(migrated_database_url, guarded_kafka.sasl_bootstrap, tmp_path)
    await asyncio.gather(
        allow(guarded_kafka, "Read", *topics(world, RECEIVED), "--group", world.group),
        allow(guarded_kafka, "Write", *topics(world, (*PUBLISHED, PROFILES, DEAD_LETTERS, AUDIT_CHECKPOINTS))),
        allow(guarded_kafka, "Write", "--topic", world.prefix + "reply-", *PREFIXED),
        allow(guarded_kafka, "Create", "--topic", world.prefix, *PREFIXED),
    )
    who = {"KAFKA_SECURITY": "sasl_plaintext", "KAFKA_SASL_USERNAME": NAME, "KAFKA_SASL_PASSWORD": PASSWORD}
    outside = evolve(world, bootstrap=guarded_kafka.bootstrap)
    async with running_worker(world, **who), open_wire(outside) as wire:
        await wire.make("reply-here")
        await wire.send("create-user", new_user())
        await wire.send("create-user", b"nonsense")
        await wire.send("update-user", {"userId": "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"})
        reply_to = [("reply-to", f"{world.prefix}reply-here".encode())]
        await wire.send("get-user", {"email": "nobody@mail.example"}, headers=reply_to)
        await wire.until_done()
        for topic in ("user-created", PROFILES, DEAD_LETTERS, "user-command-rejected", "reply-here"):
            await wire.until_records(topic, 1)
