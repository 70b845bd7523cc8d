"""The statements that wrap keys anew and seal rows written before there were keys."""

from collections.abc import Mapping
from typing import Final

from usercore.adapters.sql.records import RECORD
from usercore.privacy.keys.ports import Plain

FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"
FIRST_HISTORY: Final = f"{FIRST_ID}/0"

USERS: Final = b"SELECT master_version, count(*) FROM user_keys GROUP BY master_version ORDER BY master_version"
SERVICE: Final = b"SELECT master_version, count(*) FROM service_keys GROUP BY master_version ORDER BY master_version"
PLAIN: Final[Mapping[Plain, bytes]] = {
    Plain.HISTORY: b"SELECT count(*) FROM user_history WHERE sealed IS NULL AND changes::text <> '[]'",
    Plain.OUTBOX: b"""
        SELECT count(*) FROM outbox WHERE published_at IS NOT NULL AND aggregatetype = 'user' AND payload IS NOT NULL
    """,
    Plain.DEAD_LETTERS: b"SELECT count(*) FROM dead_letters WHERE sealed IS NULL",
    Plain.PARKED: b"SELECT count(*) FROM parked_messages WHERE sealed IS NULL",
}
"""How many rows of each sort lie in the clear."""

# A key that is deleted while it waits for its lock is passed over, and one that another one wraps as well.
OLD_USERS: Final = b"""
SELECT user_id::text, master_version, sealed_key FROM user_keys WHERE master_version <> $1
ORDER BY master_version, user_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
REWRAP_USERS: Final = b"""
UPDATE user_keys AS k SET master_version = $2, sealed_key = new.sealed_key
FROM unnest($1::uuid[], $3::bytea[]) AS new(user_id, sealed_key)
WHERE k.user_id = ANY ($1::uuid[]) AND k.user_id = new.user_id RETURNING 1
"""
OLD_SERVICE: Final = b"""
SELECT name, master_version, sealed_key FROM service_keys WHERE master_version <> $1
ORDER BY name LIMIT $2 FOR UPDATE SKIP LOCKED
"""
REWRAP_SERVICE: Final = b"""
UPDATE service_keys AS k SET master_version = $2, sealed_key = new.sealed_key
FROM unnest($1::text[], $3::bytea[]) AS new(name, sealed_key) WHERE k.name = new.name RETURNING 1
"""

LOCK: Final = b"""
SELECT id::text FROM users WHERE id = ANY ($1::uuid[]) AND state <> 'ERASED' ORDER BY id FOR NO KEY UPDATE
"""
KEYS: Final = b"SELECT user_id::text, master_version, sealed_key FROM user_keys WHERE user_id = ANY ($1::uuid[])"
NEW_KEYS: Final = b"""
INSERT INTO user_keys (user_id, master_version, sealed_key, created_at)
SELECT user_id, $2, sealed_key, $4 FROM unnest($1::uuid[], $3::bytea[]) AS new(user_id, sealed_key) RETURNING 1
"""

HISTORY: Final = b"""
SELECT user_id::text, version, changes FROM user_history
WHERE (user_id, version) > ($1::uuid, $2) AND sealed IS NULL AND changes::text <> '[]'
ORDER BY user_id, version LIMIT $3
"""
SEAL_HISTORY: Final = b"""
UPDATE user_history AS h SET sealed = new.sealed, changes = CASE WHEN new.sealed IS NULL THEN '[]'::json END
FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS new(user_id, version, sealed)
WHERE h.user_id = new.user_id AND h.version = new.version RETURNING 1
"""
OUTBOX: Final = b"""
SELECT id, aggregateid::text, event_id::text, convert_to(payload::text, 'UTF8') FROM outbox
WHERE id > $1 AND published_at IS NOT NULL AND aggregatetype = 'user' AND payload IS NOT NULL
ORDER BY id LIMIT $2 FOR UPDATE
"""
SEAL_OUTBOX: Final = b"""
UPDATE outbox AS o SET sealed = new.sealed, payload = NULL
FROM unnest($1::bigint[], $2::bytea[]) AS new(id, sealed)
WHERE o.id = ANY ($1::bigint[]) AND o.id = new.id RETURNING 1
"""

_SET_ASIDE: Final = ("dead_letters", "parked_messages")
MESSAGES: Final = {
    table: f"""
    SELECT id::text, {RECORD} FROM {table} WHERE id > $1::uuid AND sealed IS NULL ORDER BY id LIMIT $2 FOR UPDATE
    """.encode()  # noqa: S608 -- made of constants
    for table in _SET_ASIDE
}
SEAL_MESSAGES: Final = {
    table: f"""
    UPDATE {table} AS m SET sealed = new.sealed, value_bytes = new.value_bytes, user_id = new.user_id,
           key = NULL, value = NULL, headers = NULL
    FROM unnest($1::uuid[], $2::bytea[], $3::int[], $4::uuid[]) AS new(id, sealed, value_bytes, user_id)
    WHERE m.id = new.id RETURNING 1
    """.encode()  # noqa: S608 -- the same
    for table in _SET_ASIDE
}
