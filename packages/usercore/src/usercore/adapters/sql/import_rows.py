"""What new users of an import bring, as lines of PostgreSQL's `COPY` text format: the same as `rows.py` gives as JSON.

A test holds both equal, row for row of every table. Here each line costs a fraction, as an import makes nothing else
for minutes: what is the same for all rows of a batch is rendered once, and each value once for all lines that it stands
in.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Final, NamedTuple

from attrs import define, field, frozen

from usercore.adapters.sql.keys import UserKey
from usercore.adapters.sql.mapping import USER_COLUMNS
from usercore.adapters.sql.places import history_place
from usercore.audit.chain import GENESIS, digest_of_text, link
from usercore.bulk.imports.creations import Creation
from usercore.codec.events import event_headers
from usercore.codec.scalars import compact, kebab, timestamp
from usercore.delivery.sharding import shard_of
from usercore.delivery.values import Operation, Recipient
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.users.events import UserCreated
from usercore.users.model import Profile
from usercore.users.values import AccountState, Address

NULL: Final = "\x01"
"""Stands for NULL: no text that passed the rules has a control character."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "users": (*USER_COLUMNS, "search_words"),
    "outbox": (
        *("aggregatetype", "aggregateid", "type", "payload", "event_id", "sequence", "occurred_at", "headers"),
        *("shard", "topic"),
    ),
    "user_history": (
        *("user_id", "version", "event_id", "message", "occurred_at", "actor_kind", "actor_id"),
        *("correlation_id", "causation_id", "sealed"),
    ),
    "user_keys": ("user_id", "master_version", "sealed_key", "created_at"),
    "audit_entries": (
        *("user_id", "sequence", "event_id", "occurred_at", "actor_kind", "actor_id", "action", "fields"),
        *("correlation_id", "causation_id", "version", "contents_hash", "hash"),
    ),
    "audit_heads": ("user_id", "sequence", "hash"),
    "deliveries": (
        *("event_id", "recipient", "operation", "user_id", "payload", "secret", "created_at", "due_at"),
        "traceparent",
    ),
}
"""The columns of each table, in the order of the lines."""
USERS: Final = "users"
DEPENDENTS: Final = tuple(name for name in COLUMNS if name != USERS)

_SYSTEM_JSON: Final = json.JSONEncoder(separators=(",", ":")).encode
"""As :func:`usercore.audit.chain.digest_of` writes."""
_MESSAGE: Final = UserCreated.message
_HEX: Final = "\\\\x"
"""Begins a `bytea`, the backslash escaped."""
_UNVERIFIED: Final = '{"email":null,"phone":null,"identity":null}'
_FACETS: Final = ("phone_number", "address", "locale", "time_zone", "birth_date", "external_id")
"""Facets of a profile that may be missing, in which case history does not tell of them."""


class UnfitError(ValueError):
    """A value holds what parts lines or fields, so that it cannot go this way."""


class Lines(NamedTuple):
    """A new user's lines, by table; of deliveries two."""

    users: str
    outbox: str
    user_history: str
    user_keys: str
    audit_entries: str
    audit_heads: str
    deliveries: str


@frozen
class NewUser:
    """A creation, ready to be copied.

    Args:
        creation: itself.
        lines: of each table.
    """

    creation: Creation
    lines: Lines = field(repr=False)


