"""What would stop the traffic is found in a version of the schema."""

from pathlib import Path

import pytest

from tests.sql.made_versions import Versions
from tools.migration_rules import ADVICE, Linter, Version
from tools.migrations_lint import judged, observed

ADD_CHECK = "ALTER TABLE users ADD CONSTRAINT ck_users_a CHECK (a IS NOT NULL)"
VALIDATE = "ALTER TABLE users VALIDATE CONSTRAINT ck_users_a"

BAD = [
    ("volatile-default", "ALTER TABLE users ADD COLUMN a uuid DEFAULT gen_random_uuid()"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN a timestamptz NOT NULL DEFAULT clock_timestamp()"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN a bigserial"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN a int GENERATED ALWAYS AS (b + 1) STORED"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN a int GENERATED ALWAYS AS IDENTITY"),
    ("not-null-without-default", "ALTER TABLE users ADD COLUMN a text NOT NULL"),
    ("set-not-null", "ALTER TABLE users ALTER COLUMN a SET NOT NULL"),
    ("set-not-null", f"{ADD_CHECK} NOT VALID; ALTER TABLE users ALTER COLUMN a SET NOT NULL"),
    ("set-not-null", "ALTER TABLE users ADD CONSTRAINT nn NOT NULL a"),
    ("constraint-not-valid", ADD_CHECK),
    ("constraint-not-valid", "ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES others (id)"),
    ("constraint-not-valid", "ALTER TABLE users ADD COLUMN a int REFERENCES others (id)"),
    ("validated-at-once", f"{ADD_CHECK} NOT VALID; {VALIDATE}"),
    ("index-in-constraint", "ALTER TABLE users ADD CONSTRAINT uq UNIQUE (a)"),
    ("index-in-constraint", "ALTER TABLE users ADD CONSTRAINT pk PRIMARY KEY (a)"),
    ("index-in-constraint", "ALTER TABLE users ADD COLUMN a int UNIQUE"),
    ("index-not-concurrently", "CREATE INDEX ix ON users (a)"),
    ("index-not-concurrently", "DROP INDEX ix_users_old"),
    ("index-not-concurrently", "REINDEX TABLE users"),
    ("concurrently-in-transaction", "CREATE INDEX CONCURRENTLY ix ON users (a)"),
    ("concurrently-in-transaction", "DROP INDEX CONCURRENTLY ix_users_old"),
    ("type-change", "ALTER TABLE users ALTER COLUMN a TYPE bigint"),
    ("rename", "ALTER TABLE users RENAME COLUMN a TO b"),
    ("rename", "ALTER TABLE users RENAME TO people"),
    ("drop-outside-contract", "ALTER TABLE users DROP COLUMN a"),
    ("drop-outside-contract", "DROP TABLE users"),
    ("drop-outside-contract", "TRUNCATE users"),
    ("unbounded-update", "UPDATE users SET a = 1"),
    ("unbounded-update", "DELETE FROM users WHERE a = 1"),
    ("unbounded-update", "WITH gone AS (DELETE FROM users RETURNING 1) SELECT count(*) FROM gone"),
    ("lock-table", "LOCK TABLE users IN SHARE MODE"),
    ("hidden-sql", "DO $$ BEGIN UPDATE users SET a = 1; END $$"),
    ("rewrite", "ALTER TABLE users SET UNLOGGED"),
    ("rewrite", "VACUUM FULL users"),
]
GOOD = [
    "ALTER TABLE users ADD COLUMN a text",
    "ALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT 0",
    "ALTER TABLE users ADD COLUMN a timestamptz NOT NULL DEFAULT now()",
    f"{ADD_CHECK} NOT VALID",
    "ALTER TABLE users ADD CONSTRAINT uq UNIQUE USING INDEX ux",
    "CREATE TABLE fresh (a int UNIQUE CHECK (a > 0)); CREATE INDEX ix ON fresh (a); ALTER TABLE fresh RENAME TO newer",
    "CREATE TABLE fresh (a int); INSERT INTO fresh VALUES (1); UPDATE fresh SET a = 2; DROP TABLE fresh",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
]


def broken(*up: str, phase: str | None = "expand", transactional: bool = True, down: bool = True) -> list[str]:
    """Give the rules that a version breaks whose database has the table users with an index."""
    linter = Linter()
    up_before = ["CREATE TABLE users (a int)", "CREATE INDEX ix_users_old ON users (a)"]
    before = Version("0001", "expand", transactional=True, up=up_before, down=["-"])
    assert list(linter.lint(before)) == []
    version = Version("0002", phase, transactional=transactional, up=up, down=["-"] if down else [])
    return sorted({one.rule for one in linter.lint(version)})


@pytest.mark.parametrize(("rule", "statement"), BAD)
def test_what_would_stop_the_traffic_is_found(rule: str, statement: str) -> None:
    assert broken(statement) == [rule]


@pytest.mark.parametrize("statement", GOOD)
def test_what_stops_nobody_is_let_pass(statement: str) -> None:
    assert broken(statement) == []


def test_what_must_be_undone_and_declared_is_missed() -> None:
    assert broken("CREATE TABLE fresh (a int)", down=False) == ["missing-downgrade"]
    assert broken("CREATE TABLE fresh (a int)", phase=None) == ["phase-undeclared"]


def test_every_rule_has_a_version_that_breaks_it() -> None:
    assert {rule for rule, _ in BAD} | {"missing-downgrade", "phase-undeclared"} == ADVICE.keys()


def test_what_one_transaction_may_not_do_may_be_done_in_steps() -> None:
    step = "UPDATE users SET a = 1 WHERE a IN (SELECT a FROM users WHERE a = 0 LIMIT %(batch)s)"

    assert broken(step) == ["unbounded-update"]
    assert broken(step, transactional=False) == []
    assert broken("UPDATE users SET a = 1", transactional=False) == ["unbounded-update"]
    assert broken("CREATE INDEX CONCURRENTLY ix ON users (a)", transactional=False) == []
    in_steps = (f"{ADD_CHECK} NOT VALID", VALIDATE, "ALTER TABLE users ALTER COLUMN a SET NOT NULL")
    assert broken(*in_steps, transactional=False) == []


def test_a_contract_version_may_take_away() -> None:
    assert broken("ALTER TABLE users DROP COLUMN a", "DROP TABLE users", phase="contract") == []


def test_a_table_that_was_renamed_is_known_by_its_new_name() -> None:
    aside = ("ALTER TABLE users RENAME TO older", "CREATE TABLE users (a int)")

    assert broken(*aside, "CREATE INDEX ix ON users (a)") == ["rename"]
    assert broken(*aside, "CREATE INDEX ix ON older (a)") == ["index-not-concurrently", "rename"]


async def test_what_a_version_really_sends_is_judged(database_url: str, tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    versions.write(
        "op.create_table('things', __import__('sqlalchemy').Column('id', __import__('sqlalchemy').Integer))",
        down="op.drop_table('things')",
    )
    versions.write("op.create_index('ix_things_id', 'things', ['id'])")
    versions.write(
        "online.create_index('ix_more', 'things (id)')", down="online.drop_index('ix_more')", transactional=False
    )

    findings, unused = judged(await observed(database_url, tmp_path), {("0003", "rename"): "nothing needs it"})

    assert [(one.revision, one.rule) for one in findings] == [
        ("0002", "missing-downgrade"),
        ("0002", "index-not-concurrently"),
    ]
    assert unused == [("0003", "rename")]
