"""Take the password out of a message that is to be set aside.

A message nobody could use is kept as it came; one that was to create a user may hold a password in plain text, which
must reach no table and no topic of ours. It is taken out wherever it can be made out, in whatever state the message is,
and whichever topic it went to: one that went astray is what nobody can use. Every other byte stays.
"""

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Final

from attrs import evolve

from usercore.messaging.dead_letters import REDACTED
from usercore.messaging.values import RawMessage

MARKER: Final = "[redacted]"
HEADER: Final = (REDACTED, b"password")

# Always matches once a quote stands, to the end of the text at the latest, so that it takes linear time. A possessive
# group may only repeat what cannot match in part: before Python 3.11.5 such a part counts as matched (gh-106052).
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# A string in which nothing is escaped, and what stands before it.
_PLAIN = re.compile(r'[^"]*+"([^"\\]*+)"')
_OURS = re.compile(r"pass|data_", re.IGNORECASE)
_SUSPECT = re.compile(r"pass|\\|data_base64", re.IGNORECASE)
_LENIENT = json.JSONDecoder(strict=False)
_COLON = re.compile(r"\s*+:\s*+")
_BARE = re.compile(r"[^,\]}\s]*+")
# What is no JSON: Python's, JavaScript's and YAML's spelling, forms, XML, JSON within JSON, cut off at any place.
_ANYWHERE = re.compile(
    r"""
    (pass(?:word|wd|phrase)[a-z0-9_-]{0,32}+ [\\"']{0,8}+ \s{0,64}+ (?:=>|[:=>]) \s{0,64}+ )
    ( (?P<slashes>\\{0,8}+)" .*? (?:(?<!\\)(?P=slashes)"|\Z)
    | ' [^']*+ (?:'|\Z)
    | [^\s,;&}<"']++ )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SECRETS: Final = ("password", "passwd", "passphrase")


def is_secret(name: str) -> bool:
    """Return whether a member of that name may hold a password."""
    folded = name.casefold()
    return any(word in folded for word in _SECRETS)


def redacted(raw: RawMessage) -> RawMessage:
    """Return a message without the password in it; one that holds none as it is."""
    if raw.value is None:
        return raw
    value = _redact(raw.value)
    if value == raw.value:
        return raw
    headers = raw.headers if HEADER in raw.headers else (*raw.headers, HEADER)
    return evolve(raw, value=value, headers=headers)


def _redact(raw: bytes) -> bytes:
    # UTF-8 or whatever else has ASCII in it; what is no UTF-8 comes through as it is.
    text = raw.decode("utf-8", "surrogateescape")
    clean = _redact_text(text)
    raw = raw if clean == text else clean.encode("utf-8", "surrogateescape")
    return _redact_wide(raw) if b"\0" in raw else raw


def _redact_wide(raw: bytes) -> bytes:
    """Redact UTF-16 and UTF-32; where that is broken as well, nothing is kept."""
    encoding = json.detect_encoding(raw)
    try:
        text = raw.decode(encoding)
        clean = _redact_text(text)
        return raw if clean == text else clean.encode(encoding)
    except UnicodeError:
        bare = raw.replace(b"\0", b"").decode("latin-1")
        return MARKER.encode() if is_secret(bare) else raw


def _redact_text(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    clean = "".join(_pieces(text))
    return clean if _is_json(clean) else _ANYWHERE.sub(_marked, clean)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _marked(found: re.Match[str]) -> str:
    quotes = found["slashes"] or ""
    return f'{found[1]}{quotes}"{MARKER}{quotes}"'


def _pieces(text: str) -> Iterator[str]:
    """Yield the text, piece by piece, without the values of members that may hold a password."""
    done = 0
    while token := _STRING.search(text, _skipped(text, done)):
        yield text[done : token.start()]
        colon = _COLON.match(text, token.end())
        name = _unquoted(token[0])
        if colon is None:
            yield _inner(token[0], name)
            done = token.end()
            continue
        yield token[0] + colon[0]
        done = colon.end()
        if is_secret(name):
            end = _value_end(text, done)
            yield f'"{MARKER}"' if end > done else ""
            done = end
        elif name == "data_base64" and (value := _STRING.match(text, done)):
            yield _in_base64(value[0])
            done = value.end()
    yield text[done:]


def _skipped(text: str, start: int) -> int:
    """Return where the next string stands that may name a password, or hold one."""
    while (plain := _PLAIN.match(text, start)) and not _OURS.search(text, *plain.span(1)):
        start = plain.end()
    return start


def _unquoted(token: str) -> str:
    if "\\" not in token:
        return token.strip('"')
    try:
        return str(_LENIENT.decode(token))
    except ValueError:
        return token


def _inner(token: str, text: str) -> str:
    """Return a string in which JSON or the like may stand, without the password in it."""
    if not is_secret(text):
        return token
    clean = _ANYWHERE.sub(_marked, text)
    return token if clean == text else json.dumps(clean)


def _in_base64(token: str) -> str:
    try:
        inner = b64decode(_unquoted(token))
    except (ValueError, Base64Error):
        return token
    clean = _redact(inner)
    return token if clean == inner else f'"{b64encode(clean).decode()}"'


def _value_end(text: str, start: int) -> int:
    """Return where a JSON value ends; a broken one ends with the text."""
    first = text[start : start + 1]
    if first == '"':
        value = _STRING.match(text, start)
        return value.end() if value else len(text)
    if first not in {"{", "["}:
        bare = _BARE.match(text, start)
        return bare.end() if bare else len(text)
    depth = 0
    for part in _BRACKET_OR_STRING.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(part[0], 0)
        if depth == 0:
            return part.end()
    return len(text)


_BRACKET_OR_STRING = re.compile(rf"[\[\]{{}}]|{_STRING.pattern}", re.DOTALL)
