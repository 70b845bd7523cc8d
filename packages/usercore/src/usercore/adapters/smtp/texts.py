"""What others wrote, made harmless for a header and a line of text.

Names come from whoever signed up, addresses of strangers among them: what a mail repeats of them may break no header,
turn no text around, and advertise nothing.
"""

import re
from typing import Final
from urllib.parse import urlsplit

NAME_SHOWN_MAX_CHARS: Final = 50
"""A longer name is left out of a greeting: it is more likely an advertisement."""

_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# Embeddings, overrides and isolates reach beyond their own text. Marks (U+200E, U+200F, U+061C) do not; names use them.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
# What mail programs make links of: schemes, paths, addresses, and words joined by a dot.
_LINKING = re.compile(r"[:/\\@]|\w\.\w{2}")


def one_line(raw: str) -> str:
    """Return text on one line, without what could steer headers or the direction of text."""
    return _TURNING.sub("", _BREAKING.sub(" ", raw)).strip()


def name_shown(raw: str) -> str:
    """Return a name to greet somebody by; empty where it looks like something else than a name."""
    name = one_line(raw)
    return "" if len(name) > NAME_SHOWN_MAX_CHARS or _LINKING.search(name) else name


def is_web_address(raw: str) -> bool:
    """Whether text is a link that may stand in a mail: http or https, ASCII, without blanks."""
    if not raw.isascii() or not raw.isprintable() or set(raw) & set(' <>"\\'):
        return False
    try:
        parts = urlsplit(raw)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
