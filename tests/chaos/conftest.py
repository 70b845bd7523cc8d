"""What the chaos runs share: a database, a broker, and the environment of every process on them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import frozen

from tests.chaos.cast import Role
from tests.chaos.scale import Scale, scale
from tests.e2e.harness.copies import World
from tests.e2e.harness.tokens import Signer
from user_cli.embedded.process import free_port
from usercore.settings import KafkaSettings


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Issues tokens that every copy believes."""
    return Signer.create(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(name="scale")
def scale_fixture() -> Scale:
    return scale()


@frozen
class Stage:
    """One deployment: its servers and topics, and the parts that processes play in it.

    Args:
        world: database, cache and keys.
        kafka: the broker.
    """

    world: World
    kafka: KafkaSettings

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.kafka.bootstrap[0]

    def topic(self, name: str) -> str:
        """Return a topic's name with the deployment's prefix."""
        return self.kafka.topic_prefix + name

    def api(self, number: int) -> tuple[Role, int]:
        """Return a copy of the API, and the port that it has for ever."""
        port = free_port()
        return Role(f"api-{number}", ("-P", "-m", "user_http"), self._environ(LISTEN_PORT=str(port))), port

    def worker(self, number: int, *, relay: bool = True) -> Role:
        """Return a stream processor."""
        environ = self._environ(RELAY_IN_STREAM=str(relay).lower())
        return Role(f"worker-{number}", ("-P", "-m", "user_stream"), environ)

    def relay(self, number: int) -> Role:
        """Return a relay by itself."""
        return Role(f"relay-{number}", ("-P", "-m", "user_cli", "relay", "run"), self._environ())

    def _environ(self, **more: str) -> Mapping[str, str]:
        ours = {
            "TOPIC_PREFIX": self.kafka.topic_prefix,
            "TOPIC_PARTITIONS": "3",
            "KAFKA_IDEMPOTENT": str(self.kafka.idempotent).lower(),
            "STREAM_LISTEN_PORT": "0",
            "STREAM_SESSION_TIMEOUT_S": "3",
            "PARKED_INTERVAL_S": "0.2",
            "DB_POOL_SIZE": "4",
            "DB_READ_POOL_SIZE": "4",
        }
        environ = self.world.environ(**(ours | more))
        # A terminal's own: who the operator of `userctl relay run` is.
        return environ | {"KAFKA_BOOTSTRAP": self.bootstrap, "USERCTL_OPERATOR": "chaos"}


@pytest.fixture
def stage(
    migrated_database_url: str, redis_url: str, kafka_settings: KafkaSettings, tmp_path: Path, signer: Signer
) -> Stage:
    """A deployment of one test's own."""
    return Stage(World(migrated_database_url, redis_url, tmp_path, signer), kafka_settings)
