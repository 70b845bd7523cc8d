"""How users and what belongs to them look: as wire objects for programs, as rows for people."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from user_cli.output import show_json, show_pairs, show_table, to_json
from usercore.activity.read_activity import Activity
from usercore.codec.activity import activity_object, fact_object, summary_object
from usercore.codec.history import history_object
from usercore.codec.preferences import preferences_object
from usercore.codec.profile import profile_object
from usercore.codec.scalars import timestamp
from usercore.preferences.get_email_preferences import EmailPreferences
from usercore.preferences.values import EmailTopic
from usercore.users.attributes import AttributeSchema
from usercore.users.model import User
from usercore.users.ports import HistoryEntry, ProfileDocument

__all__ = [
    "activity_object",
    "document_object",
    "fact_object",
    "history_object",
    "schema_object",
    "show_activity",
    "show_history",
    "show_next",
    "show_preferences",
    "show_schemas",
    "show_topics",
    "show_user",
    "show_users",
    "summary_object",
    "to_seconds",
    "topic_object",
]


_NOTHING = "—"
_ONE_VALUE = ({"kind", "id"}, {"verified", "verifiedAt"})
"""Objects that are one value to a reader: an actor, and whether something is verified."""


def show_user(user: User, *, as_json: bool) -> None:
    """Write one profile."""
    profile = profile_object(user)
    if as_json:
        show_json(profile)
    else:
        show_pairs(flat(profile))


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield what is there, with dotted names; attributes stay one JSON object."""
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner.keys() not in _ONE_VALUE and name != "attributes":
            yield from flat(inner, f"{prefix}{name}.")
        elif inner not in (None, {}):
            yield prefix + name, _word(inner)


