"""The leaves of a profile as SQL: values of JSON, and cells of CSV, byte for byte what :mod:`usercore.codec` renders.

Lines are put together by ``concat``, which is quicker than nested objects by a quarter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final

from attrs import frozen
from psycopg.sql import Literal

from usercore.bulk.exports.fields import EMAIL_PREFERENCES
from usercore.codec.exports import FORMULA_STARTS

_ARGUMENTS_MAX: Final = 90
"""How many arguments one call is given. Source: PostgreSQL's FUNC_MAX_ARGS is 100."""
_TIME: Final = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""


class Kind(Enum):
    """How a value is written."""

    TEXT = auto()
    WORD = auto()
    """Text without anything to escape."""
    TIME = auto()
    """In the zone of the session, which is UTC."""
    TRUTH = auto()
    """Never NULL."""
    BARE = auto()
    """A number, or JSON: as PostgreSQL writes it. Never NULL."""


@frozen
class Leaf:
    """One value of a user.

    Args:
        kind: how it is written.
        sql: the value.
    """

    kind: Kind
    sql: str

    @property
    def json(self) -> str:
        """The value as JSON text, ``null`` where there is none."""
        match self.kind:
            case Kind.TEXT:
                return f"COALESCE(to_json({self.sql})::text, 'null')"
            case Kind.WORD:
                return f"""COALESCE('"' || {self.sql} || '"', 'null')"""
            case Kind.TIME:
                return f"""COALESCE('"' || to_char({self.sql}, {_TIME}) || '"', 'null')"""
            case Kind.TRUTH:
                return f"CASE WHEN {self.sql} THEN 'true' ELSE 'false' END"
            case Kind.BARE:
                return self.sql

    def cell(self, *, formulas: bool) -> str:
        """Return SQL for the value as a cell, NULL where there is none."""
        match self.kind:
            case Kind.TEXT:
                return self.sql if formulas else _harmless(self.sql)
            case Kind.TIME:
                return f"to_char({self.sql}, {_TIME})"
            case Kind.TRUTH:
                return self.json
            case _:
                return self.sql


_FIRSTS: Final = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)


def _harmless(sql: str) -> str:
    # Letters are past all of these: most text is judged by its first comparison.
    runs = f"""{sql} COLLATE "C" < 'A' AND left({sql}, 1) IN ({_FIRSTS})"""
    return f"CASE WHEN {runs} THEN '''' || {sql} ELSE {sql} END"


def _verified(channel: str) -> Iterator[tuple[str, Leaf]]:
    column = f"u.{channel}_verified_at"
    yield f"verification.{channel}.verified", Leaf(Kind.TRUTH, f"{column} IS NOT NULL")
    yield f"verification.{channel}.verifiedAt", Leaf(Kind.TIME, column)


_ADDRESS: Final = {
    "address.street": "u.address_street",
    "address.city": "u.address_city",
    "address.state": "u.address_state",
    "address.postalCode": "u.address_postal_code",
    "address.country": "u.address_country",
}
PROFILE_LEAVES: Final[Mapping[str, Leaf]] = {
    "id": Leaf(Kind.WORD, "u.id"),
    "username": Leaf(Kind.TEXT, "u.username"),
    "email": Leaf(Kind.TEXT, "u.email"),
    "firstName": Leaf(Kind.TEXT, "u.first_name"),
    "lastName": Leaf(Kind.TEXT, "u.last_name"),
    "phoneNumber": Leaf(Kind.TEXT, "u.phone_number"),
    **{name: Leaf(Kind.TEXT, column) for name, column in _ADDRESS.items()},
    "locale": Leaf(Kind.TEXT, "u.locale"),
    "timeZone": Leaf(Kind.TEXT, "u.time_zone"),
    "birthDate": Leaf(Kind.WORD, "u.birth_date"),
    "attributes": Leaf(Kind.BARE, "u.attributes"),
    "externalId": Leaf(Kind.TEXT, "u.external_id"),
    "status": Leaf(Kind.WORD, "u.state"),
    "statusDetails.since": Leaf(Kind.TIME, "u.status_since"),
    "statusDetails.reason": Leaf(Kind.TEXT, "u.status_reason"),
    "statusDetails.notes": Leaf(Kind.TEXT, "u.status_notes"),
    "statusDetails.until": Leaf(Kind.TIME, "u.status_until"),
    "statusDetails.actor.kind": Leaf(Kind.TEXT, "u.status_actor_kind"),
    "statusDetails.actor.id": Leaf(Kind.TEXT, "u.status_actor_id"),
    **dict(_verified("email")),
    **dict(_verified("phone")),
    **dict(_verified("identity")),
    "restricted": Leaf(Kind.TRUTH, "u.restricted"),
    "version": Leaf(Kind.BARE, "u.version"),
    "createdAt": Leaf(Kind.TIME, "u.created_at"),
    "updatedAt": Leaf(Kind.TIME, "u.updated_at"),
}
"""Every leaf of a profile, of a row of ``users AS u``."""


