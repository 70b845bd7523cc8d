"""The operations on imports as the document describes them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import evolve

from user_http.decoding.media import CSV, NDJSON
from user_http.openapi.describing import Body, Description, Success
from usercore.bulk.imports.values import Import, ImportId, ImportOptions, ImportState, Progress, RowError, Tally
from usercore.codec.imports import error_object, import_object

_AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_IMPORT: Final = Import(
    id=ImportId("01932f74-9c1b-7a35-b1d0-5e8f2a6c4d97"),
    options=ImportOptions(),
    fingerprint=None,
    state=ImportState.RUNNING,
    progress=Progress(1_048_000, 5_001, Tally(created=4_990, failed=10)),
    started_by="OPERATOR:ada",
    started_at=_AT,
    updated_at=_AT + timedelta(seconds=2),
)


def one() -> Any:  # noqa: ANN401 -- any JSON value
    """Return an import that is under way."""
    return import_object(_IMPORT)


def begun() -> Any:  # noqa: ANN401 -- any JSON value
    """Return an import that has just begun."""
    return import_object(evolve(_IMPORT, progress=Progress(), updated_at=_AT))


def cancelled() -> Any:  # noqa: ANN401 -- any JSON value
    """Return an import that was cancelled."""
    return import_object(_IMPORT.ended(ImportState.CANCELLED, _AT + timedelta(seconds=3)))


def page() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of imports."""
    return {"items": [one()], "nextCursor": None}


def errors() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of errors."""
    error = RowError(17, "email_invalid", "/email", "write the address as in name@example.com")
    return {"items": [error_object(error)], "nextCursor": None}


_TAG: Final = "Imports"
_ROWS: Final = '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}\n'

DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "createImport": Description(
        _TAG,
        "Import many users",
        "The body is the file: NDJSON or CSV, by the names of the profile. It is answered once all of it is kept; its "
        "rows are imported in the background, each judged by itself, and another copy of the service goes on where one "
        "ends. The same bytes with the same options are imported once: repeated, it is answered with the same import.",
        ("importMode", "importBy", "importQuietEvents", "importInvite", "importRestart"),
        Success("Import", begun, ("Location",), 202),
        Body("", _ROWS, media=(NDJSON, CSV)),
    ),
    "listImports": Description(
        _TAG, "List imports", "The newest first.", ("limit", "cursor"), Success("ImportPage", page, ("Link",))
    ),
    "getImport": Description(
        _TAG,
        "See how far an import has come",
        "Its counts move with each batch.",
        ("importId",),
        Success("Import", one),
    ),
    "listImportErrors": Description(
        _TAG,
        "List what is wrong with rows",
        "In the order of the lines; nothing that stood in a row is repeated.",
        ("importId", "importErrorsLimit", "cursor"),
        Success("ImportErrorPage", errors, ("Link",)),
    ),
    "cancelImport": Description(
        _TAG,
        "End an import before its time",
        "What was imported until then stays. One that has ended stays as it is.",
        ("importId",),
        Success("Import", cancelled),
    ),
}
