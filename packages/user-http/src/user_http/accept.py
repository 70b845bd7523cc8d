"""The Accept header: whether JSON will do."""

import re
from typing import Final

_JSON_RANGES: Final = frozenset({"*/*", "application/*", "application/json", "application/problem+json"})
_REFUSED = re.compile(r"q=0(?:\.0{0,3})?", re.ASCII)


def accepts_json(raw: str | None) -> bool:
    """Return whether the header, if there is one, lets us answer in JSON. Source: RFC 9110, 12.5.1."""
    if raw is None or raw in _JSON_RANGES or not raw.strip():
        return True
    return any(map(_wants_json, raw.split(",")))


def _wants_json(element: str) -> bool:
    media, *parameters = (part.strip().lower() for part in element.split(";"))
    return media in _JSON_RANGES and not any(_REFUSED.fullmatch(one.replace(" ", "")) for one in parameters)
