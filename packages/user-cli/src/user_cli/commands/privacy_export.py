"""`userctl privacy export`: everything that is kept of a person, as a file."""

from pathlib import Path
from typing import Annotated

import structlog
from cyclopts import Parameter

from user_cli.archive_file import private_archive
from user_cli.commands.options import AsJson, Named, UserIdOption, WithDefault, found, stated_reason
from user_cli.failures import UsageError
from user_cli.output import say, show_json, show_table
from user_cli.session import open_session
from usercore.privacy.export.export_user_data import ExportUserDataCommand
from usercore.privacy.export.values import ArchiveKind, ArchiveManifest

__all__ = ["export"]


async def export(
    user_id: UserIdOption = None,
    *,
    output: Path,
    reason: Annotated[str, Parameter(help="Why, in at most 500 characters; it is logged.")],
    kind: WithDefault[str] = "access",
    named: Named = Named(),  # noqa: B008 - frozen
    as_json: AsJson = False,
) -> None:
    """Write the archive of everything that is kept of a user: JSON and CSV in a ZIP, with a manifest.

    The audit trail of the user says who took it out. The file can be read by its owner alone; whoever passes it on
    answers for that. For what a person asked in a request, `userctl privacy request` keeps deadlines and gives a link
    that expires.

    ```
    userctl privacy export --email grace@example.com --output grace.zip --reason "letter of 12 January"
    userctl privacy export 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --kind portability --output u.zip --reason "ticket 9"
    ```

    Args:
        user_id: the user's id.
        output: the file to write; one that is there is replaced.
        reason: why.
        kind: access is everything, portability what the person may take elsewhere.
        named: another name, in place of the id.
        as_json: write the archive's manifest.
    """
    why = stated_reason(reason)
    wanted = _kind(kind)
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        with private_archive(output) as sink:
            command = ExportUserDataCommand(ident, wanted)
            manifest = await session.core.export_user_data(command, session.context, sink)
        structlog.get_logger().info(
            "user data exported",
            operator=str(session.context.actor),
            operator_reason=why,
            user_id=ident,
            archive=wanted.value,
            correlation_id=session.context.correlation_id,
        )
    if as_json:
        show_json(manifest.document)
    else:
        _show(manifest, output)


def _kind(raw: str) -> ArchiveKind:
    try:
        return ArchiveKind(raw.strip().upper())
    except ValueError:
        raise UsageError("--kind: write access or portability") from None


def _show(manifest: ArchiveManifest, output: Path) -> None:
    show_table(
        ("SECTION", "RECORDS", "FILES"),
        ([one.name, one.records, " ".join(file.path for file in one.files)] for one in manifest.sections),
        empty="Nothing is kept.",
    )
    say(f"Written to {output}.")
