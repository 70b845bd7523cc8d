"""The reference of messages, from the registry that reads and writes them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.registry import PUBLISHED, RECEIVED
from usercore.codec.messages.schemas import schema_of

_HEAD: Final = """\
# Messages

What the service reads from Kafka, and what it publishes there. JSON Schemas lie in `api-docs/schemas`, the whole as
[AsyncAPI](../api-docs/asyncapi.yaml). Topics carry the deployment's prefix, where it has one.

"""


def messages_page() -> str:
    """Return the page."""
    received, published = "".join(_chapters(RECEIVED)), "".join(_chapters(PUBLISHED))
    return f"{_HEAD}## Received\n\n{received}## Published\n\n{published}"


def _chapters(contracts: Iterable[Contract]) -> Iterator[str]:
    for contract in contracts:
        schema = schema_of(contract)
        topic = "where the query's `reply-to` says" if contract.topic is None else f"`{contract.topic}`"
        yield f"### {contract.name}\n\n"
        if about := schema.get("description"):
            yield f"{about}\n\n"
        yield f"{contract.kind.value.capitalize()}, version {contract.version}, topic {topic}."
        yield " Unknown fields are refused.\n\n" if contract.closed else "\n\n"
        yield "| field | needed | what it is |\n|---|---|---|\n"
        yield from _fields(schema)
        yield f"\n```json\n{json.dumps(contract.example, indent=2, ensure_ascii=False)}\n```\n\n"


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    needed = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        said = about.get("description", "").replace("|", "\\|").replace("\n", " ")
        yield f"| `{name}` | {'yes' if name in needed else ''} | {_kind(about)}{': ' if said else ''}{said} |\n"


def _kind(about: Mapping[str, Any]) -> str:
    """Return what sort of value a field takes."""
    if "enum" in about:
        return " or ".join(f"`{value}`" for value in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    if "$ref" in about:
        return str(about["$ref"]).rpartition("/")[2]
    if choices := about.get("anyOf") or about.get("oneOf"):
        return " or ".join(dict.fromkeys(map(_kind, choices)))
    kind = about.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
