"""Names and single values on the wire."""

import json
import re
from datetime import datetime
from functools import cache

from usercore.kernel.context import Actor


@cache
def camel(name: str) -> str:
    """Return a domain name as it stands on the wire: ``first_name`` → ``firstName``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@cache
def kebab(name: str) -> str:
    """Return a catalogue name as topics are named: ``UserCreated`` → ``user-created``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def timestamp(at: datetime) -> str:
    """Return an aware UTC time in RFC 3339 form with microseconds and ``Z``."""
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def optional_timestamp(at: datetime | None) -> str | None:
    """Return :func:`timestamp`, or None for None."""
    return None if at is None else timestamp(at)


def actor(who: Actor) -> dict[str, str]:
    """Return an actor as a JSON object."""
    return {"kind": who.kind.value, "id": who.id}


def compact(value: object) -> bytes:
    """Return JSON without blanks, in UTF-8."""
    return _COMPACT.encode(value).encode()


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
