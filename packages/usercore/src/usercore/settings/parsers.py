"""From the text of an environment variable to a value.

A parser raises :class:`ValueError` with what to write instead, and never repeats the text.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from usercore.kernel.limits import Quota
from usercore.kernel.secret import Secret
from usercore.users.values import parse_time_zone

E = TypeVar("E", bound=StrEnum)

PORT_MAX: Final = 65_535
# Source: Apache Kafka, org.apache.kafka.common.internals.Topic: legal characters; at most 249 of them in all.
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_TIER = re.compile(r"[A-Z][A-Z0-9_]{0,31}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)

_BETWEEN_URLS = re.compile(r",?\s+|,(?=[a-z]+://)")
"""A comma may stand in a password as well."""
_BASE = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+(?:/[A-Za-z0-9._~%-]+)*", re.ASCII)
# Source: RFC 6750, 2.1: b64token.
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)

_QUOTA = re.compile(r"([0-9]{1,8})/([0-9]{1,5})", re.ASCII)
QUOTA_MAX: Final = 10_000_000
WINDOW_MAX_S: Final = 86_400

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def text(raw: str) -> str:
    """Return text that is not blank."""
    if not raw.strip():
        message = "write some text, or leave the variable out"
        raise ValueError(message)
    return raw.strip()


def key_name(raw: str) -> str:
    """Return the name of a key, as it stands under what it signs."""
    name = raw.strip()
    if not name or "+" in name or not name.isprintable() or any(one.isspace() for one in name):
        message = "write a name without blanks and +"
        raise ValueError(message)
    return name


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a parser for a whole number within bounds."""
    wanted = f"write a whole number from {least} to {most}"

    def parse(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            raise ValueError(wanted) from None
        if not least <= number <= most:
            raise ValueError(wanted)
        return number

    return parse


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return a parser for a number of seconds within bounds."""
    wanted = f"write a number of seconds from {least:g} to {most:g}"

    def parse(raw: str) -> float:
        try:
            number = float(raw)
        except ValueError:
            raise ValueError(wanted) from None
        if not least <= number <= most:
            raise ValueError(wanted)
        return number

    return parse


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a parser for a number within bounds."""
    wanted = f"write a number from {least:g} to {most:g}"

    def parse(raw: str) -> float:
        try:
            found = float(raw)
        except ValueError:
            raise ValueError(wanted) from None
        if not least <= found <= most:
            raise ValueError(wanted)
        return found

    return parse


def boolean(raw: str) -> bool:
    """Return a truth value."""
    word = raw.strip().lower()
    if word not in _TRUE | _FALSE:
        message = "write true or false"
        raise ValueError(message)
    return word in _TRUE


def one_of(kind: type[E]) -> Callable[[str], E]:
    """Return a parser for one of a few words."""
    wanted = "write one of " + ", ".join(kind)

    def parse(raw: str) -> E:
        try:
            return kind(raw.strip().lower())
        except ValueError:
            raise ValueError(wanted) from None

    return parse


def url(*schemes: str) -> Callable[[str], str]:
    """Return a parser for a URL of one of these schemes, which names a host."""
    wanted = "write a URL that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)

    def parse(raw: str) -> str:
        try:
            parts = urlsplit(raw.strip())
            # Reading the port is what checks it.
            usable = parts.scheme in schemes and (parts.hostname or parts.path) and parts.port != 0
        except ValueError:
            raise ValueError(wanted) from None
        if not usable:
            raise ValueError(wanted)
        return raw.strip()

    return parse


def base_url(raw: str) -> str:
    """Return the beginning of web addresses, without a slash at its end."""
    found = raw.strip().rstrip("/")
    if not _BASE.fullmatch(found):
        message = "write the beginning of web addresses, as in https://users.example.com"
        raise ValueError(message)
    return url("https", "http")(found)


def secret_url(*schemes: str) -> Callable[[str], Secret]:
    """Return a parser for a URL that may hold a password."""
    parse = url(*schemes)
    return lambda raw: Secret(parse(raw))


def secret_urls(*schemes: str) -> Callable[[str], tuple[Secret, ...]]:
    """Return a parser for such URLs, parted by white space or by commas."""
    parse = secret_url(*schemes)
    return lambda raw: tuple(parse(one) for one in _BETWEEN_URLS.split(raw.strip().strip(",")))


def path(raw: str) -> Path:
    """Return a path."""
    return Path(text(raw)).expanduser()


def quota(raw: str) -> Quota | None:
    """Return so many requests in so many seconds: ``600/60``; None for ``off``."""
    found = _QUOTA.fullmatch(raw.strip())
    if raw.strip().lower() == "off":
        return None
    if found is None or not 1 <= int(found[1]) <= QUOTA_MAX or not 1 <= int(found[2]) <= WINDOW_MAX_S:
        message = f"write REQUESTS/SECONDS, as 600/60, at most {QUOTA_MAX}/{WINDOW_MAX_S}, or off"
        raise ValueError(message)
    return Quota(int(found[1]), int(found[2]))


def words(raw: str) -> tuple[str, ...]:
    """Return words parted by commas."""
    return tuple(word.strip() for word in raw.split(",") if word.strip())


def secret(raw: str) -> Secret:
    """Return a secret that is not empty."""
    return Secret(text(raw))


def brokers(raw: str) -> tuple[str, ...]:
    """Return ``host:port`` pairs parted by commas."""
    found = words(raw)
    if not found or not all(map(_is_broker, found)):
        message = "write host:port, several parted by commas"
        raise ValueError(message)
    return found


def _is_broker(word: str) -> bool:
    host, _, port = word.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) <= PORT_MAX


