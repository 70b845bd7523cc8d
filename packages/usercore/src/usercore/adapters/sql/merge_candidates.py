"""Pairs of accounts that may be one person's: found by one statement over all accounts, listed by keyset."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.merging.candidates import (
    DOTLESS,
    GROUP_MAX,
    PAIRS_MAX,
    TAGGED,
    WEIGHTS,
    Candidate,
    CandidateFilter,
    CandidatePlace,
    Dismissal,
    Sign,
)
from usercore.merging.ports import CandidateStore

_PATIENCE_S: Final = 600
"""How long a scan may take; it keeps nobody waiting.

Source: 5 to 15 s were measured for 200,000 accounts on two cores, with more pairs than are kept.
"""
_PRESENT: Final = "u.state IN ('ACTIVE', 'DEACTIVATED') AND NOT u.restricted"


def _normal(column: str) -> str:
    """Return SQL for what `usercore.merging.candidates.normal` makes of a column."""
    return rf"btrim(regexp_replace(lower(COALESCE(u.{column}, '')), '[[:space:][:punct:]]+', ' ', 'g'))"


def _texts(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_DOMAIN: Final = "split_part(u.email_canonical, '@', 2)"
_PLAIN: Final = "split_part(split_part(u.email_canonical, '@', 1), '+', 1)"
_DOTLESS: Final = f"replace({_PLAIN}, '.', '') || '@{DOTLESS[0]}'"
_PLACE: Final = ", ".join(
    f"{_normal(part)}" for part in ("last_name", "address_street", "address_postal_code", "address_city")
)
_KEYS: Final[dict[Sign, tuple[str, str]]] = {
    Sign.SAME_MAILBOX: (
        f"CASE WHEN {_DOMAIN} IN ({_texts(DOTLESS)}) THEN {_DOTLESS} ELSE {_PLAIN} || '@' || {_DOMAIN} END",
        f"{_DOMAIN} IN ({_texts((*DOTLESS, *TAGGED))})",
    ),
    Sign.SAME_NAME_AND_BIRTH_DATE: (
        f"concat_ws('|', {_normal('first_name')}, {_normal('last_name')}, u.birth_date)",
        "u.birth_date IS NOT NULL",
    ),
    Sign.SIMILAR_EXTERNAL_ID: (_normal("external_id"), "u.external_id IS NOT NULL"),
    Sign.SAME_PHONE: ("u.phone_number", "u.phone_number IS NOT NULL"),
    Sign.SAME_ADDRESS_AND_LAST_NAME: (
        f"concat_ws('|', {_PLACE})",
        "u.address_street <> '' AND COALESCE(u.address_postal_code, u.address_city, '') <> ''",
    ),
}
_ALL_KEYS: Final = " UNION ALL ".join(
    f"SELECT k.id, '{sign}' AS sign, hashtextextended(k.key, 0) AS key"  # noqa: S608 -- made of constants
    f" FROM (SELECT u.id, {key} AS key FROM users AS u WHERE {_PRESENT} AND {condition}) AS k WHERE k.key <> ''"
    for sign, (key, condition) in _KEYS.items()
)
_WEIGHTS: Final = ", ".join(f"('{sign}', {weight}::float8)" for sign, weight in WEIGHTS.items())

# Where work_mem is at its small default, sorting the signs of a million accounts goes by way of the disk more often
# than it must. How many pairs there are nobody can estimate, and a nested loop over them would not end.
_AT_EASE: Final = f"""
SET LOCAL statement_timeout = '{_PATIENCE_S}s'; SET LOCAL work_mem = '64MB'; SET LOCAL enable_nestloop = off
""".encode()
_OUR_TURN: Final = b"""
SELECT 1 FROM merge_scans
WHERE name = 'accounts' AND ($1::timestamptz IS NULL OR scanned_at IS NULL OR scanned_at <= $1)
FOR UPDATE SKIP LOCKED
"""
_SCAN: Final = f"""
WITH keys AS MATERIALIZED ({_ALL_KEYS}),
counted AS (
    SELECT k.id, k.sign, k.key, count(*) OVER (PARTITION BY k.sign, k.key) AS accounts FROM keys AS k
), groups AS (
    SELECT c.sign, array_agg(c.id) AS ids FROM counted AS c WHERE c.accounts BETWEEN 2 AND {GROUP_MAX}
    GROUP BY c.sign, c.key
), pairs AS (
    SELECT a.id AS first_id, b.id AS second_id, array_agg(g.sign ORDER BY g.sign COLLATE "C") AS signs,
           round((1 - exp(sum(ln(1 - w.weight))))::numeric, 3)::float8 AS score
    FROM groups AS g JOIN (VALUES {_WEIGHTS}) AS w(sign, weight) ON w.sign = g.sign
    CROSS JOIN LATERAL unnest(g.ids) AS a(id) CROSS JOIN LATERAL unnest(g.ids) AS b(id)
    WHERE a.id < b.id GROUP BY a.id, b.id
    ORDER BY score DESC, first_id, second_id LIMIT {PAIRS_MAX}
), gone AS (
    DELETE FROM merge_candidates AS c WHERE c.dismissed_at IS NULL
    AND NOT EXISTS (SELECT FROM pairs AS p WHERE p.first_id = c.first_id AND p.second_id = c.second_id)
), kept AS (
    INSERT INTO merge_candidates (first_id, second_id, signs, score, found_at)
    SELECT p.first_id, p.second_id, p.signs, p.score, $1 FROM pairs AS p
    ON CONFLICT (first_id, second_id) DO UPDATE SET signs = excluded.signs, score = excluded.score
    RETURNING dismissed_at
), noted AS (
    UPDATE merge_scans SET scanned_at = $1 WHERE name = 'accounts'
)
SELECT count(*) FROM kept WHERE dismissed_at IS NULL
""".encode()  # noqa: S608 -- made of constants
_SELECT: Final = """
SELECT c.first_id::text, c.second_id::text, c.signs, c.score, c.found_at,
       c.dismissed_at, c.dismissed_by_kind, c.dismissed_by_id, c.dismissal_reason
