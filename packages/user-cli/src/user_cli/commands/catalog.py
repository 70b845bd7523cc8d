"""`userctl catalog`: the service as pages of an EventCatalog."""

import re
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

from user_cli.commands.options import AsJson, command_group
from user_cli.event_catalog.folder import bring_up
from user_cli.event_catalog.specifications import asyncapi_document, openapi_yaml
from user_cli.event_catalog.tree import Choice, catalog_files
from user_cli.failures import UsageError
from user_cli.output import say, show_json

app = command_group("catalog", "The service's messages as pages of an EventCatalog.")

# Source: Semantic Versioning 2.0.0, more loosely: EventCatalog sorts by it and has it in addresses.
_VERSION: Final = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]{1,64})?", re.ASCII)
_OWNER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)


@app.command
def export(
    folder: Path,
    /,
    *,
    version: str | None = None,
    owner: str | None = None,
    own: bool = False,
    force: bool = False,
    as_json: AsJson = False,
) -> None:
    """Write the service into the folder of an EventCatalog: service, messages, schemas, examples, topics, owner.

    The pages are made from the same registry that reads and writes messages, so they cannot say anything else. The same
    version writes the same bytes. Written again, files follow: what was written before and is unchanged is replaced, or
    removed where it is gone. Files that somebody else wrote or changed are left alone, and nothing is written at all,
    unless --force is given.

    ```
    userctl catalog export catalog
    userctl catalog export ../company-catalog --own --owner identity-team --version 2.4.0
    ```

    Args:
        folder: of the catalogue, where its configuration is; it is made where it is missing.
        version: of the service in the catalogue; that of the installed package if left out.
        owner: id of the team or person in the catalogue that owns it; a page for a team is written if left out.
        own: leave out the domain, and events of other services: a company's catalogue has them from elsewhere.
        force: replace files that somebody else wrote or changed.
        as_json: write {"folder": ..., "files": ..., "written": ..., "removed": ...}.
    """
    stated = installed("user-cli") if version is None else version
    if _VERSION.fullmatch(stated) is None:
        raise UsageError("--version: write three numbers with dots between them, 2.4.0")
    if owner is not None and _OWNER.fullmatch(owner) is None:
        raise UsageError("--owner: write the id of a team or person of the catalogue")
    files = catalog_files(asyncapi_document(), openapi_yaml(), Choice(stated, owner, own))
    brought = bring_up(folder, files, force=force)
    if as_json:
        show_json(
            {
                "folder": str(folder),
                "files": brought.files,
                "written": brought.written,
                "removed": brought.removed,
            }
        )
    else:
        say(f"{brought.files} files in {folder}: {brought.written} written, {brought.removed} removed.")
