"""The statements that record facts, read them, and add them up: for any number of facts or users in one round trip."""

from typing import Final

# What a fact says, by which two with the same kind and id are compared; then who told it.
_CONTENT: Final = ("occurred_at", "order_id", "amount", "currency", "items", "points", "error_code", "reason")
_COLUMNS: Final = (
    "kind",
    "fact_id",
    "user_id",
    "event_id",
    *_CONTENT,
    "recorded_at",
    "actor_kind",
    "actor_id",
    "correlation_id",
    "causation_id",
    "told_of",
)

_INPUT: Final = """
told AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS i(
        place integer, waits_for text, waits_for_id text, kind text, fact_id text, user_id uuid, event_id uuid,
        occurred_at timestamptz, order_id text, amount numeric, currency text, items bigint, points bigint,
        error_code text, reason text, recorded_at timestamptz, actor_kind text, actor_id text, correlation_id text,
        causation_id text, traceparent text
    )
), heirs AS (
    SELECT m.merged_id AS told_of, m.survivor_id AS heir FROM user_merges AS m
    WHERE m.merged_id = ANY (ARRAY(SELECT t.user_id FROM told AS t)) AND m.undone_at IS NULL
    UNION ALL
    SELECT h.told_of, m.survivor_id FROM heirs AS h
    JOIN user_merges AS m ON m.merged_id = h.heir AND m.undone_at IS NULL
), last_heirs AS MATERIALIZED (
    SELECT h.told_of, h.heir FROM heirs AS h
    WHERE NOT EXISTS (SELECT FROM user_merges AS m WHERE m.merged_id = h.heir AND m.undone_at IS NULL)
), input AS MATERIALIZED (
    SELECT t.place, t.waits_for, t.waits_for_id, t.kind, t.fact_id, COALESCE(s.heir, t.user_id) AS user_id, t.event_id,
           t.occurred_at, t.order_id, t.amount, t.currency, t.items, t.points, t.error_code, t.reason, t.recorded_at,
           t.actor_kind, t.actor_id, t.correlation_id, t.causation_id, t.traceparent, s.told_of
    FROM told AS t LEFT JOIN last_heirs AS s ON s.told_of = t.user_id
), named AS (
    SELECT i.kind, i.fact_id FROM input AS i
    UNION SELECT CASE i.waits_for WHEN 'ORDER' THEN 'ORDER_PLACED' ELSE 'PAYMENT_FAILED' END, i.waits_for_id
    FROM input AS i WHERE i.waits_for <> 'USER'
), known AS MATERIALIZED (
    SELECT f.* FROM named AS n CROSS JOIN LATERAL (
        SELECT * FROM activity_facts AS f WHERE f.kind = n.kind AND f.fact_id = n.fact_id LIMIT 1
    ) AS f
)"""

# FOR SHARE, not FOR KEY SHARE: an erasure is an update of the user, and must wait, or be waited for. Locked in one
# order by every writer of users, so that they wait for each other in turn; the state is the one that the lock found,
# and so is whether the account was merged meanwhile: then the survivor is found when it is asked again.
_LOCKED: Final = """
locked AS MATERIALIZED (
    SELECT u.id, u.version, u.state, u.merged_into, u.email, u.first_name, u.locale FROM users AS u
    WHERE u.id = ANY (ARRAY(SELECT i.user_id FROM input AS i UNION SELECT k.user_id FROM known AS k))
    ORDER BY u.id FOR SHARE
)"""

# Who stands for others as this statement sees them before it locks anybody: where a merge was undone meanwhile, the
# lock finds another version, and whose the fact is must be asked again.
_SEEN: Final = """
seen AS MATERIALIZED (
    SELECT u.id, u.version FROM users AS u WHERE u.id = ANY (ARRAY(
        SELECT i.user_id FROM input AS i WHERE i.told_of IS NOT NULL
        UNION SELECT k.user_id FROM known AS k WHERE k.told_of IS NOT NULL
    ))
)"""

_FOUND: Final = ", ".join(("kind", "fact_id", "user_id", "event_id", *_CONTENT, "told_of"))


