"""Write docs/errors.md from the errors the code declares; `--check` fails when it has drifted."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import usercore.wiring.service
from user_http.problems import KINDS, STATUS_BY_KIND, TRY_AGAIN_AFTER_S, status_of
from usercore.codec.messages.errors import UNREADABLE, KeyMismatchError, PayloadInvalidError
from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError, all_errors

LOADED = usercore.wiring.service
"""Imported so that every feature has declared its errors."""
FEATURES = (
    "usercore.kernel.",
    "usercore.users.",
    "usercore.preferences.",
    "usercore.verification.",
    "usercore.privacy.",
    "usercore.segments.",
    "usercore.merging.",
    "usercore.bulk.imports.",
)
PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
HEAD = """\
# Errors

Every refused HTTP request is answered with an RFC 9457 problem document whose `code` is one of these. Codes are stable:
programs may rely on them, on `status`, and on `code` and `pointer` in each entry of `errors`; texts are for people and
may change. Answers marked *again* carry `Retry-After`: the same request may succeed later.

"""
MESSAGES = """
## Of messages

A command that is refused is answered by `UserCommandRejected`, a query by a problem document: with a code of the first
table, or one of these.

| code | what it says |
|---|---|
{refused}
An event that is refused becomes a dead letter with that code. So does whatever nobody can be answered for:

| code of a dead letter | what it says |
|---|---|
{buried}"""
PROCESSOR = {
    "message_id_reused": "Another message with other content had the same id",
    "fact_conflict": "The fact is known with other content",
    "time_in_future": "The event is from a time that has not come",
    "parked_too_long": "What the event tells of did not become known in time",
    "reply_to_missing": "The query does not say where the answer is wanted",
    "reply_to_refused": "The answer is wanted where none may go",
    "internal_error": "Something went wrong here, again and again",
}
"""Codes that the stream processor gives to dead letters."""
TABLE = "| code | status | what it says | |\n|---|---|---|---|\n"


def page() -> str:
    """Return the page as it should be."""
    return (
        HEAD
        + "## Of users and their data\n\n"
        + TABLE
        + "".join(sorted(_core()))
        + "\n## Of HTTP itself\n\n"
        + TABLE
        + "".join(sorted(_http()))
        + MESSAGES.format(
            refused=_rows({error.code: error.summary for error in (PayloadInvalidError, KeyMismatchError)}),
            buried=_rows({**UNREADABLE, **PROCESSOR}),
        )
    )


def _rows(codes: Mapping[str, str]) -> str:
    return "".join(f"| `{code}` | {codes[code]} |\n" for code in sorted(codes))


def _core() -> Iterator[str]:
    roots = {UserCoreError, *STATUS_BY_KIND}
    for error in all_errors():
        if error in roots and error not in (ExhaustedError, UnavailableError):
            continue
        if error.__module__.startswith(FEATURES):
            again = issubclass(error, ExhaustedError | UnavailableError) or error.code in TRY_AGAIN_AFTER_S
            yield _row(error.code, status_of(error()), error.summary, again=again)


def _http() -> Iterator[str]:
    for kind in KINDS:
        yield _row(kind.code, kind.status, kind.title, again=kind.status in {429, 503})


def _row(code: str, status: int, summary: str, *, again: bool) -> str:
    return f"| `{code}` | {status} | {summary} | {'*again*' if again else ''} |\n"


def main(arguments: list[str]) -> None:
    """Write the page, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/errors.md has drifted: run python tools/errors_table.py")


if __name__ == "__main__":
    main(sys.argv[1:])
