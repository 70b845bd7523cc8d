"""userctl on a database of its own, with its tables; and without any database."""

import asyncio
import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from tests.cli.userctl import Userctl, plain_environ
from tests.databases import fresh_database
from tests.keys import MASTER_KEYS_SETTING
from usercore.adapters.kafka.topics import KafkaTopics
from usercore.delivery.topics import OURS
from usercore.settings import KafkaSettings, TopicSettings


@pytest.fixture(scope="session")
def zygote() -> Iterator["subprocess.Popen[str]"]:
    """A process that has imported userctl and forks for each command."""
    command = [sys.executable, "-m", "tests.cli.zygote"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture(scope="module")
def userctl(
    zygote: "subprocess.Popen[str]", postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Userctl]:
    """userctl on PostgreSQL and a Redis-protocol server, its tables up to date; one database for each module."""
    folder = tmp_path_factory.mktemp("userctl")
    with fresh_database(postgres_url) as url:
        environ = plain_environ() | {
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
            "USER_SERVICE_CACHE_KEY": base64.b64encode(bytes(32)).decode(),
            "USER_SERVICE_CACHE_NAMESPACE": url.rpartition("/")[2],
        }
        ready = Userctl(environ, folder, zygote)
        assert ready("db", "upgrade").code == 0
        yield ready


@pytest.fixture
def alone(zygote: "subprocess.Popen[str]", tmp_path: Path) -> Userctl:
    """userctl with no settings at all."""
    return Userctl(plain_environ(), tmp_path, zygote)


@pytest.fixture
def messaging(userctl: Userctl, kafka_settings: KafkaSettings) -> Userctl:
    """userctl with a broker, and topics of this test's own, which are all there."""
    environ = {
        "KAFKA_BOOTSTRAP": ",".join(kafka_settings.bootstrap),
        "USER_SERVICE_KAFKA_IDEMPOTENT": str(kafka_settings.idempotent).lower(),
        "USER_SERVICE_TOPIC_PREFIX": kafka_settings.topic_prefix,
        "USER_SERVICE_TOPIC_PARTITIONS": "2",
        "USER_SERVICE_LOG_LEVEL": "error",
    }
    asyncio.run(KafkaTopics(kafka_settings, TopicSettings(partitions=2)).ensure(OURS))
    return evolve(userctl, environ=dict(userctl.environ) | environ)