FROM merge_candidates AS c"""
_GET: Final = f"{_SELECT} WHERE c.first_id = $1::uuid AND c.second_id = $2::uuid".encode()
_WANTED: Final = f"""
{_SELECT}
WHERE (c.dismissed_at IS NOT NULL) = $1
  AND ($2::uuid IS NULL OR c.first_id = $2 OR c.second_id = $2)
  AND NOT EXISTS (SELECT FROM users AS u WHERE u.id IN (c.first_id, c.second_id) AND NOT ({_PRESENT}))"""
_END: Final = " ORDER BY c.score DESC, c.first_id, c.second_id LIMIT $3"
_FIRST: Final = (_WANTED + _END).encode()
_BEHIND: Final = (
    _WANTED + " AND c.score <= $4 AND (c.score < $4 OR (c.first_id, c.second_id) > ($5::uuid, $6::uuid))" + _END
).encode()
_DISMISS: Final = b"""
INSERT INTO merge_candidates AS c (first_id, second_id, signs, score, found_at, dismissed_at, dismissed_by_kind,
                                   dismissed_by_id, dismissal_reason)
VALUES ($1::uuid, $2::uuid, '{}', 0, $3, $3, $4, $5, $6)
ON CONFLICT (first_id, second_id) DO UPDATE SET
    dismissed_at = excluded.dismissed_at, dismissed_by_kind = excluded.dismissed_by_kind,
    dismissed_by_id = excluded.dismissed_by_id, dismissal_reason = excluded.dismissal_reason
WHERE c.dismissed_at IS NULL
RETURNING 1
"""


@frozen
class SqlCandidateStore:
    """Finds candidates, and remembers which are none."""

    database: Database

    async def scan(self, now: datetime, *, unless_since: datetime | None) -> int | None:
        """Look through all accounts and keep the pairs there are."""

        async def attempt(opened: Session) -> int | None:
            if not await fetch(opened, _OUR_TURN, unless_since):
                return None
            await opened.execute(_AT_EASE)
            [(count,)] = await fetch(opened, _SCAN, now, prepare=False)
            return int(count)

        return await self.database.hold(attempt, patience_s=_PATIENCE_S)

    async def page(self, wanted: CandidateFilter, *, after: CandidatePlace | None, limit: int) -> Sequence[Candidate]:
        """Return at most `limit` candidates behind a place, the likeliest first."""
        if wanted.user_id is not None and not is_canonical(wanted.user_id):
            return ()
        asked = (wanted.dismissed, wanted.user_id, limit)
        if after is None:
            rows = await self.database.fetch(_FIRST, *asked)
        else:
            rows = await self.database.fetch(_BEHIND, *asked, after.score, after.first, after.second)
        return [_candidate(row) for row in rows]

    async def get(self, first: UserId, second: UserId) -> Candidate | None:
        """Return what is kept of two accounts, or None."""
        rows = await self.database.fetch(_GET, first, second)
        return _candidate(rows[0]) if rows else None

    async def dismiss(self, first: UserId, second: UserId, dismissal: Dismissal) -> bool:
        """Remember that two accounts are two people's; False where it was known already."""
        said = (dismissal.at, dismissal.by.kind.value, dismissal.by.id, dismissal.reason)
        return bool(await self.database.write(lambda opened: fetch(opened, _DISMISS, first, second, *said)))


def _candidate(row: Row) -> Candidate:
    first, second, signs, score, found_at, at, kind, by, reason = row
    dismissal = None if at is None else Dismissal(utc(at), Actor(ActorKind(kind), by), reason)
    return Candidate(UserId(first), UserId(second), tuple(map(Sign, signs)), score, utc(found_at), dismissal)


if TYPE_CHECKING:

    def _conforms(database: Database) -> CandidateStore:
        return SqlCandidateStore(database)
