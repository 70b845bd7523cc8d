"""The AsyncAPI document: every topic, who sends what there, and how it is written. Made from the registry."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import frozen

from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.header_schemas import (
    DEAD_LETTER_HEADERS,
    published_headers,
    received_headers,
    reply_headers,
)
from usercore.codec.messages.registry import PUBLISHED, RECEIVED, REPLIES
from usercore.codec.messages.schemas import Schema, components
from usercore.codec.messages.values import MessageKind
from usercore.delivery.topics import COMPACTED, DEAD_LETTERS, KEPT

VERSION: Final = "1.0.0"
"""Of the document: it grows with the messages' own versions, by the same rules."""
BINDING: Final = "0.5.0"
_ANSWERS: Final = "replies"
_TEXT: Final = """\
The users of a platform, over Kafka: commands and queries to the service, events from others that it keeps, and the
events that it publishes.

**What is read** may be written in three ways: as plain JSON without any header, as CloudEvents 1.0 in binary mode
(headers `ce_*`), or as CloudEvents 1.0 in structured mode (`content-type: application/cloudevents+json`). Without
CloudEvents a message is known by its topic, partition and offset. A message takes effect once, however often it is
delivered; one with the id of another and other content is a dead letter. JSON is I-JSON (RFC 7493) in UTF-8, at most
64 levels deep, and read exactly: money is never a float.

**What becomes of it.** A command that is not valid or is refused is answered by `UserCommandRejected`; a query is
answered in the topic that its header `reply-to` names. An event of others about a user, an order or a payment that is
not known yet waits for a set time. What cannot be understood goes to `user-service.dead-letter`.

**What is published** is CloudEvents 1.0 in binary mode. Its key is the user's id, so that the events of one user stay
in order; an event may come more than once, with the same `ce_id`.

Names of topics are shown without the prefix that a deployment may put before all of them.
"""


@frozen
class TopicDefaults:
    """How topics are made where they are missing and nothing else is set; the settings know."""

    partitions: int
    replication: int
    retention_h: int
    max_message_bytes: int


