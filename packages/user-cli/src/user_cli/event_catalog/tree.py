"""The files of the catalogue: the service, its domain and owners, its messages and their topics."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from user_cli.event_catalog.messages import Channel, Document, Message, channels_of, messages_of
from user_cli.event_catalog.texts import json_text, page, prose, yaml_text
from usercore.codec.messages.values import MessageKind

__all__ = ["DOMAIN", "SERVICE", "TEAM", "Choice", "catalog_files"]

SERVICE: Final = "UserService"
DOMAIN: Final = "Users"
TEAM: Final = "user-service"
ASYNCAPI: Final = "asyncapi.yaml"
OPENAPI: Final = "openapi.yaml"

_SERVICE_AT: Final = f"services/{SERVICE}"
_SUMMARY: Final = "The one place where a company keeps who its customers are: profiles, preferences and consents."
_ANSWER: Final = "The answer goes to the topic that the header `reply-to` names, with the query's `correlation-id`."
_GRAPH: Final = "<NodeGraph />"
_BADGES: Final = {MessageKind.STATE: "purple", MessageKind.REPLY: "gray"}
"""Of the sorts that EventCatalog does not know, and shows as events."""


@frozen
class Choice:
    """What is to be written.

    Args:
        version: of the service.
        owner: id of the team or person that owns what is ours; None has a page made for a team.
        own: leave out what belongs to others, or to a whole company: the domain, and events of other services.
    """

    version: str
    owner: str | None = None
    own: bool = False

    @property
    def owners(self) -> list[str]:
        """Who owns what is ours."""
        return [self.owner or TEAM]


def catalog_files(document: Document, openapi: bytes, choice: Choice) -> dict[str, bytes]:
    """Return the content of each file, by its path in the catalogue.

    Args:
        document: the AsyncAPI document.
        openapi: the OpenAPI document, in YAML.
        choice: what is to be written.
    """
    messages = [one for one in messages_of(document) if not (choice.own and one.foreign)]
    used = {way.channel for message in messages for way in message.ways}
    files = {
        f"{_SERVICE_AT}/index.mdx": _service(document, choice),
        f"{_SERVICE_AT}/{ASYNCAPI}": yaml_text(document).encode(),
        f"{_SERVICE_AT}/{OPENAPI}": openapi,
    }
    if not choice.own:
        files[f"domains/{DOMAIN}/index.mdx"] = _domain(choice)
    if choice.owner is None:
        files[f"teams/{TEAM}.mdx"] = _team()
    for channel in channels_of(document):
        if channel.id in used:
            files[f"channels/{channel.id}/index.mdx"] = _channel(channel, str(document["info"]["version"]), choice)
    for message in messages:
        files |= dict(_message_files(message, choice))
    return files


def _service(document: Document, choice: Choice) -> bytes:
    messages = messages_of(document)
    front = {
        "id": SERVICE,
        "name": document["info"]["title"],
        "version": choice.version,
        "summary": _SUMMARY,
        "owners": choice.owners,
        "receives": [_pointer(one, "from", choice) for one in messages if one.received],
        "sends": [_pointer(one, "to", choice) for one in messages if not one.received],
        "specifications": [
            {"type": "openapi", "path": OPENAPI, "name": "HTTP"},
            {"type": "asyncapi", "path": ASYNCAPI, "name": "Kafka"},
        ],
    }
    table = '<MessageTable format="all" limit={20} showChannels={true} />'
    return page(front, prose(document["info"]["description"]), _GRAPH, "## Messages", table)


def _pointer(message: Message, way: str, choice: Choice) -> dict[str, Any]:
    """Return how the service names a message that it sends or receives, and the topics of it."""
    # Whoever publishes an event says which versions there are, where their own pages tell of it.
    version = None if choice.own and message.foreign else message.version
    pointer: dict[str, Any] = {"id": message.name} | ({} if version is None else {"version": version})
    return pointer | {way: [{"id": one.channel} for one in message.ways]}


def _domain(choice: Choice) -> bytes:
    front = {
        "id": DOMAIN,
        "name": DOMAIN,
        "version": choice.version,
        "summary": "Who the customers are, what they want, and what they have allowed.",
        "owners": choice.owners,
        "services": [{"id": SERVICE, "version": choice.version}],
    }
    return page(front, f"[[service|{SERVICE}]] keeps them.", _GRAPH)


def _team() -> bytes:
    front = {"id": TEAM, "name": "User Service", "summary": "Whoever runs the User Service."}
    return page(front, f"Owns [[service|{SERVICE}]] and what it publishes.")


def _channel(channel: Channel, version: str, choice: Choice) -> bytes:
    front = {
        "id": channel.id,
        "name": channel.about["title"],
        "version": version,
        "summary": channel.about["description"],
        "owners": choice.owners,
        "address": channel.about["address"],
        "protocols": ["kafka"],
        "deliveryGuarantee": "at-least-once",
    }
    return page(front, prose(channel.about["description"]), _kept(channel), "<ChannelInformation />", _GRAPH)


def _kept(channel: Channel) -> str:
    """Return how long messages stay in a topic."""
    if channel.about["address"] is None:
        return ""
    configuration = channel.about["bindings"]["kafka"]["topicConfiguration"]
    if configuration["cleanup.policy"] == ["compact"]:
        return "The topic is compacted: the last message of each key stays."
    if configuration["retention.ms"] < 0:
        return "Every message stays, without a limit."
    return "Messages stay for a limited time, which the deployment sets. It may put a prefix before the topic's name."


def _message_files(message: Message, choice: Choice) -> Iterator[tuple[str, bytes]]:
    place = f"{message.collection}/{message.name}"
    folder = place if message.foreign else f"{_SERVICE_AT}/{place}"
    files = _schema_files(message)
    yield f"{folder}/index.mdx", _message(message, files, choice)
    for name, content in files.items():
        yield f"{folder}/{name}", json_text(content).encode()
    for number, example in enumerate(message.examples, start=1):
        yield f"{folder}/examples/{message.name}-{number}.json", json_text(example).encode()


def _schema_files(message: Message) -> dict[str, Any]:
    """Return the schemas of a message by their files: of its payload, and of its headers on each way."""
    files: dict[str, Any] = {} if message.schema is None else {"schema.json": message.schema}
    for way in message.ways:
        headers = dict(way.about["headers"])
        name = "headers.json" if way is message.ways[0] else f"headers-{way.channel}.json"
        files[name] = {"title": f"Headers in {way.channel}", **headers}
    return files


def _message(message: Message, files: Mapping[str, Any], choice: Choice) -> bytes:
    colour = _BADGES.get(message.kind)
    badge = {"content": message.kind.value.capitalize(), "backgroundColor": colour, "textColor": colour}
    front = {
        "id": message.name,
        "name": message.name,
        "version": message.version,
        "summary": message.summary,
        # Whose an event of others is, its publishers' own pages say.
        "owners": None if message.foreign else choice.owners,
        "badges": [] if colour is None else [badge],
        "schemaPath": None if message.schema is None else "schema.json",
        "schemas": [{"file": name, "name": _titled(name, files)} for name in files],
    }
    return page(front, prose(message.summary), _GRAPH, _told(message), *_viewers(files), *_examples(message))


def _titled(name: str, files: Mapping[str, Any]) -> str:
    return "Payload" if name == "schema.json" else str(files[name]["title"])


def _told(message: Message) -> str:
    """Return the list of what holds of a message beside its fields."""
    lines = [f"Topic: {', '.join(f'[[channel|{way.channel}]]' for way in message.ways)}"]
    lines.append(f"Content type: `{message.ways[0].about['contentType']}`")
    key = message.ways[0].about.get("bindings", {}).get("kafka", {}).get("key")
    lines += [] if key is None else [f"Key: {prose(key['description'])}"]
    if message.closed is not None:
        lines.append("Unknown fields are refused" if message.closed else "Unknown fields are left alone")
    if message.answers:
        lines.append(f"Answered by {' or '.join(f'[[event|{name}]]' for name in message.answers)}. {_ANSWER}")
    if message.answered:
        lines.append(f"Answers {' and '.join(f'[[query|{name}]]' for name in message.answered)}. {_ANSWER}")
    return "\n".join(f"- {line}" for line in lines)


def _viewers(files: Mapping[str, Any]) -> Iterator[str]:
    for name in files:
        yield f"## {_titled(name, files)}"
        yield f'<SchemaViewer file="{name}" maxHeight="500" />'


def _examples(message: Message) -> Iterator[str]:
    for number, example in enumerate(message.examples):
        yield "## Example" if number == 0 else ""
        yield f"```json\n{json_text(example)}```"
