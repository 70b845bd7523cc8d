"""A statement's span says what is done to which tables, and holds no value."""

import psycopg
import pytest

from tests.traces import Recording, words
from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.statements import CREATE
from usercore.adapters.sql.tracing import _described
from usercore.kernel.tracing import During, SpanKind

_CREATED = (
    "INSERT users INSERT outbox INSERT inbox INSERT user_history INSERT user_keys INSERT audit_entries"
    " INSERT audit_heads INSERT deliveries INSERT email_preferences INSERT consents INSERT verifications"
)


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        (b"SELECT 1 FROM schema_version", "SELECT schema_version"),
        (
            b"DELETE FROM ONLY users WHERE ctid = ANY (ARRAY(SELECT ctid FROM users)) RETURNING 1",
            "DELETE users SELECT users",
        ),
        (
            b"WITH due AS MATERIALIZED (SELECT 1 FROM a JOIN b ON true) UPDATE c SET x = 1 FROM due",
            "UPDATE c SELECT a SELECT b",
        ),
        (b"SELECT count(*) FROM unnest($1::text[]) AS x(y)", "SELECT"),
        (b"SHOW server_version", "SHOW"),
        (CREATE, _CREATED),
    ],
)
def test_a_summary_names_tables_alone(statement: bytes, summary: str) -> None:
    name, said = _described(statement)
    assert name == said["db.query.summary"] == summary
    assert said["db.operation.name"] == summary.split(maxsplit=1)[0]


async def test_a_transaction_holds_its_statements_and_no_value_of_theirs(database: Database) -> None:
    recording = Recording.begun()

    async def work(opened: Session) -> object:
        await fetch(opened, b"SELECT $1::text FROM users", "grace@example.com")
        return await fetch(opened, b"SELECT ($1::text || $2)::int", "grace@", "example.com")

    with During(recording.tracer.begin("request", SpanKind.SERVER)), pytest.raises(psycopg.DataError, match="grace"):
        await database.write(work)
    assert recording.names == ["SELECT users", "SELECT", "transaction", "request"]
    good, bad, transaction, _ = recording.spans
    assert (good.parent, bad.parent) == (transaction.context, transaction.context)
    assert words(good)["db.query.text"] == "SELECT $1::text FROM users"
    assert words(bad)["error.type"] == words(transaction)["error.type"] == "InvalidTextRepresentation"
    assert {span.kind.name for span in (good, bad, transaction)} == {"CLIENT"}
    assert "grace" not in recording.text()