def _asked(name: str, waits_for: str, source: str, found: str = "") -> str:
    """Return the facts that wait for the same sort of thing, each with the user that it is about."""
    return f"""
    asked_{name} AS MATERIALIZED (
        SELECT i.*, {source}.user_id AS about, {source}.told_of AS about_told_of
        FROM input AS i {found} WHERE i.waits_for = '{waits_for}'
    )"""  # noqa: S608 -- made of constants, as everything here


def _found(kind: str, won: str) -> str:
    """Return the join with the facts of a kind that are recorded, before or by this very statement."""
    recorded = " UNION ALL ".join(
        f"SELECT f.fact_id, f.user_id, f.told_of FROM {table} AS f WHERE f.kind = '{kind}'"  # noqa: S608 -- the same
        for table in ("known", won)
    )
    return f"LEFT JOIN ({recorded}) AS r ON r.fact_id = i.waits_for_id"


def _won(name: str) -> str:
    """Return what records facts, of several with the same kind and id the first.

    Inserted in one order by every writer, so that two with the same facts wait for each other in turn.
    """
    about = {"user_id": "a.about", "told_of": "a.about_told_of"}
    values = ", ".join(about.get(column, f"a.{column}") for column in _COLUMNS)
    return f"""
    won_{name} AS (
        INSERT INTO activity_facts ({", ".join(_COLUMNS)})
        SELECT DISTINCT ON (a.kind, a.fact_id) {values}
        FROM asked_{name} AS a JOIN locked AS l ON l.id = a.about AND l.state <> 'ERASED' AND l.merged_into IS NULL
        LEFT JOIN seen AS v ON v.id = a.about
        WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.kind = a.kind AND k.fact_id = a.fact_id)
          AND (a.about_told_of IS NULL OR v.version = l.version)
        ORDER BY a.kind, a.fact_id, a.place
        ON CONFLICT DO NOTHING RETURNING {_FOUND}
    )"""  # noqa: S608 -- the same


# What `usercore.delivery.routing` says of a failed payment; a test holds both equal.
_TOLD: Final = """
to_deliveries AS (
    INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, created_at, due_at, traceparent)
    SELECT w.event_id, 'NOTIFICATION', 'SEND_PAYMENT_FAILED', w.user_id,
           json_build_object(
               'orderId', w.order_id, 'paymentId', w.fact_id, 'errorCode', w.error_code,
               'amount', CASE WHEN w.amount IS NOT NULL
                              THEN json_build_object('value', w.amount::text, 'currency', w.currency) END,
               'email', l.email, 'firstName', l.first_name, 'locale', l.locale
           ),
           a.recorded_at, a.recorded_at, a.traceparent
    FROM won_payments AS w JOIN asked_payments AS a ON a.event_id = w.event_id JOIN locked AS l ON l.id = w.user_id
    WHERE w.kind = 'PAYMENT_FAILED'
)"""

_LEVELS: Final = ("firsts", "payments", "bare")
_ASKED: Final = " UNION ALL ".join(f"SELECT * FROM asked_{name}" for name in _LEVELS)  # noqa: S608 -- the same
_RECORDED: Final = " UNION ALL ".join(
    f"SELECT {_FOUND}, {table != 'known'} AS fresh FROM {table}"  # noqa: S608 -- the same
    for table in ("known", *(f"won_{name}" for name in _LEVELS))
)


def _content(table: str) -> str:
    return ", ".join(f"{table}.{column}" for column in _CONTENT)


RECORD: Final = f"""
WITH RECURSIVE {_INPUT}, {_LOCKED}, {_SEEN},
{_asked("firsts", "USER", "i")}, {_won("firsts")},
{_asked("payments", "ORDER", "r", _found("ORDER_PLACED", "won_firsts"))}, {_won("payments")},
{_asked("bare", "PAYMENT", "r", _found("PAYMENT_FAILED", "won_payments"))}, {_won("bare")},
{_TOLD}
SELECT a.place,
       CASE WHEN l.state = 'ERASED' THEN 'IGNORED'
            WHEN r.fresh AND r.event_id = a.event_id THEN 'RECORDED'
            WHEN r.event_id IS NOT NULL AND (w.place IS NULL OR (w.waits_for, w.place) < (a.waits_for, a.place)) THEN
                CASE WHEN ({_content("r")}) IS NOT DISTINCT FROM ({_content("a")})
                          AND (a.waits_for <> 'USER' OR r.user_id IS NOT DISTINCT FROM a.user_id)
                     THEN 'KNOWN' ELSE 'CONFLICTING' END
            WHEN l.id IS NOT NULL THEN 'RACED'
            ELSE 'EARLY' END
FROM ({_ASKED}) AS a
LEFT JOIN locked AS l ON l.id = a.about
LEFT JOIN ({_RECORDED}) AS r ON r.kind = a.kind AND r.fact_id = a.fact_id
LEFT JOIN input AS w ON r.fresh AND w.event_id = r.event_id
""".encode()  # noqa: S608 -- the same
"""Records facts, and returns the place of each with what became of it.

RACED means that another writer was quicker by less than this statement can see: it tells when it is asked again.
"""

