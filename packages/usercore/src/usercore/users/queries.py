"""Which users to list, in which order, and from where on."""

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import field, frozen

from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.users.conditions import Condition
from usercore.users.errors import QueryInvalidError
from usercore.users.values import AccountState

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 500
CURSOR_MAX_CHARS: Final = 200
PRESENT: Final = frozenset({AccountState.ACTIVE, AccountState.DEACTIVATED})
"""The states of those who are still themselves: neither merged into another nor erased."""


def require_limit(limit: int, of: str = "") -> None:
    """Return if a page may have that many items.

    Args:
        limit: asked for.
        of: what the items are, for people.

    Raises:
        QueryInvalidError: it may not.
    """
    if not 1 <= limit <= PAGE_MAX:
        detail = f"ask for 1 to {PAGE_MAX} {of}".rstrip()
        raise QueryInvalidError(violations=(Violation(("limit",), "out_of_range", detail),))


class Sort(StrEnum):
    """The orders a list may have; the id decides among equals."""

    CREATED_UP = "createdAt"
    CREATED_DOWN = "-createdAt"
    UPDATED_UP = "updatedAt"
    UPDATED_DOWN = "-updatedAt"

    @property
    def descending(self) -> bool:
        """Whether the newest come first."""
        return self.value.startswith("-")

    @property
    def by_creation(self) -> bool:
        """Whether the time of creation decides, not that of the last change."""
        return self.value.endswith("createdAt")


@frozen
class Position:
    """The last item of a page: where the next one begins.

    Args:
        at: its time of creation or of the last change, as the sort has it.
        user_id: its id.
    """

    at: datetime
    user_id: UserId


@frozen
class UserQuery:
    """A list of users. Filters combine: a user must satisfy all.

    Args:
        email: canonical form.
        username: canonical form.
        external_id: as it is.
        states: account states; empty means active and deactivated.
        created_after: exclusive bound; likewise the other three.
        words: each must be the beginning of a word of the name, the username or the email.
        condition: what else must hold of a user; whoever is merged or erased satisfies none.
        mark: stands for the filter that the condition came from; cursors of the list carry it.
        sort: the order.
        limit: 1 to :data:`PAGE_MAX` users.
        after: the end of the page before, or None for the first page.
    """

    email: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    external_id: str | None = field(default=None, repr=False)
    states: frozenset[AccountState] = frozenset()
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    words: tuple[str, ...] = field(default=(), repr=False)
    condition: Condition | None = field(default=None, repr=False)
    mark: str = ""
    sort: Sort = Sort.CREATED_DOWN
    limit: int = PAGE_DEFAULT
    after: Position | None = None

    @property
    def visible_states(self) -> frozenset[AccountState]:
        """The states to list, which may be none."""
        if not self.states:
            return PRESENT
        return self.states if self.condition is None else self.states & PRESENT


def write_cursor(sort: Sort, position: Position, mark: str = "") -> str:
    """Return the opaque word for a position in a list of this order, and of the filter that a mark stands for."""
    micros = (position.at - _EPOCH) // _MICROSECOND
    raw = json.dumps([sort.value, micros, position.user_id, *([mark] if mark else [])], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(sort: Sort, cursor: str, mark: str = "") -> Position:
    """Return the position a cursor stands for.

    Raises:
        QueryInvalidError: the cursor is not ours, or of a list in another order or by another filter.
    """
    if len(cursor) > CURSOR_MAX_CHARS or not cursor.isascii():
        raise _bad_cursor()
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        match json.loads(raw):
            case [sort.value, int(micros), str(user_id), *marks] if _is_of(marks, mark) and not isinstance(
                micros, bool
            ):
                return Position(_EPOCH + micros * _MICROSECOND, UserId(str(UUID(user_id))))
    except (binascii.Error, ValueError, OverflowError, RecursionError):
        pass
    raise _bad_cursor()


def _is_of(marks: list[object], mark: str) -> bool:
    """Return whether what a cursor carries is the mark of a filter, or nothing where there is none."""
    return marks == ([mark] if mark else [])


def _bad_cursor() -> QueryInvalidError:
    detail = "use the cursor of the page before, with the same sort and the same filter"
    return QueryInvalidError(violations=(Violation(("cursor",), "cursor_invalid", detail),))


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
