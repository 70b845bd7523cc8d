"""The outbox in partitions by id: what it was is the first of them."""

import re
from collections.abc import Iterator

from alembic import op
from sqlalchemy import Connection, text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
phase = "expand"

_SPAN = 1_000_000
_AHEAD = 3
_COLUMNS = """
    id bigint GENERATED ALWAYS AS IDENTITY (START {start} CACHE 1),
    aggregatetype text NOT NULL,
    aggregateid uuid NOT NULL,
    type text NOT NULL,
    payload json,
    event_id uuid NOT NULL,
    sequence bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    headers json NOT NULL,
    shard smallint NOT NULL,
    published_at timestamptz,
    topic text NOT NULL,
    sealed bytea,
    CONSTRAINT pk_outbox PRIMARY KEY (id)
"""
_INDEXES = (
    "CREATE INDEX ix_outbox_unpublished ON outbox (shard, id) WHERE published_at IS NULL",
    "CREATE INDEX ix_outbox_published_at ON outbox (published_at) WHERE published_at IS NOT NULL",
    "CREATE INDEX ix_outbox_aggregateid ON outbox (aggregateid, sequence)",
)
_TRIGGER = """
    CREATE TRIGGER outbox_written AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_written()
"""
_ASIDE = (
    # From here on nobody else sees the table until the end: what follows changes the catalogue alone.
    "ALTER TABLE outbox RENAME TO outbox_first",
    "DROP TRIGGER outbox_written ON outbox_first",
    # The version of the user's row keeps two events from having the same number.
    "ALTER TABLE outbox_first DROP CONSTRAINT uq_outbox_aggregateid_sequence",
    "ALTER INDEX pk_outbox RENAME TO pk_outbox_first",
    "ALTER INDEX ix_outbox_unpublished RENAME TO ix_outbox_first_unpublished",
    "ALTER INDEX ix_outbox_published_at RENAME TO ix_outbox_first_published_at",
    "ALTER INDEX ix_outbox_aggregateid RENAME TO ix_outbox_first_aggregateid",
)

_NEXT_ID = text("SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM outbox_id_seq")
_BOUND = text("""
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'outbox_first'::regclass AND conname = 'ck_outbox_first'
""")
_GRANTS = text("""
SELECT privilege_type, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = to_regclass(:name) AND grantee <> relowner
""")
_PUBLICATIONS = text("""
SELECT quote_ident(p.pubname) FROM pg_publication AS p JOIN pg_publication_rel AS r ON r.prpubid = p.oid
WHERE r.prrelid = to_regclass(:name)
""")


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _ASIDE:
        op.execute(statement)
    start = connection.execute(_NEXT_ID).scalar_one()
    op.execute("ALTER TABLE outbox_first ALTER COLUMN id DROP IDENTITY")
    op.execute(f"CREATE TABLE outbox ({_COLUMNS.format(start=start)}) PARTITION BY RANGE (id)")
    for statement in (*_INDEXES, _TRIGGER):
        op.execute(statement)
    definition = connection.execute(_BOUND).scalar()
    bound = int(re.findall(r"\d+", definition)[-1]) if definition else (start // _SPAN + 1) * _SPAN
    op.execute(f"ALTER TABLE outbox ATTACH PARTITION outbox_first FOR VALUES FROM (MINVALUE) TO ({bound})")
    op.execute("ALTER TABLE outbox_first DROP CONSTRAINT IF EXISTS ck_outbox_first")
    for low in range(bound, bound + _AHEAD * _SPAN, _SPAN):
        name = f"outbox_p{low // _SPAN:06}"
        op.execute(f"CREATE TABLE {name} PARTITION OF outbox FOR VALUES FROM ({low}) TO ({low + _SPAN})")
    # The net below: what no partition is ready for is kept all the same.
    op.execute("CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT")
    for statement in _as_before(connection, "outbox_first"):
        op.execute(statement)


def downgrade() -> None:
    connection = op.get_bind()
    start = connection.execute(_NEXT_ID).scalar_one()
    op.execute("ALTER TABLE outbox RENAME TO outbox_parted")
    op.execute("ALTER SEQUENCE outbox_id_seq RENAME TO outbox_parted_id_seq")
    for name in ("pk_outbox", "ix_outbox_unpublished", "ix_outbox_published_at", "ix_outbox_aggregateid"):
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_parted")
    op.execute(f"CREATE TABLE outbox ({_COLUMNS.format(start=start)})")
    op.execute("INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT * FROM outbox_parted")
    for statement in (*_INDEXES, _TRIGGER):
        op.execute(statement)
    op.execute("ALTER TABLE outbox ADD CONSTRAINT uq_outbox_aggregateid_sequence UNIQUE (aggregateid, sequence)")
    for statement in _as_before(connection, "outbox_parted"):
        op.execute(statement)
    op.execute("DROP TABLE outbox_parted")


def _as_before(connection: Connection, old: str) -> Iterator[str]:
    """Yield what gives the new table the rights and the publications of the old one."""
    for privilege, grantee in connection.execute(_GRANTS, {"name": old}).all():
        yield f"GRANT {privilege} ON outbox TO {grantee}"
    for (publication,) in connection.execute(_PUBLICATIONS, {"name": old}).all():
        yield f"ALTER PUBLICATION {publication} DROP TABLE {old}"
        yield f"ALTER PUBLICATION {publication} ADD TABLE outbox"
        yield f"ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)"
