"""The statements of imports."""

from typing import Final

from usercore.adapters.sql.import_rows import COLUMNS, NULL, USERS

STAGED: Final = "import_staging"
_COLUMNS: Final = ", ".join(COLUMNS[USERS])

STAGE: Final = f"""
CREATE TEMPORARY TABLE {STAGED} ON COMMIT DROP AS
SELECT {_COLUMNS} FROM {USERS} WITH NO DATA
""".encode()  # noqa: S608 -- made of constants, as everything here
"""Makes the table through which new users go, for this transaction."""
DROP: Final = f"DROP TABLE {STAGED}".encode()

# In one order, as every writer inserts them, so that two batches with the same emails wait for each other in turn.
INSERT: Final = f"""
INSERT INTO {USERS} ({_COLUMNS})
SELECT {_COLUMNS} FROM {STAGED} ORDER BY email_canonical
ON CONFLICT DO NOTHING RETURNING id::text
""".encode()  # noqa: S608 -- the same
"""Creates the users that nothing stands against, and returns their ids."""


def copy_into(table: str) -> bytes:
    """Return the statement that takes lines of :mod:`usercore.adapters.sql.import_rows`."""
    columns = COLUMNS[USERS if table == STAGED else table]
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN (NULL '{NULL}')".encode()


TAKEN: Final = b"""
SELECT EXISTS (SELECT FROM users AS u WHERE u.email_canonical = w.email AND u.id <> w.id),
       EXISTS (SELECT FROM users AS u WHERE u.username_canonical = w.username AND u.id <> w.id),
       EXISTS (SELECT FROM users AS u WHERE u.external_id = w.external_id AND u.id <> w.id)
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) WITH ORDINALITY
     AS w(email, username, external_id, id, place)
ORDER BY w.place
"""
"""What of each user another one has."""

_IMPORT: Final = """
    id::text, format, mode, by, quiet, invite, fingerprint, state, end_at, line, created, updated, unchanged, skipped,
    failed, started_by, started_at, updated_at, finished_at, trouble, uploaded
"""
_VALUES: Final = ", ".join(f"${number}" for number in range(2, 22))
BEGIN: Final = f"""
INSERT INTO imports VALUES ($1::uuid, {_VALUES})
ON CONFLICT (fingerprint) WHERE fingerprint IS NOT NULL AND state IN ('RUNNING', 'COMPLETED') DO NOTHING RETURNING 1
""".encode()  # noqa: S608 -- the same
GET: Final = f"SELECT {_IMPORT} FROM imports WHERE id = $1::uuid".encode()  # noqa: S608 -- the same
LOCK: Final = GET + b" FOR NO KEY UPDATE"
FIND: Final = f"""
SELECT {_IMPORT} FROM imports WHERE fingerprint = $1 AND state IN ('RUNNING', 'COMPLETED')
""".encode()  # noqa: S608 -- the same
PAGE: Final = f"""
SELECT {_IMPORT} FROM imports WHERE $1::uuid IS NULL OR id < $1::uuid ORDER BY id DESC LIMIT $2
""".encode()  # noqa: S608 -- the same
MOVE: Final = b"""
UPDATE imports SET end_at = $2, line = $3, created = $4, updated = $5, unchanged = $6, skipped = $7, failed = $8,
                   updated_at = $9
WHERE id = $1::uuid RETURNING 1
"""
END: Final = b"""
UPDATE imports SET state = $2, updated_at = $3, finished_at = $3, trouble = $4 WHERE id = $1::uuid RETURNING 1
"""
FORGET: Final = b"UPDATE imports SET fingerprint = NULL WHERE id = $1::uuid AND fingerprint IS NOT NULL RETURNING 1"
ERRORS: Final = b"""
SELECT number, line, code, pointer, detail FROM import_errors
WHERE import_id = $1::uuid AND number > $2 ORDER BY number LIMIT $3
"""
NOTE: Final = b"""
INSERT INTO import_errors (import_id, number, line, code, pointer, detail)
SELECT $1::uuid, before.last + e.place, e.line, e.code, e.pointer, e.detail
FROM (SELECT COALESCE(max(number), 0) AS last FROM import_errors WHERE import_id = $1::uuid) AS before,
     unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS e(line, code, pointer, detail, place)
RETURNING 1
"""
PURGE_ERRORS: Final = b"""
DELETE FROM import_errors WHERE (import_id, number) IN (
    SELECT e.import_id, e.number FROM imports AS i JOIN import_errors AS e ON e.import_id = i.id
    WHERE i.finished_at < $1 LIMIT $2
) RETURNING 1
"""
PURGE: Final = b"""
DELETE FROM imports AS i WHERE i.finished_at < $1
AND NOT EXISTS (SELECT FROM import_errors AS e WHERE e.import_id = i.id) RETURNING 1
"""
TELL: Final = b"""
INSERT INTO outbox (aggregatetype, aggregateid, type, payload, event_id, sequence, occurred_at, headers, shard, topic)
VALUES ($1, $2::uuid, $3, $4::text::json, $5::uuid, $6, $7, $8::text::json, $9, $10) RETURNING 1
"""

KEEP: Final = b"INSERT INTO import_parts (import_id, number, came_at, sealed) VALUES ($1::uuid, $2, $3, $4) RETURNING 1"
PART: Final = b"SELECT sealed FROM import_parts WHERE import_id = $1::uuid AND number = $2"
DROP_PARTS: Final = b"DELETE FROM import_parts WHERE import_id = $1::uuid RETURNING 1"
TAKE: Final = f"""
UPDATE imports SET taken_at = $1 WHERE id = (
    SELECT i.id FROM imports AS i
    WHERE i.uploaded AND i.state = 'RUNNING'
      AND (i.taken_at IS NULL OR (i.taken_at < $2 AND i.updated_at < $2))
    ORDER BY i.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) RETURNING {_IMPORT}
""".encode()  # noqa: S608 -- the same
PURGE_PARTS: Final = b"""
DELETE FROM import_parts AS p WHERE p.came_at < $1
AND NOT EXISTS (SELECT FROM imports AS i WHERE i.id = p.import_id AND i.state = 'RUNNING') RETURNING 1
"""
