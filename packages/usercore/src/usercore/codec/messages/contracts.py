"""What the registry holds: one message, its versions, and how an old one becomes a current one."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from attrs import field, frozen
from msgspec import Struct

from usercore.codec.messages.errors import UnreadableMessageError
from usercore.codec.messages.examples import PUBLISHED, RECEIVED
from usercore.codec.messages.values import MessageKind
from usercore.codec.scalars import kebab

FIRST: Final = "1.0.0"
Upcaster: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]

# Source: Semantic Versioning 2.0.0, without pre-releases, at the end of a URI.
_SCHEMA_VERSION = re.compile(r"[/:]((?:0|[1-9]\d{0,5})\.(?:0|[1-9]\d{0,5})\.(?:0|[1-9]\d{0,5}))\Z", re.ASCII)
_TYPE_VERSION = re.compile(r"(.+)\.v([1-9]\d{0,5})", re.ASCII)


@frozen
class Contract:
    """One message of the catalogue, as it is today.

    Args:
        name: its name in the catalogue.
        kind: what sort of message.
        shape: its fields.
        topic: where it is sent, without the deployment's prefix; by rule the name in another spelling. Answers to
            queries have none: the query names it.
        version: of the schema that `shape` stands for.
        upcasters: for each older major version still read, what makes a payload of the next one out of it.
        one_of: sets of fields of which exactly one must be given.
        any_of: sets of names of one field, of which one must be given: the catalogue's, and behind it those that stand
            in for it where it is missing. Where it is not, they mean nothing.
    """

    name: str
    kind: MessageKind
    shape: type[Struct]
    topic: str | None = field()
    version: str = FIRST
    upcasters: Mapping[int, Upcaster] = field(factory=dict)
    one_of: tuple[tuple[str, ...], ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()

    @topic.default
    def _named(self) -> str | None:
        return None if self.kind is MessageKind.REPLY else kebab(self.name)

    @property
    def example(self) -> Mapping[str, Any]:
        """One payload, as the catalogue shapes it."""
        return RECEIVED.get(self.name) or PUBLISHED[self.name]

    @property
    def closed(self) -> bool:
        """Whether unknown fields are refused."""
        return self.shape.__struct_config__.forbid_unknown_fields

    @property
    def major(self) -> int:
        """The major version that `shape` stands for."""
        return major_of(self.version)

    def reads(self, major: int) -> bool:
        """Return whether a payload of a major version can be read."""
        return major == self.major or (major in self.upcasters and self.reads(major + 1))

    def current(self, payload: Any, major: int) -> Any:  # noqa: ANN401 -- any JSON value
        """Return a payload of a major version that can be read as one of the current version."""
        while major < self.major and isinstance(payload, Mapping):
            payload = self.upcasters[major](payload)
            major += 1
        return payload

    def chosen(self, payload: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """Return a payload without names that stand in for one that is given."""
        if not isinstance(payload, Mapping):
            return payload
        idle = {other for first, *others in self.any_of if first in payload for other in others}
        return {name: value for name, value in payload.items() if name not in idle} if idle else payload


def major_of(version: str) -> int:
    """Return the major part of a semantic version."""
    return int(version.partition(".")[0])


def version_said(contract: Contract, type_: str | None, schema: str | None) -> str:
    """Return the version in which a message says that it is written; 1.0.0 where it does not say.

    Args:
        contract: of the message that the topic carries.
        type_: the CloudEvents `type`: the message's name, after any prefix and before any ``.v2``.
        schema: the CloudEvents `dataschema`, which may end in a version.

    Raises:
        UnreadableMessageError: `type_unknown` or `version_unknown`.
    """
    versioned = _TYPE_VERSION.fullmatch(type_ or "")
    name = versioned[1] if versioned else type_
    if name is not None and name.rpartition(".")[2] != contract.name:
        raise UnreadableMessageError("type_unknown", f"this topic carries {contract.name}")
    found = _SCHEMA_VERSION.search(schema or "")
    version = found[1] if found else f"{versioned[2]}.0.0" if versioned else FIRST
    if versioned and major_of(version) != int(versioned[2]):
        raise UnreadableMessageError("version_unknown", "type and dataschema name different versions")
    if not contract.reads(major_of(version)):
        raise UnreadableMessageError("version_unknown", f"{contract.name} is read up to version {contract.version}")
    return version
