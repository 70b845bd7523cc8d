"""`userctl imports`: imports that are under way or over, and what was wrong with their rows."""

from typing import Final

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.output import show_json, show_json_page, show_pairs, show_table
from user_cli.session import open_session
from usercore.bulk.imports.values import Import, ImportId
from usercore.codec.imports import error_object, import_object
from usercore.users.queries import PAGE_DEFAULT

app = command_group("imports", "Imports of many users: look, see what was wrong with rows, cancel.")

_ERRORS_DEFAULT: Final = 100


@app.command(name="list")
async def list_(*, limit: WithDefault[int] = PAGE_DEFAULT, cursor: str | None = None, as_json: AsJson = False) -> None:
    """List imports, the newest first, those of `POST /v1/imports` too.

    ```
    userctl imports list
    userctl imports list --limit 10 --json
    ```

    Args:
        limit: imports on a page.
        cursor: go on where the page before ended.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    async with open_session() as session:
        page = await session.core.read_imports.page(cursor=cursor, limit=limit)
    if as_json:
        show_json_page(map(import_object, page.items), page.next_cursor)
        return
    rows = [
        (one.id, one.state.value, one.progress.tally.rows, one.progress.tally.failed, one.started_at, one.started_by)
        for one in page.items
    ]
    show_table(("IMPORT", "STATE", "ROWS", "FAILED", "STARTED", "BY"), rows, empty="There are no imports.")


@app.command
async def show(import_id: str, /, *, as_json: AsJson = False) -> None:
    """Show how far an import has come.

    ```
    userctl imports show 01932f74-9c1b-7a35-b1d0-5e8f2a6c4d97
    ```

    Args:
        import_id: its id.
        as_json: write the import as JSON.
    """
    async with open_session() as session:
        found = await session.core.read_imports(ImportId(import_id))
    _show(found, as_json=as_json)


@app.command
async def errors(
    import_id: str,
    /,
    *,
    limit: WithDefault[int] = _ERRORS_DEFAULT,
    cursor: str | None = None,
    as_json: AsJson = False,
) -> None:
    """List what is wrong with rows of an import, in the order of the lines. No value is repeated.

    ```
    userctl imports errors 01932f74-9c1b-7a35-b1d0-5e8f2a6c4d97 --limit 1000 --json
    ```

    Args:
        import_id: its id.
        limit: errors on a page, 1 to 1000.
        cursor: go on where the page before ended.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    async with open_session() as session:
        page = await session.core.read_imports.errors(ImportId(import_id), cursor=cursor, limit=limit)
    if as_json:
        show_json_page(map(error_object, page.items), page.next_cursor)
    else:
        rows = [(one.line, one.code, one.pointer, one.detail) for one in page.items]
        show_table(("LINE", "CODE", "FIELD", "WHAT TO DO"), rows, empty="No row has errors.")


@app.command
async def cancel(import_id: str, /, *, as_json: AsJson = False) -> None:
    """End an import before its time. What was imported stays; whoever is at it stops at the next batch.

    ```
    userctl imports cancel 01932f74-9c1b-7a35-b1d0-5e8f2a6c4d97
    ```

    Args:
        import_id: its id.
        as_json: write the import as JSON.
    """
    async with open_session() as session:
        ended = await session.core.end_import.cancel(ImportId(import_id), session.context)
    _show(ended, as_json=as_json)


def _show(one: Import, *, as_json: bool) -> None:
    found = import_object(one)
    if as_json:
        show_json(found)
        return
    counts = found.pop("counts")
    pairs = {**found, **(counts if isinstance(counts, dict) else {})}
    show_pairs([(name, value) for name, value in pairs.items() if value is not None])