@define(eq=False)
class LineMaker:
    """Makes the lines of creations that share their circumstances.

    Args:
        context: who imports, because of what.
        now: when: aware, UTC.
        fresh: makes a new key for a user.
        quiet: no event is published.
    """

    context: CommandContext
    now: datetime
    fresh: Callable[[UserId], UserKey]
    quiet: bool
    _frame: "_Frame" = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Render what all rows share."""
        self._frame = _Frame.of(self.context, self.now)

    def __call__(self, creation: Creation) -> NewUser:
        """Return a creation, ready to be copied.

        Raises:
            UnfitError: it cannot go this way.
        """
        user_id, event_id, profile, frame = creation.user_id, creation.event_id, creation.profile, self._frame
        key = self.fresh(user_id)
        if key.wrapped is None:
            raise UnfitError("a new user has a new key")
        email = encode_basestring(profile.email.address)
        username = encode_basestring(profile.username)
        sealed = key.key.seal(history_place(user_id, 1), _differences(profile, email, username, frame).encode())
        fields, fields_json = _fields_of(profile)
        contents = sha256(sealed).hexdigest()
        said = f'["{user_id}","{event_id}",{frame.said}{fields_json},{frame.because},1,"{contents}"]'
        linked = link(GENESIS, 1, digest_of_text(said.encode())).hex()
        login = f'{{"email":{email},"username":{username}}}'
        hashed = creation.password_hash
        secret = NULL if hashed is None else _escaped(hashed.reveal())
        lines = Lines(
            users=_user(creation, frame),
            outbox="" if self.quiet else _event(creation, email, frame),
            user_history=f"{user_id}\t1\t{event_id}\t{frame.told}\t{_HEX}{sealed.hex()}\n",
            user_keys=f"{user_id}\t{key.wrapped.version}\t{_HEX}{key.wrapped.sealed.hex()}\t{frame.at}\n",
            audit_entries=(
                f"{user_id}\t1\t{event_id}\t{frame.entry}\t{fields}\t{frame.causes}\t1"
                f"\t{_HEX}{contents}\t{_HEX}{linked}\n"
            ),
            audit_heads=f"{user_id}\t1\t{_HEX}{linked}\n",
            deliveries=(
                f"{event_id}\t{frame.login}\t{user_id}\t{_escaped(login)}\t{secret}\t{frame.due}\n"
                f'{event_id}\t{frame.record}\t{user_id}\t{{"userId":"{user_id}","version":1,"eventId":"{event_id}",'
                f"{frame.noted}{fields_json},{frame.noted_because}}}\t{NULL}\t{frame.due}\n"
            ),
        )
        return NewUser(creation, lines)


@frozen
class _Frame:
    """What all lines of a batch share, ready for its place.

    Args:
        at: the time as PostgreSQL reads it.
        stamp: as the wire has it.
        status: as history keeps it.
        tail: the columns of a user behind the external id, but for the search words.
        told: columns of the history.
        entry: columns of the audit trail, up to the action.
        causes: correlation and causation.
        said: what the chain hashes: from the time to the action.
        because: what it hashes of correlation and causation.
        headers: the event's last columns, but for shard and topic.
        login: the delivery that makes a credential: recipient and operation.
        record: the delivery that records the entry.
        noted: the recorded entry, from the time to the fields.
        noted_because: its end.
        due: the last columns of a delivery.
    """

    at: str
    stamp: str
    status: str
    tail: str
    told: str
    entry: str
    causes: str
    said: str
    because: str
    headers: str
    login: str
    record: str
    noted: str
    noted_because: str
    due: str

    @classmethod
    def of(cls, context: CommandContext, now: datetime) -> "_Frame":
        """Render circumstances."""
        at, stamp, actor = now.isoformat(), timestamp(now), context.actor
        kind, ident = actor.kind.value, _escaped(actor.id)
        causes = "\t".join(map(_cell, (context.correlation_id, context.causation_id)))
        status = {"state": AccountState.ACTIVE.value, "since": stamp, "actor": str(actor)}
        whole = {**status, "reason": None, "notes": None, "until": None}
        noted = {"at": at, "actor": str(actor), "action": _MESSAGE}
        because = {"correlationId": context.correlation_id, "causationId": context.causation_id}
        nothing = "\t".join([NULL] * 6)
        exact = now.isoformat(timespec="microseconds")
        parts = (exact, kind, actor.id, _MESSAGE)
        return cls(
            at=at,
            stamp=stamp,
            status=compact(whole).decode(),
            tail=f"{AccountState.ACTIVE}\t{at}\t{kind}\t{ident}\t{nothing}\tf\t{at}\t{at}\t{NULL}",
            told=f"{_MESSAGE}\t{at}\t{kind}\t{ident}\t{causes}",
            entry=f"{at}\t{kind}\t{ident}\t{_MESSAGE}",
            causes=causes,
            said="".join(f"{_SYSTEM_JSON(part)}," for part in parts),
            because=f"{_SYSTEM_JSON(context.correlation_id)},{_SYSTEM_JSON(context.causation_id)}",
            headers=f"1\t{at}\t{_escaped(compact(event_headers(context)).decode())}",
            login=f"{Recipient.AUTHENTICATION}\t{Operation.PROVISION_CREDENTIAL}",
            record=f"{Recipient.AUDIT}\t{Operation.RECORD_ENTRY}",
            noted=_escaped(compact(noted).decode()[1:-1] + ',"fields":'),
            noted_because=_escaped(compact(because).decode()[1:-1]),
            due=f"{at}\t{at}\t{_cell(context.traceparent)}",
        )


def _user(creation: Creation, frame: _Frame) -> str:
    profile = creation.profile
    address = profile.address or _NO_ADDRESS
    born = profile.birth_date
    attributes = compact(profile.attributes).decode() if profile.attributes else "{}"
    cells = (
        *(creation.user_id, "1", profile.username, profile.canonical_username),
        *(profile.email.address, profile.email.canonical, profile.first_name, profile.last_name),
        *(profile.phone_number or NULL, address.street or NULL, address.city or NULL, address.state or NULL),
        *(address.postal_code or NULL, address.country or NULL, profile.locale or NULL, profile.time_zone or NULL),
        *(NULL if born is None else born.isoformat(), attributes, profile.external_id or NULL),
    )
    said = "\t".join(cells)
    if said.count("\t") != _SAID_TABS or "\n" in said or "\r" in said:
        raise UnfitError("a value holds a control character")
    return f"{_escaped(said)}\t{frame.tail}\t{_vector(profile.search_words)}\n"


_SAID_TABS: Final = 18
_NO_ADDRESS: Final = Address()
_TOPIC: Final = kebab(_MESSAGE)


def _event(creation: Creation, email: str, frame: _Frame) -> str:
    profile, user_id = creation.profile, creation.user_id
    payload = (
        f'{{"userId":"{user_id}","email":{email},"createdAt":"{frame.stamp}",'
        f'"firstName":{encode_basestring(profile.first_name)},"lastName":{encode_basestring(profile.last_name)}}}'
    )
    return (
        f"user\t{user_id}\t{_MESSAGE}\t{_escaped(payload)}\t{creation.event_id}\t{frame.headers}"
        f"\t{shard_of(user_id)}\t{_TOPIC}\n"
    )


def _differences(profile: Profile, email: str, username: str, frame: _Frame) -> str:
    """Return what history keeps of a creation: each facet that is there, with nothing before it."""
    said = [
        f'["username",null,{username}]',
        f'["email",null,{{"address":{email},"canonical":{encode_basestring(profile.email.canonical)}}}]',
        f'["first_name",null,{encode_basestring(profile.first_name)}]',
        f'["last_name",null,{encode_basestring(profile.last_name)}]',
    ]
    add = said.append
    if profile.phone_number is not None:
        add(f'["phone_number",null,{encode_basestring(profile.phone_number)}]')
    if profile.address is not None:
        add(f'["address",null,{_address(profile.address)}]')
    if profile.locale is not None:
        add(f'["locale",null,{encode_basestring(profile.locale)}]')
    if profile.time_zone is not None:
        add(f'["time_zone",null,{encode_basestring(profile.time_zone)}]')
    if profile.birth_date is not None:
        add(f'["birth_date",null,"{profile.birth_date.isoformat()}"]')
    add(f'["attributes",null,{compact(profile.attributes).decode() if profile.attributes else "{}"}]')
    if profile.external_id is not None:
        add(f'["external_id",null,{encode_basestring(profile.external_id)}]')
    add(f'["status",null,{frame.status}],["verification",null,{_UNVERIFIED}],["restricted",null,false]')
    return f"[{','.join(said)}]"


def _address(address: Address) -> str:
    parts = (address.street, address.city, address.state, address.postal_code, address.country)
    street, city, state, code, country = ["null" if one is None else encode_basestring(one) for one in parts]
    return f'{{"street":{street},"city":{city},"state":{state},"postal_code":{code},"country":{country}}}'


def _fields_of(profile: Profile) -> tuple[str, str]:
    """Return which facets an entry names: as an array of PostgreSQL, and as JSON."""
    there = (
        profile.phone_number is not None,
        profile.address is not None,
        profile.locale is not None,
        profile.time_zone is not None,
        profile.birth_date is not None,
        profile.external_id is not None,
    )
    found = _NAMES.get(there)
    if found is None:
        found = _NAMES[there] = _names(dict(zip(_FACETS, there, strict=True)))
    return found


_NAMES: Final[dict[tuple[bool, ...], tuple[str, str]]] = {}
_ORDER: Final = (
    *("username", "email", "first_name", "last_name", "phone_number", "address", "locale", "time_zone", "birth_date"),
    *("attributes", "external_id", "status", "verification", "restricted"),
)


def _names(there: Mapping[str, bool]) -> tuple[str, str]:
    names = [name for name in _ORDER if there.get(name, True)]
    return "{" + ",".join(names) + "}", _SYSTEM_JSON(names)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _cell(text: str | None) -> str:
    return NULL if text is None else _escaped(text)


def _vector(words: Iterable[str]) -> str:
    """Return search words as a text of PostgreSQL's type `tsvector`; they hold letters and digits alone."""
    inner = "' '".join(words)
    return f"'{inner}'" if inner else ""


def joined(users: Sequence[NewUser], table: str) -> bytes:
    """Return the lines of a table."""
    place = Lines._fields.index(table)
    return "".join([one.lines[place] for one in users]).encode()
