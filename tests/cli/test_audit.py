"""`userctl audit`: the trail from a terminal, and the proof of it."""

import json
from pathlib import Path

import psycopg
import pytest
from attrs import evolve

from tests.cli.test_users import created
from tests.cli.userctl import OPERATOR, Userctl


@pytest.fixture
def audited(userctl: Userctl, migrated_database_url: str) -> Userctl:
    """userctl on a database that no other test has written to."""
    name = migrated_database_url.rpartition("/")[2]
    own = {"DATABASE_URL": migrated_database_url, "USER_SERVICE_CACHE_NAMESPACE": name}
    return evolve(userctl, environ=dict(userctl.environ) | own)


@pytest.fixture
def signing(audited: Userctl, tmp_path: Path) -> Userctl:
    """The same with keys, and a file of checkpoints."""
    private, public = tmp_path / "audit-key.pem", tmp_path / "audit-keys.txt"
    done = audited("audit", "keygen", "--private", str(private), "--public", str(public))
    assert done.code == 0, done.err
    assert private.stat().st_mode & 0o777 == 0o600
    own = {
        "USER_SERVICE_AUDIT_KEY_FILE": str(private),
        "USER_SERVICE_AUDIT_CHECKPOINT_FILE": str(tmp_path / "checkpoints.jsonl"),
    }
    return evolve(audited, environ=dict(audited.environ) | own)


def test_what_operators_look_at_is_recorded_before_it_is_shown(audited: Userctl) -> None:
    ident = created(audited, "seen@example.com")
    audited.json("user", "get", "--email", "seen@example.com")
    audited.json("user", "history", ident)
    audited.json("user", "activity", ident)
    audited.json("preferences", "get", ident)
    audited.json("user", "list", "--q", "grace", "--email", "seen@example.com")

    shown = audited.json("audit", "show", ident)["items"]

    assert [(one["action"], one["fields"]) for one in shown[:-1]] == [
        ("UsersListed", ["email", "q"]),
        ("UserRead", ["email_preferences"]),
        ("UserRead", ["activity"]),
        ("UserRead", ["history"]),
        ("UserRead", ["profile"]),
    ]
    assert {(one["actor"]["kind"], one["actor"]["id"]) for one in shown} == {("OPERATOR", OPERATOR)}
    assert [one["action"] for one in audited.json("audit", "show", "--action", "UserCreated")["items"]] == [
        "UserCreated"
    ]
    assert "seen@example.com" not in json.dumps(shown)


def test_nobody_is_shown_whom_nothing_can_be_recorded_about(audited: Userctl, migrated_database_url: str) -> None:
    ident = created(audited, "unrecorded@example.com")
    with psycopg.connect(migrated_database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_entries RENAME TO audit_entries_gone")

    for command in (("user", "get", ident), ("user", "list"), ("user", "list", "--all"), ("user", "history", ident)):
        done = audited(*command, "--json")
        assert done.code == 69, done.err
        assert "unrecorded" not in done.out


def test_a_trail_is_attested_verified_and_its_tampering_found(signing: Userctl, migrated_database_url: str) -> None:
    ident = created(signing, "chain@example.com")
    signing.json("user", "update", ident, "--set", "lastName=Murray")
    made = signing.json("audit", "checkpoint")
    assert (made["number"], made["entries"]) == (1, 2)

    clean = signing.json("audit", "verify")
    assert (clean["clean"], clean["entries"], clean["checkpoints"]) == (True, 2, 1)
    people = signing("audit", "verify")
    assert (people.code, "Nothing is wrong." in people.out) == (0, True)

    with psycopg.connect(migrated_database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_entries DISABLE TRIGGER ALL")
        owner.execute("UPDATE audit_entries SET actor_id = 'nobody' WHERE sequence = 2")
    done = signing("audit", "verify", "--json")

    assert done.code == 79
    assert [(one["kind"], one["userId"], one["sequence"]) for one in json.loads(done.out)["findings"]] == [
        ("entry_edited", ident, 2)
    ]
    assert signing("audit", "verify", "--user", ident).code == 79


def test_a_checkpoint_without_a_key_says_what_is_missing(audited: Userctl) -> None:
    done = audited("audit", "checkpoint")
    assert done.code == 65
    assert "USER_SERVICE_AUDIT_KEY_FILE" in done.err


def test_an_export_is_checked_by_itself(audited: Userctl, tmp_path: Path) -> None:
    ident = created(audited, "export@example.com")
    audited.json("user", "update", ident, "--set", "lastName=Murray")
    audited.json("user", "get", ident)
    export = tmp_path / "audit.jsonl"
    export.write_text(audited("audit", "export").out, encoding="utf-8")
    lines = [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]

    assert [one["sequence"] for one in lines] == [1, 2, 3]
    assert audited("audit", "verify-export", str(export)).code == 0

    for spoilt in (
        [lines[0], lines[2]],
        [lines[0], lines[1] | {"fields": []}, lines[2]],
        [lines[1], lines[0], lines[2]],
        [lines[0] | {"previous": "11" * 32}],
    ):
        export.write_text("".join(f"{json.dumps(line)}\n" for line in spoilt), encoding="utf-8")
        assert audited("audit", "verify-export", str(export)).code == 79
    export.write_text("{}\n", encoding="utf-8")
    assert audited("audit", "verify-export", str(export)).code == 65
