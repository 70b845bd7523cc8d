"""The AsyncAPI document says where messages go and what stands in their headers, and that is what happens."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import IDS, NOW
from tests.letters import a_letter, a_message
from tests.messages import is_valid, read, record
from tests.strategies import actors, lines
from usercore.adapters.kafka import dead_letters as kafka_dead_letters
from usercore.adapters.kafka import publisher
from usercore.codec.events import event_headers
from usercore.codec.messages.header_schemas import DEAD_LETTER_HEADERS, published_headers, received_headers
from usercore.codec.messages.registry import BY_NAME, PUBLISHED, RECEIVED, REPLIES
from usercore.codec.rejections import rejection_message
from usercore.delivery import topics
from usercore.delivery.ports import OutboxMessage, ProfileState
from usercore.kernel.context import CommandContext
from usercore.kernel.inbox import MessageId, Receipt
from usercore.messaging.values import RejectedCommand

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[4] / "api-docs" / "asyncapi.yaml").read_text(encoding="utf-8")
)
SOURCE = ("ce_source", b"/user-service")


def said(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    listed = list(headers)
    found = {name: value.decode() for name, value in listed}
    assert len(found) == len(listed)
    return found


def test_every_topic_is_a_channel_and_no_other_is() -> None:
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    assert addresses == {*topics.OURS, None}


def test_every_message_is_received_or_sent() -> None:
    operations = DOCUMENT["operations"]
    received = {f"receive{contract.name}" for contract in RECEIVED}
    sent = {f"send{contract.name}" for contract in PUBLISHED if contract.topic} | {"sendDeadLetter"}

    assert set(operations) == received | sent
    assert {name for name, one in operations.items() if "reply" in one} == {f"receive{query}" for query in REPLIES}


def test_the_compacted_topic_is_said_to_be_compacted() -> None:
    kept = {
        name: channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        for name, channel in DOCUMENT["channels"].items()
        if channel["address"]
    }
    assert {name for name, policy in kept.items() if policy == ["compact"]} == set(topics.COMPACTED)


def test_no_host_of_anybody_is_named() -> None:
    assert [server["host"] for server in DOCUMENT["servers"].values()] == ["{bootstrap}"]


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_every_example_satisfies_the_documents_own_schema(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    whole = {"components": DOCUMENT["components"], **message["payload"]}

    for example in message.get("examples", ()):
        assert is_valid(whole, example["payload"])
        assert not is_valid(whole, ["no message of ours is a list"])


def contexts() -> st.SearchStrategy[CommandContext]:
    trace = st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    return st.builds(CommandContext, actors(), lines(60), st.none() | lines(60), st.none() | trace)


@given(contexts(), st.integers(1, 10**9))
@pytest.mark.parametrize("name", [contract.name for contract in PUBLISHED if contract.topic in topics.PUBLISHED])
def test_events_have_the_headers_that_are_described(name: str, context: CommandContext, version: int) -> None:
    if name == "UserCommandRejected":
        receipt = Receipt(MessageId("create-user", "/shop", "c-1"), b"")
        command = RejectedCommand(IDS.event_id(), "CreateUser", receipt, {}, None, context, NOW)
        message = rejection_message(command, position=1)
    else:
        message = OutboxMessage(
            position=1,
            event_id=IDS.event_id(),
            message=name,
            user_id=IDS.user_id(),
            sequence=version,
            occurred_at=NOW,
            payload=b"{}",
            headers=event_headers(context),
            topic=BY_NAME[name].topic or "",
        )
    assert is_valid(published_headers(BY_NAME[name]), said(publisher._event(message, SOURCE).headers))


@pytest.mark.parametrize("body", [b"{}", None])
def test_states_have_the_headers_that_are_described(body: bytes | None) -> None:
    state = ProfileState(user_id=IDS.user_id(), version=3, body=body)
    schema = published_headers(BY_NAME["UserProfile"])

    assert is_valid(schema, said(publisher._profile(state, SOURCE).headers))
    assert not is_valid(schema, {})


def test_dead_letters_have_the_headers_that_are_described() -> None:
    found = said(kafka_dead_letters._headers(a_letter(a_message())))

    assert is_valid(DEAD_LETTER_HEADERS, found)
    assert found.keys() <= DEAD_LETTER_HEADERS["properties"].keys()


@pytest.mark.parametrize("contract", RECEIVED, ids=lambda contract: contract.name)
def test_headers_as_described_are_read(contract: Any) -> None:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "1",
        "ce_source": "/shop",
        "ce_type": f"com.example.{contract.name}.v1",
        "ce_time": "2026-03-01T12:00:00Z",
        "ce_dataschema": received_headers(contract)["properties"]["ce_dataschema"]["examples"][0],
        "ce_actor": "OPERATOR:ada",
        "ce_correlationid": "c",
        "content-type": "application/json",
        "reply-to": "reply-shop",
    }
    assert is_valid(received_headers(contract), headers)

    raw = record(contract.topic, dict(contract.example), *((name, value.encode()) for name, value in headers.items()))
    assert read(raw).version == contract.version
