"""What is old, as PostgreSQL finds it. ``$1`` is the time before which a row's own must lie."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from usercore.adapters.sql.tables.privacy import OPEN
from usercore.privacy.retention.values import Kept, Step


@frozen
class OldRows:
    """Rows that are deleted by their age.

    Args:
        table: where they are.
        time: SQL for the time that counts.
        which: SQL for which of them are meant at all.
        key: what identifies a row.
    """

    table: str
    time: str
    which: str
    key: str

    @property
    def due(self) -> bytes:
        """Return how many are old, since when, and how many more a hold keeps."""
        return f"""
        SELECT count(*) FILTER (WHERE NOT held), min(time) FILTER (WHERE NOT held), count(*) FILTER (WHERE held)
        FROM (
            SELECT {self.time} AS time, {_held("t.user_id")} AS held FROM {self.table} AS t
            WHERE {self.which} AND {self.time} < $1
        ) AS old
        """.encode()  # noqa: S608 -- made of constants, as everything here

    @property
    def delete(self) -> bytes:
        """Delete the oldest, at most ``$2``."""
        return f"""
        DELETE FROM {self.table} WHERE ({self.key}) IN (
            SELECT {self.key} FROM {self.table} AS t
            WHERE {self.which} AND {self.time} < $1 AND NOT {_held("t.user_id")}
            ORDER BY {self.time} LIMIT $2 FOR UPDATE SKIP LOCKED
        ) RETURNING 1
        """.encode()  # noqa: S608 -- the same


def _held(user_id: str) -> str:
    return f"EXISTS (SELECT FROM legal_holds AS h WHERE h.user_id = {user_id} AND h.released_at IS NULL)"


OLD: Final[Mapping[Kept, OldRows]] = {
    Kept.SETTLED_DEAD_LETTERS: OldRows("dead_letters", "t.settled_at", "t.state <> 'WAITING'", "id"),
    Kept.WAITING_DEAD_LETTERS: OldRows("dead_letters", "t.died_at", "t.state = 'WAITING'", "id"),
    Kept.ACTIVITY: OldRows("activity_facts", "t.occurred_at", "true", "kind, fact_id"),
    Kept.CLOSED_REQUESTS: OldRows(
        "privacy_requests", "t.closed_at", "t.closed_at IS NOT NULL AND t.kind <> 'ERASURE'", "id"
    ),
}

# The last change of the profile or the newest fact: whichever is later.
_USED: Final = "GREATEST(u.updated_at, (SELECT max(f.occurred_at) FROM activity_facts AS f WHERE f.user_id = u.id))"
_UNUSED: Final[Mapping[Step, str]] = {
    # A notice from before the account was used again counts no more.
    Step.NOTICE: f"""
        SELECT u.id, u.version, u.restricted, {_USED} AS since FROM users AS u
        LEFT JOIN inactivity_notices AS n ON n.user_id = u.id
        WHERE u.state = 'ACTIVE' AND u.updated_at < $1 AND {_USED} < $1
          AND (n.noticed_at IS NULL OR n.noticed_at < {_USED})
    """,  # noqa: S608 -- the same
    Step.DEACTIVATION: f"""
        SELECT u.id, u.version, u.restricted, n.noticed_at AS since FROM inactivity_notices AS n
        JOIN users AS u ON u.id = n.user_id
        WHERE n.noticed_at < $1 AND u.state = 'ACTIVE' AND n.noticed_at >= {_USED}
    """,  # noqa: S608 -- the same
    Step.ERASURE: f"""
        SELECT u.id, u.version, u.restricted, u.status_since AS since FROM users AS u
        WHERE u.state = 'DEACTIVATED' AND u.status_reason = 'INACTIVITY' AND u.status_since < $1
          AND NOT EXISTS (SELECT FROM privacy_requests AS r WHERE r.user_id = u.id AND r.kind = 'ERASURE' AND r.{OPEN})
    """,  # noqa: S608 -- the same
}
UNUSED_DUE: Final = {
    step: f"""
    SELECT count(*) FILTER (WHERE NOT kept), min(since) FILTER (WHERE NOT kept), count(*) FILTER (WHERE kept)
    FROM (SELECT since, restricted OR {_held("found.id")} AS kept FROM ({found}) AS found) AS judged
    """.encode()  # noqa: S608 -- the same
    for step, found in _UNUSED.items()
}
UNUSED: Final = {
    step: f"""
    SELECT id::text, version, since FROM ({found}) AS found WHERE NOT restricted AND NOT {_held("found.id")}
    ORDER BY since, id LIMIT $2
    """.encode()  # noqa: S608 -- the same
    for step, found in _UNUSED.items()
}

STANDS: Final = b"SELECT 1 FROM users WHERE id = $1::uuid AND version = $2 FOR NO KEY UPDATE"
NOTICE: Final = b"""
INSERT INTO inactivity_notices (user_id, noticed_at, event_id) VALUES ($1::uuid, $2, $3::uuid)
ON CONFLICT (user_id) DO UPDATE SET noticed_at = excluded.noticed_at, event_id = excluded.event_id
RETURNING 1
"""

LEASE: Final = b"""
UPDATE retention_runs SET leased_until = $2 WHERE name = 'schedule' AND (leased_until IS NULL OR leased_until <= $1)
RETURNING 1
"""
RENEW: Final = b"UPDATE retention_runs SET leased_until = $1 WHERE name = 'schedule' RETURNING 1"
RELEASE: Final = b"""
UPDATE retention_runs SET leased_until = NULL, last_run_at = CASE WHEN $2 THEN $1 ELSE last_run_at END
WHERE name = 'schedule' RETURNING 1
"""
LAST_RUN: Final = b"SELECT last_run_at FROM retention_runs WHERE name = 'schedule'"
