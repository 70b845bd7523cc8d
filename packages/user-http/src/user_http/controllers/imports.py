"""Imports of many users, which the service works off in the background."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Final

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, items, json_answer
from user_http.controllers.common import context_of
from user_http.controllers.listing import links
from user_http.decoding.media import CSV, NDJSON, check_media_type
from user_http.decoding.query import at_most, one_of, read_query, whole_number
from user_http.pipeline import Operation
from user_http.requests import Call
from usercore.bulk.imports.values import (
    ERRORS_PAGE_MAX,
    Import,
    ImportFormat,
    ImportId,
    ImportKey,
    ImportMode,
    ImportOptions,
)
from usercore.codec.imports import error_object, import_object
from usercore.codec.scalars import compact
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core

FORMATS: Final = {NDJSON: ImportFormat.NDJSON, CSV: ImportFormat.CSV}
_CURSOR_MAX_CHARS: Final = 36
_ERRORS_DEFAULT: Final = 100


@frozen
class ImportController:
    """Answers what is asked of imports.

    Args:
        core: every use case.
        limit_bytes: the longest file.
    """

    core: Core
    limit_bytes: int

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.CREATE_IMPORT, self.create, patient=True)
        yield Operation(routes.LIST_IMPORTS, self.list)
        yield Operation(routes.GET_IMPORT, self.get)
        yield Operation(routes.LIST_IMPORT_ERRORS, self.errors)
        yield Operation(routes.CANCEL_IMPORT, self.cancel)

    async def create(self, call: Call) -> Answer:
        """Take a file, and begin its import."""
        query = read_query(call, "mode", "by", "quietEvents", "invite", "restart")
        mode = query.read("mode", one_of(*ImportMode)) or ImportMode.INSERT
        by = query.read("by", one_of(*ImportKey)) or ImportKey.EMAIL
        quiet, invite, restart = (query.read(name, _flag) == "true" for name in ("quietEvents", "invite", "restart"))
        query.check()
        media = check_media_type(call, tuple(FORMATS))
        options = ImportOptions(FORMATS[media], ImportMode(mode), ImportKey(by), quiet, invite)
        begun = await self.core.receive_upload(options, self._data(call), context_of(call, None), restart=restart)
        path = routes.GET_IMPORT.path.replace("{importId}", begun.id)
        return json_answer(_body(begun), (b"location", path.encode()), status=202)

    def _data(self, call: Call) -> AsyncIterator[bytes]:
        return call.pieces(self.limit_bytes)

    async def list(self, call: Call) -> Answer:
        """Serve a page of imports, the newest first."""
        query = read_query(call, "limit", "cursor")
        limit = query.read("limit", whole_number(1, PAGE_MAX))
        cursor = query.read("cursor", at_most(_CURSOR_MAX_CHARS))
        query.check()
        page = await self.core.read_imports.page(cursor=cursor, limit=limit or PAGE_DEFAULT)
        body = items(map(_body, page.items), json.dumps(page.next_cursor).encode())
        return json_answer(body, (b"link", links(routes.LIST_IMPORTS.path, query.values, page.next_cursor)))

    async def get(self, call: Call) -> Answer:
        """Say how far an import has come."""
        read_query(call)
        return json_answer(_body(await self.core.read_imports(_id(call))))

    async def errors(self, call: Call) -> Answer:
        """Serve a page of what is wrong with rows, in the order of their lines."""
        query = read_query(call, "limit", "cursor")
        limit = query.read("limit", whole_number(1, ERRORS_PAGE_MAX))
        cursor = query.read("cursor", at_most(_CURSOR_MAX_CHARS))
        query.check()
        page = await self.core.read_imports.errors(_id(call), cursor=cursor, limit=limit or _ERRORS_DEFAULT)
        body = items((compact(error_object(one)) for one in page.items), json.dumps(page.next_cursor).encode())
        path = routes.LIST_IMPORT_ERRORS.path.replace("{importId}", _id(call))
        return json_answer(body, (b"link", links(path, query.values, page.next_cursor)))

    async def cancel(self, call: Call) -> Answer:
        """End an import before its time; what was imported stays."""
        read_query(call)
        return json_answer(_body(await self.core.end_import.cancel(_id(call), context_of(call, None))))


def _flag(raw: str) -> str:
    return one_of("true", "false")(raw)


def _body(one: Import) -> bytes:
    return compact(import_object(one))


def _id(call: Call) -> ImportId:
    """Return the path's import id in canonical form; no import has one of another form."""
    return ImportId(call.params["importId"].lower())
