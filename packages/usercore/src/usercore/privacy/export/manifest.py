"""What an archive says of itself, and what the law wants told beside the data."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from usercore.kernel.ids import UserId
from usercore.privacy.classification import ClassifiedColumn
from usercore.privacy.export.sections import ExportedColumn, Section, withheld
from usercore.privacy.export.values import SCHEMA_VERSION, ArchivedSection, ArchiveKind
from usercore.users.model import User

PATH: Final = "manifest.json"

_RIGHTS: Final = (
    "You may ask for rectification of what is wrong, for erasure, for restriction of processing, and you may object to"
    " processing that rests on legitimate interests; a consent you may withdraw at any time."
)
_COMPLAINT: Final = "You may lodge a complaint with the data-protection authority where you live."
_SOURCE: Final = (
    "You, or who acted for you; orders, payments and points come from the services that sold, were paid or gave them."
)
_DECISIONS: Final = "No decision that concerns you is made by this service alone without a person."


def manifest_document(
    user: User,
    kind: ArchiveKind,
    created_at: datetime,
    made: Iterable[tuple[Section, ArchivedSection]],
    merged: Sequence[UserId] = (),
) -> Mapping[str, object]:
    """Return the manifest: sections with their files, and for each field what GDPR Art. 15(1)(a) to (h) asks."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "kind": kind.value,
        "userId": user.id,
        "userVersion": user.version,
        **({"mergedUserIds": list(merged)} if merged else {}),
        "createdAt": created_at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
        "information": {
            "rights": _RIGHTS,
            "complaint": _COMPLAINT,
            "source": _SOURCE,
            "automatedDecisions": _DECISIONS,
        },
        "sections": [_section(section, archived) for section, archived in made],
        "withheld": list(withheld()) if kind is ArchiveKind.ACCESS else [],
    }


def _section(section: Section, archived: ArchivedSection) -> Mapping[str, object]:
    return {
        "name": section.name,
        "about": section.table.about,
        "records": archived.records,
        "files": [{"path": one.path, "bytes": one.size, "sha256": one.sha256} for one in archived.files],
        "fields": [_field(one) for one in section.columns],
    }


def _field(one: ExportedColumn) -> Mapping[str, object]:
    column: ClassifiedColumn = one.column
    return {
        "name": one.name,
        "category": column.category.value,
        "purposes": [purpose.value for purpose in column.purposes],
        "legalBases": [f"GDPR {basis.value}" for basis in column.bases],
        "retention": column.retention.value,
        "recipients": [recipient.value for recipient in column.recipients],
    }
