"""Imports on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from usercore.codec.documents import Time

Count = Annotated[int, Meta(ge=0)]


class ImportCounts(Struct, rename="camel", kw_only=True):
    """What became of the rows so far."""

    rows: Count
    created: Count
    updated: Count
    unchanged: Annotated[int, Meta(ge=0, description="Rows whose users were so already.")]
    skipped: Annotated[int, Meta(ge=0, description="Rows that were passed over because their users exist.")]
    failed: Annotated[int, Meta(ge=0, description="Rows with errors.")]


class Import(Struct, rename="camel", kw_only=True):
    """An import of many users."""

    id: str
    state: Annotated[
        Literal["RUNNING", "COMPLETED", "CANCELLED", "FAILED"],
        Meta(description="`FAILED`: what was sent cannot be read as its format. What was imported stays in any case."),
    ]
    format: Literal["ndjson", "csv", "parquet"]
    mode: Literal["insert", "upsert", "skip"]
    by: Literal["email", "external-id"]
    quiet_events: bool
    invite: bool
    counts: ImportCounts
    position: Annotated[int, Meta(ge=0, description="Bytes of the file that are done; of Parquet rows.")]
    started_by: str
    started_at: Time
    updated_at: Annotated[Time, Meta(description="When rows were last committed.")]
    finished_at: Time | None
    trouble: Annotated[str | None, Meta(description="The code of what it failed of.")]


class ImportPage(Struct, rename="camel", kw_only=True):
    """A page of imports, the newest first."""

    items: list[Import]
    next_cursor: str | None


class ImportRowError(Struct, rename="camel", kw_only=True):
    """One rule that one row broke."""

    line: Annotated[int, Meta(ge=1, description="Of the file, from 1.")]
    code: str
    pointer: Annotated[str, Meta(description="A JSON Pointer to the field; empty for the row as a whole.")]
    detail: str


class ImportErrorPage(Struct, rename="camel", kw_only=True):
    """A page of what is wrong with rows, in the order of their lines."""

    items: list[ImportRowError]
    next_cursor: str | None
