"""Spans of statements. Their text has placeholders where values stand, and is shown; no parameter is.

Source: OpenTelemetry semantic conventions for PostgreSQL client operations.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from usercore.kernel.tracing import NOTHING, During, SpanKind, Word, current, step

SYSTEM: Final = {"db.system.name": "postgresql"}
_TEXT_MAX_CHARS: Final = 2048
_SUMMARY_MAX_CHARS: Final = 255
"""Source: OpenTelemetry semantic conventions, generating a summary of the query."""
_NEW: Final = re.compile(
    r"(?:\bWITH\s+(?:RECURSIVE\s+)?|,\s*)(\w+)(?:\s*\([^()]*\))?\s+AS\s+(?:NOT\s+|MATERIALIZED\s+)*\("
)
_TOUCHED: Final = re.compile(
    r"\b(?:(INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?([a-z_]+)|(?:FROM|JOIN)\s+(?:ONLY\s+)?([a-z_]+)\b(?!\s*\())"
)
_VERBS: Final = {"INSERT INTO": "INSERT", "UPDATE": "UPDATE", "DELETE FROM": "DELETE", "": "SELECT"}


def statement_span(statement: bytes) -> During:
    """Return the span of a statement within the current trace, for a ``with`` statement."""
    if current() is None:
        return NOTHING
    name, words = _described(statement)
    return step(name, SpanKind.CLIENT, words)


def transaction_span() -> During:
    """Return the span of a transaction, from BEGIN to COMMIT, within the current trace."""
    return step("transaction", SpanKind.CLIENT, SYSTEM)


@lru_cache(maxsize=512)
def _described(statement: bytes) -> tuple[str, Mapping[str, Word]]:
    text = " ".join(statement.decode("utf-8", "replace").split())
    summary = _summary(text)
    words: dict[str, Word] = {
        **SYSTEM,
        "db.operation.name": summary.partition(" ")[0],
        "db.query.summary": summary,
        "db.query.text": text[:_TEXT_MAX_CHARS],
    }
    return summary, words


def _summary(text: str) -> str:
    """Return what a statement does to which tables, those it writes first: ``INSERT users INSERT outbox``."""
    own = set(_NEW.findall(text))
    done = dict.fromkeys(
        (_VERBS[verb], written or read)
        for verb, written, read in _TOUCHED.findall(text)
        if (written or read) not in own
    )
    ordered = sorted(done, key=lambda one: one[0] == "SELECT")
    found = " ".join(f"{verb} {table}" for verb, table in ordered) or text.split(" ", 1)[0].upper()
    return found if len(found) <= _SUMMARY_MAX_CHARS else found[:_SUMMARY_MAX_CHARS].rpartition(" ")[0]
