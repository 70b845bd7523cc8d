"""JSON Schemas of messages, made from the structs that read and describe them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.numbers import number_schema

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ID_PREFIX: Final = "urn:user-service:schema:"

Schema = dict[str, Any]


def schema_id(contract: Contract) -> str:
    """Return the URI that names the schema of a message in its current version; good for a `dataschema` as well."""
    return f"{ID_PREFIX}{contract.name}:{contract.version}"


def schema_of(contract: Contract) -> Schema:
    """Return the JSON Schema of a message in its current version, draft 2020-12, in one piece."""
    parts = components([contract], "#/$defs/{name}")
    body = parts.pop(contract.name)
    schema = {
        "$schema": DIALECT,
        "$id": schema_id(contract),
        "title": contract.name,
        "description": body.pop("description"),
        **{name: value for name, value in body.items() if name != "title"},
        "examples": [contract.example],
    }
    return {**schema, "$defs": parts} if parts else schema


def components(contracts: Iterable[Contract], reference: str) -> dict[str, Schema]:
    """Return the schemas of messages, and of the objects in them, by name.

    Args:
        contracts: the messages.
        reference: how one schema refers to another, with ``{name}`` in it.
    """
    listed = list(contracts)
    _, found = msgspec.json.schema_components(
        [contract.shape for contract in listed], schema_hook=number_schema, ref_template=reference
    )
    schemas = {name: _tidy(schema) for name, schema in found.items()}
    for contract in listed:
        schemas[contract.name] |= _choices(contract, schemas[contract.name]["properties"])
    return schemas


def _tidy(schema: Mapping[str, Any]) -> Schema:
    """Put the description on one line."""
    tidy = dict(schema)
    if "description" in tidy:
        tidy["description"] = " ".join(str(tidy["description"]).split())
    return tidy


def _choices(contract: Contract, properties: Schema) -> Schema:
    """Return the rules for fields that stand for each other; a name that stands in moves into its rule."""
    rules: Schema = {}
    if contract.one_of:
        (names,) = contract.one_of
        rules["oneOf"] = [{"required": [name]} for name in names]
    if contract.any_of:
        rules["allOf"] = [_either(first, others, properties) for first, *others in contract.any_of]
    return rules


def _either(first: str, others: list[str], properties: Schema) -> Schema:
    stand_ins = [{"properties": {name: properties.pop(name)}, "required": [name]} for name in others]
    return {"anyOf": [{"required": [first]}, *stand_ins]}
