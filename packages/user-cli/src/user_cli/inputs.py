"""What userctl reads: files, standard input, times and secrets."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

from user_cli.failures import FileUnusableError, InputInvalidError, UsageError
from usercore.kernel.secret import Secret

__all__ = [
    "STDIN",
    "moment",
    "optional_moment",
    "read_bytes",
    "read_documents",
    "read_json_object",
    "read_password",
    "span",
    "write_private",
    "write_public",
]

STDIN: Final = "-"
PASSWORD_FILE: Final = "USERCTL_PASSWORD_FILE"  # noqa: S105 - the name of a variable
_MAX_BYTES: Final = 1024 * 1024
_OWNER_ALONE: Final = 0o600
_EVERYBODY: Final = 0o644
_SPAN: Final = re.compile(r"([1-9]\d{0,4})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_bytes(source: str) -> bytes:
    """Return what a file holds, or standard input for ``-``; at most 1 MiB.

    Raises:
        FileUnusableError: it cannot be read.
        InputInvalidError: it is larger.
    """
    try:
        data = sys.stdin.buffer.read(_MAX_BYTES + 1) if source == STDIN else _head(Path(source))
    except OSError as error:
        raise FileUnusableError(f"{_name(source)} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise InputInvalidError(f"{_name(source)} holds more than {_MAX_BYTES} bytes")
    return data


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES + 1)


def _name(source: str) -> str:
    # People write an address where a file is asked for, and an error repeats nobody's address.
    return "standard input" if source == STDIN else "the file that is named" if "@" in source else f"the file {source}"


def read_documents(source: str, *, limit_bytes: int) -> Iterator[bytes]:
    """Yield the documents in a file, or on standard input for ``-``, as they come.

    Where the first line is a JSON document by itself, each line is one, and empty lines are none; else all of it is.

    Args:
        source: the file.
        limit_bytes: the largest document.

    Raises:
        FileUnusableError: it cannot be read.
        InputInvalidError: a document is larger, or there is none.
    """
    try:
        with nullcontext(sys.stdin.buffer) if source == STDIN else Path(source).open("rb") as file:
            yield from _documents(file, _name(source), limit_bytes)
    except OSError as error:
        raise FileUnusableError(f"{_name(source)} cannot be read: {error.strerror}") from None


def _documents(file: IO[bytes], name: str, limit_bytes: int) -> Iterator[bytes]:
    line = next((one for one in iter(lambda: file.readline(limit_bytes + 1), b"") if one.strip()), b"")
    if not _is_json(line):
        line += file.read(limit_bytes + 1)
    if not line.strip():
        raise InputInvalidError(f"{name} holds nothing")
    while line:
        if len(line.rstrip(b"\r\n")) > limit_bytes:
            raise InputInvalidError(f"{name} holds a document of more than {limit_bytes} bytes")
        if line.strip():
            yield line.strip()
        line = file.readline(limit_bytes + 1)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def read_json_object(source: str) -> dict[str, Any]:
    """Return the JSON object in a file, or on standard input for ``-``.

    Raises:
        FileUnusableError: it cannot be read.
        InputInvalidError: it holds something else, or an object with the same name twice.
    """
    data = read_bytes(source)
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repetition, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputInvalidError(f"{_name(source)} does not hold valid JSON in UTF-8{where}") from None
    if not isinstance(document, dict):
        raise InputInvalidError(f"{_name(source)} does not hold a JSON object")
    return document


def _without_repetition(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputInvalidError("a name stands twice in one JSON object")
    return found


def _refuse(_: str) -> None:
    message = "not a number of JSON"
    raise ValueError(message)


def read_password(*, from_stdin: bool, environ: Mapping[str, str] = os.environ) -> Secret | None:
    """Return the password that is offered: on standard input, or in the file that the environment names.

    One line break at the end does not belong to it.

    Raises:
        UsageError: both were offered.
        FileUnusableError: the file cannot be read.
        InputInvalidError: it is not UTF-8.
    """
    by_file = environ.get(PASSWORD_FILE)
    if from_stdin and by_file:
        raise UsageError(f"give the password either by --password-stdin or by {PASSWORD_FILE}")
    source = STDIN if from_stdin else by_file
    if not source:
        return None
    try:
        text = read_bytes(source).decode("utf-8")
    except UnicodeDecodeError:
        raise InputInvalidError("the password is not in UTF-8") from None
    return Secret(text.removesuffix("\n").removesuffix("\r"))


def moment(option: str, raw: str) -> datetime:
    """Return an aware UTC time; a date alone is its midnight in UTC.

    Args:
        option: who asks, for the message.
        raw: RFC 3339, or a date.

    Raises:
        UsageError: it is neither.
    """
    try:
        at = datetime.fromisoformat(raw)
        if at.tzinfo is None and _is_date(raw):
            at = at.replace(tzinfo=UTC)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"{option}: write a time with its zone, as in 2026-01-31T12:00:00Z, or a date")


def optional_moment(option: str, raw: str | None) -> datetime | None:
    """Return :func:`moment`, or None for None."""
    return None if raw is None else moment(option, raw)


def _is_date(raw: str) -> bool:
    try:
        date.fromisoformat(raw)
    except ValueError:
        return False
    return True


def span(option: str, raw: str) -> timedelta:
    """Return a length of time.

    Raises:
        UsageError: it is not written as a number and one of s, m, h, d.
    """
    match = _SPAN.fullmatch(raw.strip())
    if match is None:
        raise UsageError(f"{option}: write a number of seconds, minutes, hours or days, as in 30s, 15m, 12h, 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def write_private(path: Path, data: bytes) -> None:
    """Make a file that its owner alone may read, whole or not at all; one that is there is replaced.

    Raises:
        FileUnusableError: it cannot be written.
    """
    _write(path, data, _OWNER_ALONE)


def write_public(path: Path, data: bytes) -> None:
    """Make a file that everybody may read, whole or not at all; one that is there is replaced.

    Raises:
        FileUnusableError: it cannot be written.
    """
    _write(path, data, _EVERYBODY)


def _write(path: Path, data: bytes, mode: int) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ALONE)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
        unfinished.replace(path)
    except OSError as error:
        raise FileUnusableError(f"the file that is named cannot be written: {error.strerror}") from None
