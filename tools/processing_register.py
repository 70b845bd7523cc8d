"""Write docs/processing-register.md from the classification of stored data; `--check` fails when it has drifted."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from usercore.privacy.classification import (
    COLUMNS,
    TABLES,
    Blank,
    ClassifiedColumn,
    ClassifiedTable,
    DeleteRow,
    Keep,
    Purpose,
    Sensitivity,
    Shred,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "processing-register.md"
HEAD = """\
# Register of processing activities

What the User Service keeps of people, what for, by what right and for how long. Source: GDPR Art. 30(1). The page is
written by `python tools/processing_register.py` from the classification in `usercore/privacy/classification`, in which
every stored column stands. The controller adds name and contact details (Art. 30(1)(a)) and, where there are any,
transfers to third countries (Art. 30(1)(e)): the service itself makes none.

## Purposes (Art. 30(1)(b))

| purpose | legal basis | categories of data |
|---|---|---|
"""
PEOPLE = """
## People, data, recipients and time limits (Art. 30(1)(c), (d), (f))

| data | of whom | categories | recipients | kept |
|---|---|---|---|---|
"""
MEASURES = """
## Security measures (Art. 30(1)(g), Art. 32)

- **Classification.** A column that is not classified fails the tests, so that export, erasure, the redaction of logs
  and this register are complete.
- **Sealing.** What is remembered of a person, and events once they are published, are sealed with a key of the person's
  own (AES-256-GCM), wrapped by a master key that is kept outside the database. Erasure deletes the key.
- **Pseudonymity.** The audit trail names people by ids alone and holds no values; what must be found again without
  being kept in clear text is kept as a keyed hash (HMAC-SHA256).
- **Passwords** are hashed (Argon2id) before anything is written, and the hash is dropped once the AuthenticationService
  has acknowledged it.
- **Integrity.** The audit trail is a hash chain for each person, and the database lets it only be added to.
- **Access** is by token and scope, every operation in [one table](access.md); what is not a caller's own answers as
  absent.
- **Logs and metrics** hold no personal data: values of fields that are classified as personal are taken out of every
  line.
- **Resilience.** A change is one transaction with its events; other services are told from there, again and again,
  until they acknowledge.

## Every field

What erasure does: *blank* puts another value in place, *row* deletes the row, *shred* deletes the key that opens the
value, *keep* leaves it, for the reason of that number below the table.
"""


def page() -> str:
    """Return the page as it should be."""
    return HEAD + "".join(_purposes()) + PEOPLE + "".join(_people()) + MEASURES + "".join(_tables())


def _purposes() -> Iterator[str]:
    for purpose in Purpose:
        columns = [column for column in COLUMNS.values() if purpose in column.purposes]
        yield _row(purpose.value, f"GDPR {purpose.basis.value}", _words(column.category for column in columns))


def _people() -> Iterator[str]:
    for table in TABLES:
        if _is_about_people(table):
            recipients = (one for column in table.columns for one in column.recipients)
            yield _row(
                table.about,
                _words(table.data_subjects),
                _words(column.category for column in table.columns),
                _words(recipients) or "nobody",
                _words(column.retention for column in table.columns),
            )


def _is_about_people(table: ClassifiedTable) -> bool:
    return any(column.sensitivity is not Sensitivity.NONE for column in table.columns)


def _tables() -> Iterator[str]:
    for table in TABLES:
        yield f"\n### {table.name}\n\n{table.about}.\n\n"
        yield "| column | purposes | sensitivity | erasure |\n|---|---|---|---|\n"
        reasons = list(
            dict.fromkeys(column.erasure.reason for column in table.columns if isinstance(column.erasure, Keep))
        )
        for column in table.columns:
            purposes = ", ".join(purpose.name.lower().replace("_", " ") for purpose in column.purposes)
            yield _row(f"`{column.name}`", purposes or "none", column.sensitivity.value, _erasure(column, reasons))
        if reasons:
            yield "\n" + "".join(f"{number}. Kept: {reason}.\n" for number, reason in enumerate(reasons, 1))


def _erasure(column: ClassifiedColumn, reasons: list[str]) -> str:
    match column.erasure:
        case Blank():
            return "blank"
        case DeleteRow():
            return "row"
        case Shred():
            return "shred"
        case Keep(reason):
            return f"keep ({reasons.index(reason) + 1})"


def _words(words: Iterable[StrEnum]) -> str:
    return "; ".join(dict.fromkeys(word.value for word in words))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n"


def main(arguments: list[str]) -> None:
    """Write the page, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/processing-register.md has drifted: run python tools/processing_register.py")


if __name__ == "__main__":
    main(sys.argv[1:])
