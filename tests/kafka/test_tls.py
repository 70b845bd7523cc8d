"""TLS: connections that trust an authority of one's own, show a certificate, and do not talk to strangers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from tests.kafka.certificates import Authority
from tests.stream.harness.people import new_user
from tests.stream.harness.wire import open_wire
from tests.stream.harness.world import World, running_worker
from tools.apache_kafka import SERVICE, ApacheKafka, apache_kafka
from usercore.messaging.errors import BrokerDeniedError
from usercore.settings import KafkaSettings, TopicSettings, load
from usercore.wiring.messaging import ensure_topics

pytestmark = pytest.mark.apache

NAME, PASSWORD = SERVICE


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    Authority.named("tests").write(folder, {"node": "node", "client": NAME})
    (folder / "stranger").mkdir()
    Authority.named("strangers").write(folder / "stranger", {"client": NAME})
    return folder


@pytest.fixture(scope="module")
def tls_kafka(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    with asyncio.Runner() as runner:
        node = apache_kafka(tmp_path_factory.mktemp("tls"), sasl=True, tls=certificates)
        yield runner.run(node.__aenter__())
        runner.run(node.__aexit__(None, None, None))


def by_certificate(certificates: Path) -> dict[str, str]:
    return {
        "KAFKA_SECURITY": "ssl",
        "KAFKA_TLS_CA_FILE": str(certificates / "ca.pem"),
        "KAFKA_TLS_CERTIFICATE_FILE": str(certificates / "client.pem"),
        "KAFKA_TLS_KEY_FILE": str(certificates / "client.key"),
    }


def by_password(certificates: Path) -> dict[str, str]:
    return {
        "KAFKA_SECURITY": "sasl_ssl",
        "KAFKA_TLS_CA_FILE": str(certificates / "ca.pem"),
        "KAFKA_SASL_USERNAME": NAME,
        "KAFKA_SASL_PASSWORD": PASSWORD,
    }


@pytest.mark.parametrize("listener", ["SSL", "SASL_SSL"])
async def test_a_stream_processor_consumes_and_publishes_over_tls(
    tls_kafka: ApacheKafka, certificates: Path, listener: str, migrated_database_url: str, tmp_path: Path
) -> None:
    world = World(migrated_database_url, tls_kafka.listeners[listener], tmp_path)
    settings = by_certificate(certificates) if listener == "SSL" else by_password(certificates)
    async with running_worker(world, **settings), open_wire(evolve(world, bootstrap=tls_kafka.bootstrap)) as wire:
        await wire.send("create-user", new_user())
        await wire.until_records("user-created", 1)


async def looked_for(world: World, settings: dict[str, str]) -> None:
    """Ask for a topic, as everything of ours does first."""
    kafka = load(KafkaSettings, world.environ(**settings))
    await ensure_topics(kafka, TopicSettings(partitions=1), ["anything"])


async def test_brokers_whose_certificate_is_not_trusted_are_not_spoken_to(
    tls_kafka: ApacheKafka, certificates: Path, tmp_path: Path
) -> None:
    world = World("", tls_kafka.listeners["SASL_SSL"], tmp_path)
    strange = by_password(certificates / "stranger")
    with pytest.raises(BrokerDeniedError, match=r"the certificate of 127\.0\.0\.1:[0-9]+ is not one that we trust"):
        await looked_for(world, strange)
    # The system's authorities know nothing of it either.
    with pytest.raises(BrokerDeniedError, match="is not one that we trust"):
        await looked_for(world, {name: value for name, value in strange.items() if name != "KAFKA_TLS_CA_FILE"})


async def test_a_certificate_that_the_brokers_do_not_trust_is_refused(
    tls_kafka: ApacheKafka, certificates: Path, tmp_path: Path
) -> None:
    world = World("", tls_kafka.listeners["SSL"], tmp_path)
    strange = by_certificate(certificates / "stranger") | {"KAFKA_TLS_CA_FILE": str(certificates / "ca.pem")}
    with pytest.raises(BrokerDeniedError, match="the brokers do not accept our certificate: "):
        await looked_for(world, strange)