def _word(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return str(value)
        case {"kind": kind, "id": ident}:
            return f"{kind}:{ident}"
        case {"verified": _, "verifiedAt": at}:
            return "no" if at is None else f"since {at}"
        case None:
            return _NOTHING
        case _:
            return to_json(value)


def document_object(document: ProfileDocument) -> Any:  # noqa: ANN401 - a decoded JSON document
    """Return a ready profile as a JSON object."""
    return json.loads(document.body)


def show_users(documents: Iterable[ProfileDocument], next_cursor: str | None) -> None:
    """Write users, one a line, and how to go on."""
    profiles = (document_object(document) for document in documents)
    show_table(
        ("ID", "EMAIL", "NAME", "STATUS", "VERSION", "CREATED"),
        (_user_row(profile) for profile in profiles),
        empty="No users.",
    )
    show_next(next_cursor)


def _user_row(profile: Mapping[str, Any]) -> tuple[object, ...]:
    name = f"{profile['firstName']} {profile['lastName']}"
    return (
        profile["id"],
        profile["email"],
        name,
        profile["status"],
        profile["version"],
        to_seconds(profile["createdAt"]),
    )


def to_seconds(at: str) -> str:
    """Return a time on the wire without its fraction of a second."""
    return at.partition(".")[0] + "Z"


def show_next(cursor: str | None) -> None:
    """Write how to go on, where there is more."""
    if cursor is not None:
        show_pairs([("next page", f"--cursor {cursor}")])


def show_history(entries: Iterable[HistoryEntry], next_cursor: str | None) -> None:
    """Write steps of a user's life, newest first, and how to go on."""
    show_table(
        ("VERSION", "AT", "EVENT", "ACTOR", "FIELD", "BEFORE", "AFTER"),
        (row for entry in entries for row in _history_rows(history_object(entry))),
        empty="No history.",
    )
    show_next(next_cursor)


def _history_rows(entry: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    actor = f"{entry['actor']['kind']}:{entry['actor']['id']}"
    lead: tuple[object, ...] = (entry["version"], to_seconds(entry["at"]), entry["event"], actor)
    for change in entry["changes"]:
        before = dict(flat({change["field"]: change["before"]}))
        after = dict(flat({change["field"]: change["after"]}))
        for name in dict.fromkeys((*before, *after)):
            if before.get(name) != after.get(name):
                yield (*lead, name, before.get(name, _NOTHING), after.get(name, _NOTHING))
                lead = ("", "", "", "")


def show_activity(activity: Activity) -> None:
    """Write facts, newest first, how to go on, and what all of them amount to."""
    wire: Mapping[str, Any] = activity_object(activity)
    show_table(
        ("AT", "FACT", "ID", "ORDER", "AMOUNT", "DETAIL", "TOLD BY"),
        (_fact_row(fact) for fact in wire["items"]),
        empty="No activity.",
    )
    show_next(wire["nextCursor"])
    show_pairs(_summary(wire["summary"]))


def _fact_row(fact: Mapping[str, Any]) -> tuple[object, ...]:
    order = fact["id"] if fact["kind"] == "ORDER_PLACED" else fact["orderId"]
    return (
        to_seconds(fact["at"]),
        fact["kind"],
        fact["id"],
        _word(order),
        _amount(fact.get("total", fact.get("amount"))),
        _detail(fact),
        _word(fact["actor"]),
    )


def _detail(fact: Mapping[str, Any]) -> str:
    match fact:
        case {"errorCode": code}:
            return str(code)
        case {"items": items}:
            return f"{items} items"
        case {"points": number, "reason": reason}:
            return f"{number} points" + ("" if reason is None else f": {reason}")
        case _:
            return _NOTHING


def _amount(money: Mapping[str, Any] | None) -> str:
    return _NOTHING if money is None else " ".join(filter(None, (money["value"], money["currency"])))


def _summary(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part, sums in summary.items():
        for name, value in sums.items():
            if name == "totals":
                value = ", ".join(map(_amount, value)) or None  # noqa: PLW2901 - the same, for people
            if value is not None:
                yield f"{part}.{name}", _word(value)


def show_preferences(preferences: EmailPreferences, *, as_json: bool) -> None:
    """Write what holds for a user, topic by topic."""
    wire: Mapping[str, Any] = preferences_object(preferences)
    if as_json:
        show_json(wire)
        return
    show_table(
        ("TOPIC", "SUBSCRIBED", "SINCE", "SOURCE", "WORDING", "TITLE"),
        (_preference_row(name, held) for name, held in wire["topics"].items()),
        empty="No topics are registered: see userctl topics register --help",
    )


def _preference_row(name: str, held: Mapping[str, Any]) -> tuple[object, ...]:
    subscribed = _word(held["subscribed"]) + (" (mandatory)" if held["mandatory"] else "")
    since = to_seconds(held["updatedAt"]) if held["updatedAt"] else "never said"
    return name, subscribed, since, _word(held["source"]), _word(held["wordingVersion"]), held["title"]


def topic_object(topic: EmailTopic) -> dict[str, object]:
    """Return a topic as a JSON object."""
    return {
        "name": topic.name,
        "title": topic.title,
        "description": topic.description,
        "mandatory": topic.mandatory,
        "subscribedByDefault": topic.subscribed_by_default,
        "wordingVersion": topic.wording_version,
        "registeredAt": timestamp(topic.registered_at),
    }


def show_topics(topics: Iterable[EmailTopic]) -> None:
    """Write topics, one a line."""
    show_table(
        ("NAME", "TITLE", "MANDATORY", "BY DEFAULT", "WORDING", "REGISTERED"),
        (
            (
                topic.name,
                topic.title,
                _word(topic.mandatory),
                _word(topic.subscribed_by_default),
                topic.wording_version,
                to_seconds(timestamp(topic.registered_at)),
            )
            for topic in topics
        ),
        empty="No topics are registered.",
    )


def schema_object(schema: AttributeSchema) -> dict[str, object]:
    """Return a version of the attribute schema as a JSON object."""
    return {
        "version": schema.version,
        "registeredAt": timestamp(schema.registered_at),
        "registeredBy": schema.registered_by,
        "document": schema.document,
    }


def show_schemas(schemas: Iterable[AttributeSchema]) -> None:
    """Write versions of the attribute schema, one a line."""
    rows = (
        (schema.version, to_seconds(timestamp(schema.registered_at)), schema.registered_by, to_json(schema.document))
        for schema in schemas
    )
    show_table(("VERSION", "REGISTERED", "BY", "SCHEMA"), rows, empty="No schema is registered.")
