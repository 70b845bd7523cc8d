"""Look at imports and at what was wrong with their rows."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from attrs import frozen

from usercore.bulk.imports.errors import ImportNotFoundError
from usercore.bulk.imports.ports import ImportStore
from usercore.bulk.imports.values import ERRORS_PAGE_MAX, Import, ImportId, RowError
from usercore.kernel.errors import Violation
from usercore.kernel.paging import Page
from usercore.users.errors import QueryInvalidError
from usercore.users.queries import PAGE_MAX

_CURSOR_MAX_CHARS: Final = 36


@frozen
class ReadImports:
    """Reads imports."""

    store: ImportStore

    async def __call__(self, import_id: ImportId) -> Import:
        """Return one import.

        Raises:
            ImportNotFoundError: there is none.
        """
        found = await self.store.get(import_id)
        if found is None:
            raise ImportNotFoundError
        return found

    async def page(self, *, cursor: str | None = None, limit: int = 50) -> Page[Import]:
        """Return imports, the newest first; the cursor is the id of the last one.

        Raises:
            QueryInvalidError: the limit or the cursor is none.
        """
        _check(limit, PAGE_MAX)
        if cursor is not None and len(cursor) != _CURSOR_MAX_CHARS:
            raise QueryInvalidError(violations=(Violation(("cursor",), "cursor_invalid", "take it from a page"),))
        found = await self.store.page(before=None if cursor is None else ImportId(cursor), limit=limit + 1)
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def errors(self, import_id: ImportId, *, cursor: str | None = None, limit: int = 100) -> Page[RowError]:
        """Return errors of an import, in the order of the lines; the cursor is a number.

        Raises:
            ImportNotFoundError: there is no such import.
            QueryInvalidError: the limit or the cursor is none.
        """
        _check(limit, ERRORS_PAGE_MAX)
        if cursor is not None and not _is_number(cursor):
            raise QueryInvalidError(violations=(Violation(("cursor",), "cursor_invalid", "take it from a page"),))
        await self(import_id)
        found = await self.store.errors(import_id, after=int(cursor or 0), limit=limit + 1)
        last = str(found[limit - 1][0]) if len(found) > limit else None
        return Page(tuple(error for _, error in found[:limit]), last)

    async def all_errors(self, import_id: ImportId) -> AsyncIterator[Sequence[RowError]]:
        """Yield all errors of an import, page by page, in the order of the lines."""
        after = 0
        while page := await self.store.errors(import_id, after=after, limit=ERRORS_PAGE_MAX):
            yield [error for _, error in page]
            after = page[-1][0]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < _CURSOR_MAX_CHARS // 2


def _check(limit: int, most: int) -> None:
    if not 1 <= limit <= most:
        detail = f"ask for 1 to {most}"
        raise QueryInvalidError(violations=(Violation(("limit",), "out_of_range", detail),))
