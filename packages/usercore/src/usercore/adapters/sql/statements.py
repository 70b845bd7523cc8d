"""The statements that write changes: everything that many changes bring, in one round trip.

Each takes three JSON values: an array of the changes, one of their deliveries, and an object with an array for each
kind of record that other features add. A row that loses (its email is
taken, its version is not the next one) is left out, and so is all that belongs to it.
"""

from typing import Final

from sqlalchemy import make_url

from usercore.adapters.sql.mapping import USER_COLUMNS
from usercore.adapters.sql.tables import users
from usercore.audit.chain import GENESIS

_DIALECT: Final = make_url("postgresql+psycopg://").get_dialect()()
_TYPES: Final = {name: users.c[name].type.compile(_DIALECT).partition(" COLLATE")[0] for name in USER_COLUMNS}

_INPUT: Final = f"""
input AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS i(
        {", ".join(f"{name} {kind}" for name, kind in _TYPES.items())},
        search_words text[], event_id uuid, message text, payload text, headers json, shard smallint, topic text,
        actor_kind text, actor_id text, fields text[], correlation_id text, causation_id text,
        sealed text, contents_hash text, digest text, key_version integer, key_sealed text,
        inbox_topic text, inbox_source text, inbox_id text, inbox_fingerprint text
    )
)"""  # noqa: S608 -- made of constants, as everything here

_COLUMNS: Final = ", ".join(USER_COLUMNS)
_VALUES: Final = ", ".join(f"i.{name}" for name in USER_COLUMNS)

# Inserted in one order by every writer, so that two batches with the same emails wait for each other in turn.
_CREATED: Final = f"""
won AS (
    INSERT INTO users ({_COLUMNS}, search_words)
    SELECT {_VALUES}, array_to_tsvector(i.search_words) FROM input AS i ORDER BY i.email_canonical
    ON CONFLICT DO NOTHING RETURNING id
)"""  # noqa: S608 -- the same

# Locked in one order by every writer, for the same reason; the versions are those that the locks found.
_LOCKED: Final = """
locked AS MATERIALIZED (
    SELECT u.id, u.version FROM users AS u WHERE u.id = ANY (ARRAY(SELECT i.id FROM input AS i))
    ORDER BY u.id FOR NO KEY UPDATE
)"""
_KEPT: Final = {"id", "created_at"}
_SETS: Final = ", ".join(f"{name} = i.{name}" for name in USER_COLUMNS if name not in _KEPT)
_UPDATED: Final = f"""
won AS (
    UPDATE users AS u SET {_SETS}, search_words = array_to_tsvector(i.search_words)
    FROM input AS i
    WHERE u.id = ANY (ARRAY(SELECT l.id FROM locked AS l)) AND u.id = i.id AND u.version = i.version - 1
    RETURNING u.id
)"""  # noqa: S608 -- the same

# The outbox's number is drawn here, after the user's row was written: per user, numbers go up with versions.
_OUTBOX: Final = """
to_outbox AS (
    INSERT INTO outbox (aggregatetype, aggregateid, type, payload, event_id, sequence, occurred_at, headers, shard,
                        topic)
    SELECT 'user', i.id, i.message, i.payload::json, i.event_id, i.version, i.updated_at, i.headers, i.shard,
           i.topic
    FROM won JOIN input AS i ON i.id = won.id
)"""
_DEPENDENTS: Final = """
to_inbox AS (
    INSERT INTO inbox (topic, source, message_id, fingerprint, received_at)
    SELECT i.inbox_topic, i.inbox_source, i.inbox_id, decode(i.inbox_fingerprint, 'hex'), i.updated_at
    FROM won JOIN input AS i ON i.id = won.id
    WHERE i.inbox_id IS NOT NULL
), to_history AS (
    INSERT INTO user_history (user_id, version, event_id, message, occurred_at, actor_kind, actor_id,
                              correlation_id, causation_id, sealed)
    SELECT i.id, i.version, i.event_id, i.message, i.updated_at, i.actor_kind, i.actor_id,
           i.correlation_id, i.causation_id, decode(i.sealed, 'hex')
    FROM won JOIN input AS i ON i.id = won.id
), to_keys AS (
    INSERT INTO user_keys (user_id, master_version, sealed_key, created_at)
    SELECT i.id, i.key_version, decode(i.key_sealed, 'hex'), i.updated_at
    FROM won JOIN input AS i ON i.id = won.id
    WHERE i.key_sealed IS NOT NULL
), to_audit AS (
    INSERT INTO audit_entries (user_id, sequence, event_id, occurred_at, actor_kind, actor_id, action, fields,
                               correlation_id, causation_id, version, contents_hash, hash)
    SELECT i.id, p.sequence, i.event_id, i.updated_at, i.actor_kind, i.actor_id, i.message, i.fields,
           i.correlation_id, i.causation_id, i.version, decode(i.contents_hash, 'hex'),
           -- What `usercore.audit.chain.link` computes.
           sha256('\\x01'::bytea || p.previous || int8send(p.sequence) || decode(i.digest, 'hex'))
    FROM places AS p JOIN input AS i ON i.id = p.user_id
    RETURNING user_id, sequence, hash
), to_heads AS (
    INSERT INTO audit_heads (user_id, sequence, hash) SELECT user_id, sequence, hash FROM to_audit
    ON CONFLICT (user_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
), to_deliveries AS (
    INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, secret, created_at, due_at,
                            traceparent)
    SELECT d.event_id, d.recipient, d.operation, d.user_id, d.payload, d.secret, d.created_at, d.created_at,
           d.traceparent
    FROM won JOIN json_to_recordset($2::json) AS d(
        event_id uuid, recipient text, operation text, user_id uuid, payload json, secret text, created_at timestamptz,
        traceparent text
    ) ON d.user_id = won.id
), to_preferences AS (
    INSERT INTO email_preferences (user_id, topic, subscribed, source, said_at, wording_version)
    SELECT p.user_id, p.topic, p.subscribed, p.source, p.said_at, p.wording_version
    FROM won JOIN json_to_recordset($3::json -> 'preferences') AS p(
        user_id uuid, topic text, subscribed boolean, source text, said_at timestamptz, wording_version text
    ) ON p.user_id = won.id
    ON CONFLICT (user_id, topic) DO UPDATE SET
        subscribed = excluded.subscribed, source = excluded.source, said_at = excluded.said_at,
        wording_version = excluded.wording_version
), to_consents AS (
    INSERT INTO consents (user_id, version, purpose, given, wording_version, source, said_at, actor_kind, actor_id,
                          proof)
    SELECT c.user_id, c.version, c.purpose, c.given, c.wording_version, c.source, c.said_at, c.actor_kind, c.actor_id,
           c.proof
    FROM won JOIN json_to_recordset($3::json -> 'consents') AS c(
        user_id uuid, version bigint, purpose text, given boolean, wording_version text, source text,
        said_at timestamptz, actor_kind text, actor_id text, proof text
    ) ON c.user_id = won.id
), to_verifications AS (
    INSERT INTO verifications (id, user_id, channel, state, started_at, contact_hash, token_hash, link_expires_at,
                               settled_at, verifier, reference, request)
    SELECT v.id, v.user_id, v.channel, v.state, v.started_at, decode(v.contact_hash, 'hex'),
           decode(v.token_hash, 'hex'), v.link_expires_at, v.settled_at, v.verifier, v.reference,
           decode(v.request, 'hex')
    FROM won JOIN json_to_recordset($3::json -> 'verifications') AS v(
        id uuid, user_id uuid, channel text, state text, started_at timestamptz, contact_hash text, token_hash text,
        link_expires_at timestamptz, settled_at timestamptz, verifier text, reference text, request text
    ) ON v.user_id = won.id
)"""

