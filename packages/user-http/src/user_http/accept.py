"""The Accept header: whether what we have will do."""

import re
from typing import Final

JSON_RANGES: Final = frozenset({"*/*", "application/*", "application/json", "application/problem+json"})
ZIP_RANGES: Final = JSON_RANGES | {"application/zip"}
"""Of an operation that answers with an archive, or with a problem document."""
_REFUSED = re.compile(r"q=0(?:\.0{0,3})?", re.ASCII)


def accepts(raw: str | None, ranges: frozenset[str]) -> bool:
    """Return whether the header, if there is one, lets us answer so. Source: RFC 9110, 12.5.1."""
    if raw is None or raw in ranges or not raw.strip():
        return True
    return any(_wants(element, ranges) for element in raw.split(","))


def _wants(element: str, ranges: frozenset[str]) -> bool:
    media, *parameters = (part.strip().lower() for part in element.split(";"))
    return media in ranges and not any(_REFUSED.fullmatch(one.replace(" ", "")) for one in parameters)