@frozen
class ExportedTopic:
    """One registered topic, and what holds where a user said nothing."""

    name: str
    mandatory: bool
    by_default: bool


def topic_leaves(topics: Iterable[ExportedTopic]) -> Mapping[str, Leaf]:
    """Return the leaves of the topics, of a row of :func:`topic_join`."""
    leaves: dict[str, Leaf] = {}
    for place, topic in enumerate(topics):
        held = "TRUE" if topic.mandatory else f"COALESCE(m.subscribed_{place}, {topic.by_default})"
        name = f"{EMAIL_PREFERENCES}.{topic.name}"
        leaves[f"{name}.subscribed"] = Leaf(Kind.TRUTH, held)
        leaves[f"{name}.source"] = Leaf(Kind.TEXT, f"m.source_{place}")
        leaves[f"{name}.updatedAt"] = Leaf(Kind.TIME, f"m.said_at_{place}")
        leaves[f"{name}.wordingVersion"] = Leaf(Kind.TEXT, f"m.wording_version_{place}")
    return leaves


def topic_join(topics: Sequence[ExportedTopic]) -> str:
    """Return the join with what a user said of topics, of which there are some: one row for each user."""
    parts = [
        f"{aggregate}(p.{column}) FILTER (WHERE p.topic = {Literal(topic.name).as_string()}) AS {column}_{place}"
        for place, topic in enumerate(topics)
        for column, aggregate in _SAID.items()
    ]
    chosen = ", ".join(parts)
    return f"CROSS JOIN LATERAL (SELECT {chosen} FROM email_preferences AS p WHERE p.user_id = u.id) AS m"  # noqa: S608 -- literals, and names of ours


_SAID: Final = {"subscribed": "bool_or", "source": "max", "said_at": "max", "wording_version": "max"}


def line_sql(leaves: Mapping[str, Leaf], objects: Sequence[str] = ()) -> str:
    """Return SQL for one user's JSON object.

    Args:
        leaves: by dotted names, those of one object next to each other.
        objects: names of objects that are there even where they are empty.
    """
    tree: dict[str, object] = {}
    for name, leaf in leaves.items():
        *parents, last = name.split(".")
        place: Any = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = leaf
    for name in objects:
        tree.setdefault(name, {})
    return _concat(_object(tree))


def _object(tree: Mapping[str, object]) -> list[str]:
    """Return what makes an object when it is strung together."""
    parts: list[str] = []
    for name, value in tree.items():
        parts.append(_quoted(f'{"," if parts else "{"}"{name}":'))
        if isinstance(value, Leaf):
            parts.append(value.json)
        elif isinstance(value, Mapping) and name == "address":
            lives = f"COALESCE({', '.join(_ADDRESS.values())}) IS NOT NULL"
            parts.append(f"CASE WHEN {lives} THEN {_concat(_object(value))} ELSE 'null' END")
        elif isinstance(value, Mapping):
            parts += _object(value)
    return [*parts, "'}'"] if parts else ["'{}'"]


def _concat(parts: Sequence[str]) -> str:
    if len(parts) > _ARGUMENTS_MAX:
        some = range(0, len(parts), _ARGUMENTS_MAX)
        return _concat([_concat(parts[start : start + _ARGUMENTS_MAX]) for start in some])
    return f"concat({', '.join(parts)})"


def _quoted(text: str) -> str:
    return Literal(text).as_string()
