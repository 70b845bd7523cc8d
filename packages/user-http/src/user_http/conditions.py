"""Conditional requests: If-Match and If-None-Match over versions.

Source: RFC 9110, 8.8.3, 13.1.1 and 13.1.2.
"""

import re
from typing import Final

from attrs import frozen

from user_http.problems import HEADER_MALFORMED, PRECONDITION_REQUIRED, RequestRefusedError
from user_http.requests import Call
from usercore.kernel.ids import UserId
from usercore.users.errors import StaleVersionError
from usercore.users.read_users import GetUser, UserNamed

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST = re.compile(rf"[ \t]*(?:{_TAG.pattern})[ \t]*(?:,[ \t]*(?:{_TAG.pattern})?[ \t]*)*+")
_VERSION = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
HEADER_MAX_CHARS: Final = 4096


@frozen
class Match:
    """What an If-Match header asks for.

    Args:
        any_version: it is ``*``, or there is none.
        versions: the versions its strong tags name; a weak tag matches nothing here.
    """

    any_version: bool
    versions: frozenset[int] = frozenset()


def if_match(call: Call, *, required: bool) -> Match:
    """Read the If-Match header.

    Raises:
        RequestRefusedError: it is missing though required, or no list of entity tags.
    """
    raw = call.header(b"if-match")
    if raw is None:
        if required:
            raise RequestRefusedError(PRECONDITION_REQUIRED, "send If-Match with the ETag of what you read")
        return Match(any_version=True)
    if raw.strip() == "*":
        return Match(any_version=True)
    tags = _tags(raw)
    if tags is None:
        raise RequestRefusedError(HEADER_MALFORMED, 'write If-Match as in "7", or *')
    strong = (tag for weak, tag in tags if not weak)
    return Match(any_version=False, versions=frozenset(int(tag) for tag in strong if _VERSION.fullmatch(tag)))


async def expected_version(match: Match, user_id: UserId, get_user: GetUser) -> int | None:
    """Return the one version that the change must begin from, or None for any.

    Raises:
        StaleVersionError: no tag names the current version.
        UserNotFoundError, UserErasedError: there is no such user.
    """
    if match.any_version:
        return None
    if len(match.versions) == 1:
        return next(iter(match.versions))
    current = (await get_user(UserNamed(user_id=user_id))).version
    if current not in match.versions:
        raise StaleVersionError(current=current)
    return current


def is_known(raw: str | None, version: int) -> bool:
    """Return whether an If-None-Match header names this version, so that there is nothing new to send."""
    if raw is None:
        return False
    if raw.strip() == "*":
        return True
    return any(tag == str(version) for _, tag in _tags(raw) or ())


def _tags(raw: str) -> list[tuple[bool, str]] | None:
    """Return the tags of a list with their weakness, or None where it is none."""
    if len(raw) > HEADER_MAX_CHARS or not _LIST.fullmatch(raw):
        return None
    return [(bool(weak), tag) for weak, tag in _TAG.findall(raw)]