def prefix(raw: str) -> str:
    """Return the beginning of a topic's name."""
    if not _TOPIC.fullmatch(raw.strip()):
        message = "write up to 100 letters, digits, dots, hyphens and underscores"
        raise ValueError(message)
    return raw.strip()


def name(raw: str) -> str:
    """Return a name that needs no quoting anywhere, such as that of a topic."""
    return prefix(raw)


def bearer(raw: str) -> Secret:
    """Return a bearer token."""
    if not _BEARER.fullmatch(raw.strip()):
        message = "write a bearer token: letters, digits and -._~+/, at the end maybe ="
        raise ValueError(message)
    return Secret(raw.strip())


def time_zone(raw: str) -> tzinfo:
    """Return a zone of the IANA database."""
    try:
        return ZoneInfo(parse_time_zone(raw))
    except ValueError:
        message = "name a zone of the IANA database, as in Europe/Berlin"
        raise ValueError(message) from None


def tiers(raw: str) -> tuple[tuple[str, int], ...]:
    """Return names with rising thresholds, the first of which is 0: ``BRONZE:0,SILVER:1000``."""
    found = [word.partition(":")[::2] for word in words(raw)]
    valid = all(_TIER.fullmatch(name) and _WHOLE.fullmatch(points) for name, points in found)
    parsed = tuple((name, int(points)) for name, points in found) if valid else ()
    points = [least for _, least in parsed]
    if not parsed or points[0] != 0 or points != sorted(set(points)) or len(dict(parsed)) != len(parsed):
        message = "write NAME:POINTS parted by commas, each name once, with rising points from 0: BRONZE:0,SILVER:1000"
        raise ValueError(message)
    return parsed


def key_256(raw: str) -> Secret:
    """Return a secret of 32 bytes, written in base64; kept in that form."""
    wanted = "write 32 random bytes in base64 (openssl rand -base64 32)"
    try:
        size = len(base64.b64decode(raw.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise ValueError(wanted) from None
    if size != KEY_BYTES:
        raise ValueError(wanted)
    return Secret(raw.strip())


KEY_BYTES: Final = 32
"""Source: NIST SP 800-38D with AES-256."""


def master_keys(raw: str) -> Secret:
    """Return master keys, ``version:key`` parted by commas or white space; kept in that form."""
    wanted = "write VERSION:KEY, several parted by commas: 1: and 32 random bytes in base64 (openssl rand -base64 32)"
    pairs = raw.replace(",", " ").split()
    versions = [pair.partition(":")[0] for pair in pairs]
    if not pairs or len(set(versions)) != len(pairs) or not all(_VERSION.fullmatch(version) for version in versions):
        raise ValueError(wanted)
    for pair in pairs:
        try:
            key_256(pair.partition(":")[2])
        except ValueError:
            raise ValueError(wanted) from None
    return Secret(" ".join(pairs))


_VERSION = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
