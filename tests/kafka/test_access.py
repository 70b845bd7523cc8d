"""Who we are to the brokers: let in with the right password, told so when refused, by both mechanisms."""

import json
from pathlib import Path

import pytest
from attrs import evolve

from tests.kafka.topics import make_topic, read_topic
from tests.stream.harness.people import new_user
from tests.stream.harness.wire import open_wire
from tests.stream.harness.world import Worker, World, running_worker
from tools.apache_kafka import SERVICE, STRANGER, ApacheKafka
from usercore.adapters.kafka.producer import open_producer
from usercore.kernel.secret import Secret
from usercore.messaging.errors import BrokerDeniedError
from usercore.settings import KafkaSettings, SaslMechanism, SecurityProtocol

pytestmark = [
    pytest.mark.apache,
    pytest.mark.parametrize("mechanism", [SaslMechanism.PLAIN, SaslMechanism.SCRAM_SHA_512]),
]


def settings_of(node: ApacheKafka, mechanism: SaslMechanism, principal: tuple[str, str]) -> KafkaSettings:
    name, password = principal
    return KafkaSettings(
        bootstrap=(node.sasl_bootstrap,),
        security=SecurityProtocol.SASL_PLAINTEXT,
        sasl_mechanism=mechanism,
        sasl_username=name,
        sasl_password=Secret(password),
    )


async def publish(settings: KafkaSettings, topic: str) -> None:
    async with open_producer(settings) as producer:
        await producer.send(topic, key=b"key", value=b"value", headers=[])


async def test_with_the_right_password_messages_arrive(guarded_kafka: ApacheKafka, mechanism: SaslMechanism) -> None:
    topic = f"let-in-{mechanism}"
    await make_topic(guarded_kafka.bootstrap, topic)
    await publish(settings_of(guarded_kafka, mechanism, SERVICE), topic)
    assert [record.value for record in await read_topic(guarded_kafka.bootstrap, topic)] == [b"value"]


async def test_a_wrong_password_is_refused_at_the_door_and_not_shown(
    guarded_kafka: ApacheKafka, mechanism: SaslMechanism, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BrokerDeniedError, match="the brokers do not let us in: SaslAuthenticationFailed") as refused:
        await publish(settings_of(guarded_kafka, mechanism, (SERVICE[0], "wr0ng-password")), "anything")
    assert "wr0ng-password" not in repr(refused.value) + caplog.text


async def test_a_principal_without_rights_is_refused(guarded_kafka: ApacheKafka, mechanism: SaslMechanism) -> None:
    topic = f"closed-{mechanism}"
    await make_topic(guarded_kafka.bootstrap, topic)
    with pytest.raises(BrokerDeniedError, match=r"the brokers do not let us \(topic closed-.*AuthorizationFailed"):
        await publish(settings_of(guarded_kafka, mechanism, STRANGER), topic)
    assert await read_topic(guarded_kafka.bootstrap, topic) == []


def stream_settings(mechanism: SaslMechanism, principal: tuple[str, str]) -> dict[str, str]:
    name, password = principal
    return {
        "KAFKA_SECURITY": "sasl_plaintext",
        "KAFKA_SASL_MECHANISM": str(mechanism),
        "KAFKA_SASL_USERNAME": name,
        "KAFKA_SASL_PASSWORD": password,
    }


async def test_a_stream_processor_consumes_and_publishes_as_who_it_is(
    guarded_kafka: ApacheKafka, mechanism: SaslMechanism, migrated_database_url: str, tmp_path: Path
) -> None:
    inside = World(migrated_database_url, guarded_kafka.sasl_bootstrap, tmp_path)
    outside = evolve(inside, bootstrap=guarded_kafka.bootstrap)
    async with running_worker(inside, **stream_settings(mechanism, SERVICE)), open_wire(outside) as wire:
        await wire.send("create-user", new_user(email="grace@mail.example"))
        (created,) = await wire.until_records("user-created", 1)
    assert json.loads(created.value)["email"] == "grace@mail.example"


@pytest.mark.parametrize(
    ("principal", "detail"),
    [
        pytest.param(
            (SERVICE[0], "wr0ng-password"),
            "the brokers do not let us in: SaslAuthenticationFailed",
            id="wrong password",
        ),
        pytest.param(STRANGER, "the brokers do not let us make topics: ", id="no rights"),
    ],
)
async def test_a_stream_processor_that_is_refused_says_so_and_leaves(
    guarded_kafka: ApacheKafka,
    mechanism: SaslMechanism,
    principal: tuple[str, str],
    detail: str,
    migrated_database_url: str,
    tmp_path: Path,
) -> None:
    world = World(migrated_database_url, guarded_kafka.sasl_bootstrap, tmp_path)
    worker = Worker.start(world, **stream_settings(mechanism, principal))
    try:
        assert await worker.ended() == 75
    finally:
        await worker.process.stop()
    log = worker.log.read_text(encoding="utf-8")
    last = json.loads(log.splitlines()[-1])
    assert (last["event"], last["code"]) == ("stream processor failed", "broker_denied")
    assert detail in last["detail"]
    assert principal[1] not in log
