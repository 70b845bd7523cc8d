"""Who we are to the brokers: let in with the right password, told so when refused, by both mechanisms."""

import pytest

from tests.kafka.topics import make_topic, read_topic
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
        bootstrap=(str(node.sasl_bootstrap),),
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
