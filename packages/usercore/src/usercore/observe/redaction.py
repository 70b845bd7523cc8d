"""Take personal data out of log lines: whatever stands under a name that is classified as personal, however deep.

Code that logs is to leave it out by itself; this is for the day on which somebody forgets.
"""

import re
from collections.abc import Mapping
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from usercore.privacy.classification.naming import is_personal

REDACTED: Final = "[redacted]"
_DEEPEST: Final = 8
"""What is nested deeper is no log line, and is not shown at all."""
_ITS_OWN: Final = frozenset({"_record", "_from_structlog"})
"""What structlog passes on from one step to the next, and shows to nobody."""
_ADDRESS = re.compile(r"[^\s@\"'<>(),;]{1,254}@[^\s@\"'<>(),;]{1,254}")


def without_personal_data(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put a mark in place of every value under a personal name, and of every address within a text."""
    for name, value in event.items():
        if name not in _ITS_OWN:
            event[name] = _shown(name, value, 1)
    return event


def _shown(name: object, value: object, depth: int) -> object:
    return _marked(value) if is_personal(str(name)) else _clean(value, depth)


def _marked(value: object) -> object:
    # That there is nothing tells nobody anything, and often it is what one looks for.
    return None if value is None else REDACTED


def _clean(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _ADDRESS.sub(REDACTED, value) if "@" in value else value
    if depth > _DEEPEST:
        return REDACTED
    if isinstance(value, Mapping):
        return {_clean(name, depth): _shown(name, inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, depth + 1) for inner in value]
    # Bytes may be anything; of other objects the text is shown, in which our own hide what is personal.
    return REDACTED if isinstance(value, bytes | bytearray | memoryview) else _clean(str(value), depth)