ENTRY_COLUMNS: Final = f"""
f.user_id::text, f.event_id::text, f.recorded_at, f.actor_kind, f.actor_id, f.correlation_id, f.causation_id,
f.kind, f.fact_id, {_content("f")}"""


def _entries(condition: str = "") -> bytes:
    return f"""
    SELECT {ENTRY_COLUMNS}
    FROM unnest($2::text[]) AS chosen(kind) CROSS JOIN LATERAL (
        SELECT * FROM activity_facts AS f WHERE f.user_id = $1::uuid AND f.kind = chosen.kind {condition}
        ORDER BY f.occurred_at DESC, f.event_id DESC LIMIT $3
    ) AS f
    ORDER BY f.occurred_at DESC, f.event_id DESC LIMIT $3
    """.encode()  # noqa: S608 -- the same


NEWEST: Final = _entries()
"""Facts of a user and of some kinds, the newest first: each kind's part of the page, merged."""

BEHIND: Final = _entries("AND (f.occurred_at, f.event_id) < ($4, $5::uuid)")
"""The same, behind a position."""

# Payments are brought together by sorting, never by a join: a plan made for few would compare each with each of many.
TALLIES: Final = b"""
WITH payments AS (
    SELECT p.user_id, p.fact_id,
           max(p.order_id) FILTER (WHERE p.kind = 'PAYMENT_FAILED') AS failed_for,
           max(p.occurred_at) FILTER (WHERE p.kind = 'PAYMENT_FAILED') AS failed_at,
           max(p.order_id) FILTER (WHERE p.kind = 'PAYMENT_SUCCEEDED') AS paid_for,
           max(p.occurred_at) FILTER (WHERE p.kind = 'PAYMENT_SUCCEEDED') AS paid_at
    FROM activity_facts AS p
    WHERE p.user_id = ANY ($1::uuid[]) AND p.kind IN ('PAYMENT_FAILED', 'PAYMENT_SUCCEEDED') GROUP BY 1, 2
), of_orders AS (
    SELECT user_id, failed_for AS order_id, failed_at, paid_at, NULL::timestamptz AS order_paid_at
    FROM payments WHERE failed_at IS NOT NULL
    UNION ALL
    SELECT user_id, COALESCE(paid_for, failed_for), NULL, NULL, paid_at FROM payments WHERE paid_at IS NOT NULL
), judged AS (
    SELECT user_id, failed_at,
           GREATEST(paid_at, max(order_paid_at) OVER (PARTITION BY user_id, order_id)) AS made_good_at
    FROM of_orders
)
SELECT o.user_id::text, o.kind, o.currency, count(*), sum(o.amount), min(o.occurred_at), max(o.occurred_at)
FROM activity_facts AS o WHERE o.user_id = ANY ($1::uuid[]) AND o.kind = 'ORDER_PLACED' GROUP BY 1, 2, 3
UNION ALL
SELECT j.user_id::text, 'PAYMENT_FAILED', NULL, count(*),
       count(*) FILTER (WHERE j.made_good_at >= j.failed_at), NULL, max(j.failed_at)
FROM judged AS j WHERE j.failed_at IS NOT NULL GROUP BY 1
UNION ALL
SELECT e.user_id::text, e.kind, NULL, count(*), sum(e.points), NULL, NULL
FROM activity_facts AS e WHERE e.user_id = ANY ($1::uuid[]) AND e.kind = 'POINTS_EARNED' GROUP BY 1, 2
"""
"""What the facts of users amount to: a row for each user, kind, and currency of orders."""