def document(topics: TopicDefaults) -> dict[str, Any]:
    """Return the AsyncAPI document, version 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "User Service",
            "version": VERSION,
            "description": _TEXT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": _channels(topics),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


_TAGS: Final = {
    MessageKind.COMMAND: "Ask for a change.",
    MessageKind.QUERY: "Ask for an answer.",
    MessageKind.EVENT: "Tell what happened.",
    MessageKind.REPLY: "Answer a query.",
    MessageKind.STATE: "Tell how things stand.",
}


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The brokers of the deployment; with TLS and SASL where it says so.",
        "variables": {"bootstrap": {"default": "localhost:9092", "description": "Host and port of a broker."}},
    }


def _channels(topics: TopicDefaults) -> dict[str, Any]:
    channels: dict[str, Any] = {str(contract.topic): _channel(contract, topics) for contract in _in_topics()}
    channels[DEAD_LETTERS] = {
        "address": DEAD_LETTERS,
        "title": "Dead letters",
        "description": "Messages that nobody could use, with their own bytes, key and headers.",
        "messages": {"DeadLetter": _ref("messages", "DeadLetter")},
        "bindings": {"kafka": _topic(DEAD_LETTERS, topics)},
    }
    answers = dict.fromkeys(name for names in REPLIES.values() for name in names)
    channels[_ANSWERS] = {
        "address": None,
        "title": "Answers to queries",
        "description": "A topic of whoever asks. Its name must begin as the service's settings allow.",
        "messages": {f"{name}Answer": _ref("messages", f"{name}Answer") for name in answers},
    }
    return channels


def _in_topics() -> Iterable[Contract]:
    return (contract for contract in (*RECEIVED, *PUBLISHED) if contract.topic is not None)


def _channel(contract: Contract, topics: TopicDefaults) -> dict[str, Any]:
    return {
        "address": contract.topic,
        "title": contract.name,
        "description": _says(contract),
        "messages": {contract.name: _ref("messages", contract.name)},
        "bindings": {"kafka": _topic(str(contract.topic), topics)},
    }


def _topic(name: str, topics: TopicDefaults) -> dict[str, Any]:
    time_ms = -1 if name in KEPT else topics.retention_h * 3_600_000
    kept = (
        {"cleanup.policy": ["compact"]}
        if name in COMPACTED
        else {"cleanup.policy": ["delete"], "retention.ms": time_ms}
    )
    return {
        "topic": name,
        "partitions": topics.partitions,
        "replicas": topics.replication,
        "topicConfiguration": {**kept, "max.message.bytes": topics.max_message_bytes},
        "bindingVersion": BINDING,
    }


def _operations() -> dict[str, Any]:
    operations = {f"receive{contract.name}": _operation("receive", contract) for contract in RECEIVED}
    for name, answers in REPLIES.items():
        operations[f"receive{name}"]["reply"] = {
            "address": {"location": "$message.header#/reply-to", "description": "Where the answer is wanted."},
            "channel": _ref("channels", _ANSWERS, of=""),
            "messages": [{"$ref": f"#/channels/{_ANSWERS}/messages/{answer}Answer"} for answer in answers],
        }
    for contract in PUBLISHED:
        if contract.topic is not None:
            operations[f"send{contract.name}"] = _operation("send", contract)
    operations["sendDeadLetter"] = {
        "action": "send",
        "channel": _ref("channels", DEAD_LETTERS, of=""),
        "summary": "Set aside a message that nobody could use.",
        "messages": [{"$ref": f"#/channels/{DEAD_LETTERS}/messages/DeadLetter"}],
    }
    return operations


def _operation(action: str, contract: Contract) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _ref("channels", str(contract.topic), of=""),
        "summary": _says(contract),
        "tags": [{"name": contract.kind.value}],
        "messages": [{"$ref": f"#/channels/{contract.topic}/messages/{contract.name}"}],
    }


def _messages() -> dict[str, Any]:
    messages = {contract.name: _message(contract, received_headers(contract)) for contract in RECEIVED}
    for contract in PUBLISHED:
        if contract.topic is not None:
            messages[contract.name] = _message(contract, published_headers(contract))
    answers = {contract.name: contract for contract in PUBLISHED}
    for query, names in REPLIES.items():
        for name in names:
            messages[f"{name}Answer"] = _answer(answers[name], query)
    messages["DeadLetter"] = {
        "name": "DeadLetter",
        "title": "DeadLetter",
        "summary": "A message that nobody could use. A password that it held is taken out.",
        "contentType": "application/octet-stream",
        "headers": DEAD_LETTER_HEADERS,
        "payload": {"description": "The bytes of the message, whatever they are."},
    }
    return messages


def _message(contract: Contract, headers: Schema) -> dict[str, Any]:
    return {
        "name": contract.name,
        "title": contract.name,
        "summary": _says(contract),
        "contentType": "application/json",
        "tags": [{"name": contract.kind.value}],
        "headers": headers,
        "payload": _ref("schemas", contract.name),
        "bindings": {"kafka": {"key": _key(contract), "bindingVersion": BINDING}},
        "examples": [{"name": contract.name, "payload": contract.example}],
    }


def _answer(contract: Contract, query: str) -> dict[str, Any]:
    problem = contract.name == "Problem"
    return {
        "name": contract.name,
        "title": contract.name,
        "summary": "Why a query is not answered." if problem else f"The answer to {query}.",
        "contentType": "application/problem+json" if problem else "application/json",
        "tags": [{"name": MessageKind.REPLY.value}],
        "headers": reply_headers(contract),
        "correlationId": {"location": "$message.header#/correlation-id"},
        "payload": _ref("schemas", contract.name),
        "bindings": {
            "kafka": {"key": {"type": "string", "description": "The query's key."}, "bindingVersion": BINDING}
        },
        "examples": [{"name": contract.name, "payload": contract.example}],
    }


def _key(contract: Contract) -> Mapping[str, Any]:
    if contract in RECEIVED:
        meant = "What keeps messages in order; of a command the user's id, and never another's."
    elif contract.name == "UserCommandRejected":
        meant = "The id of the user whom the command named, or else the command's own."
    elif contract.topic in KEPT:
        meant = "The same for all of them, so that they stay in order."
    else:
        meant = "The user's id."
    return {"type": "string", "description": meant}


def _schemas() -> dict[str, Any]:
    return components((*RECEIVED, *PUBLISHED), "#/components/schemas/{name}")


def _says(contract: Contract) -> str:
    return " ".join((contract.shape.__doc__ or "").split())


def _ref(kind: str, name: str, *, of: str = "components/") -> dict[str, str]:
    return {"$ref": f"#/{of}{kind}/{name}"}
