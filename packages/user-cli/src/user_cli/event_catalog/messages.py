"""What is told of each message: what the AsyncAPI document says of it, with version and schema from the registry."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from usercore.codec.messages.contracts import FIRST
from usercore.codec.messages.registry import BY_NAME, RECEIVED, REPLIES
from usercore.codec.messages.schemas import Schema, schema_of
from usercore.codec.messages.values import MessageKind

__all__ = ["Channel", "Message", "Way", "channels_of", "messages_of"]

_COLLECTIONS: Final = {MessageKind.COMMAND: "commands", MessageKind.QUERY: "queries"}
_RECEIVED: Final = {contract.name for contract in RECEIVED}

Document = Mapping[str, Any]


@frozen
class Channel:
    """A topic of the document.

    Args:
        id: in the catalogue, where other services have channels too.
        about: what the document says of it.
    """

    id: str
    about: Mapping[str, Any]


@frozen
class Way:
    """A channel on which a message travels, and how it is written there.

    Args:
        channel: its id.
        about: what the document says of the message there.
    """

    channel: str
    about: Mapping[str, Any]


@frozen
class Message:
    """A message of the catalogue.

    Args:
        name: its name.
        kind: what sort of message.
        version: of its schema.
        ways: how it travels; at least one.
        schema: of its payload, in one piece; None where it may be anything.
        closed: whether unknown fields are refused; None where nothing is known of its fields.
    """

    name: str
    kind: MessageKind
    version: str
    ways: tuple[Way, ...]
    schema: Schema | None
    closed: bool | None

    @property
    def collection(self) -> str:
        """The folder of its sort. EventCatalog has three; answers and states count as events there."""
        return _COLLECTIONS.get(self.kind, "events")

    @property
    def sort(self) -> str:
        """Its sort, as EventCatalog names it in links."""
        return {"commands": "command", "queries": "query"}.get(self.collection, "event")

    @property
    def received(self) -> bool:
        """Whether others send it to us."""
        return self.name in _RECEIVED

    @property
    def foreign(self) -> bool:
        """Whether another service answers for it: an event belongs to whoever publishes it."""
        return self.received and self.kind is MessageKind.EVENT

    @property
    def summary(self) -> str:
        """What it is, in a sentence or two."""
        return str(self.ways[0].about["summary"] if self.schema is None else self.schema["description"])

    @property
    def examples(self) -> tuple[Any, ...]:
        """Payloads as they may be."""
        return tuple(example["payload"] for example in self.ways[0].about.get("examples", ()))

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of messages that answer it."""
        return REPLIES.get(self.name, ())

    @property
    def answered(self) -> tuple[str, ...]:
        """The names of queries that it answers."""
        return tuple(query for query, answers in REPLIES.items() if self.name in answers)


def channels_of(document: Document) -> Iterator[Channel]:
    """Yield the channels of an AsyncAPI document."""
    for key, about in document["channels"].items():
        # What has no address is a place that others name; the catalogue of a company needs an id of ours for it.
        yield Channel(key if about["address"] else f"user-service.{key}", about)


def messages_of(document: Document) -> tuple[Message, ...]:
    """Return every message of an AsyncAPI document once, with all ways it travels."""
    ways: dict[str, list[Way]] = {}
    for channel in channels_of(document):
        for reference in channel.about["messages"].values():
            about = _at(document, reference["$ref"])
            ways.setdefault(about["name"], []).append(Way(channel.id, about))
    return tuple(_message(name, tuple(found)) for name, found in ways.items())


def _message(name: str, ways: tuple[Way, ...]) -> Message:
    contract = BY_NAME.get(name)
    if contract is None:
        return Message(name, MessageKind.EVENT, FIRST, ways, schema=None, closed=None)
    return Message(name, contract.kind, contract.version, ways, schema_of(contract), contract.closed)


def _at(document: Document, reference: str) -> Mapping[str, Any]:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)