# A user has verifications that may end from the second version on.
_SETTLED: Final = """
settled AS (
    UPDATE verifications AS v
    SET state = CASE WHEN v.id = s.confirmed THEN 'CONFIRMED' ELSE 'CANCELLED' END, settled_at = s.settled_at
    FROM won JOIN json_to_recordset($3::json -> 'settlements') AS s(
        user_id uuid, channel text, confirmed uuid, settled_at timestamptz
    ) ON s.user_id = won.id
    WHERE v.user_id = s.user_id AND v.state = 'PENDING' AND (s.channel IS NULL OR v.channel = s.channel)
)"""

# Where each change's entry stands in its user's audit chain, and the hash before it.
_GENESIS: Final = f"'\\x{GENESIS.hex()}'::bytea"
_FIRST_PLACES: Final = f"""
places AS (
    SELECT won.id AS user_id, 1::bigint AS sequence, {_GENESIS} AS previous FROM won
)"""  # noqa: S608 -- made of constants
# Locked behind the users, and in the same order. A chain without a head begins here: its user is older than chains.
_NEXT_PLACES: Final = f"""
heads AS MATERIALIZED (
    SELECT h.user_id, h.sequence, h.hash FROM audit_heads AS h WHERE h.user_id = ANY (ARRAY(SELECT won.id FROM won))
    ORDER BY h.user_id FOR NO KEY UPDATE
), places AS (
    SELECT won.id AS user_id, COALESCE(h.sequence, 0) + 1 AS sequence, COALESCE(h.hash, {_GENESIS}) AS previous
    FROM won LEFT JOIN heads AS h ON h.user_id = won.id
)"""  # noqa: S608 -- the same

_MOVED: Final = "SELECT l.id::text, l.version, won.id IS NOT NULL FROM locked AS l LEFT JOIN won ON won.id = l.id"

CREATE: Final = f"""
WITH {_INPUT}, {_CREATED}, {_FIRST_PLACES}, {_OUTBOX}, {_DEPENDENTS} SELECT id::text FROM won
""".encode()  # noqa: S608 -- the same
"""Creates users; returns the ids of those that were created."""

CREATE_QUIETLY: Final = f"""
WITH {_INPUT}, {_CREATED}, {_FIRST_PLACES}, {_DEPENDENTS} SELECT id::text FROM won
""".encode()  # noqa: S608 -- the same
"""The same, without an event for each user."""

UPDATE: Final = f"""
WITH {_INPUT}, {_LOCKED}, {_UPDATED}, {_NEXT_PLACES}, {_OUTBOX}, {_DEPENDENTS}, {_SETTLED}
{_MOVED}
""".encode()
"""Takes users one version further; returns for each that exists its version before, and whether it moved."""

UPDATE_QUIETLY: Final = f"""
WITH {_INPUT}, {_LOCKED}, {_UPDATED}, {_NEXT_PLACES}, {_DEPENDENTS}, {_SETTLED}
{_MOVED}
""".encode()
"""The same, without an event for each user."""

WHY_TAKEN: Final = b"""
SELECT EXISTS (SELECT FROM inbox WHERE topic = $5::text AND source = $6::text AND message_id = $7::text),
       EXISTS (SELECT FROM users WHERE email_canonical = $1),
       EXISTS (SELECT FROM users WHERE username_canonical = $2),
       EXISTS (SELECT FROM users WHERE external_id = $3),
       EXISTS (SELECT FROM users WHERE id = $4::uuid)
"""
"""Whether a new user's message was applied before, and its email, username, external id and id are in use."""
