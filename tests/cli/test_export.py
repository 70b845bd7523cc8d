"""`userctl export`: a file is whole or not there, its owner's alone, and the trail says who made it."""

import csv
import json
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from attrs import evolve
from pyarrow import parquet

from tests.cli.processes import wait_until
from tests.cli.userctl import COMMAND, OPERATOR, Userctl

REASON = ("--reason", "ticket 9")
GRACE = {"email": "grace@example.com", "firstName": "=Grace", "lastName": "Hopper", "address": {"country": "US"}}


@pytest.fixture
def peopled(userctl: Userctl, migrated_database_url: str, tmp_path: Path) -> Userctl:
    """userctl on a database with two users and a topic."""
    own = {"DATABASE_URL": migrated_database_url, "USER_SERVICE_CACHE_NAMESPACE": migrated_database_url[-20:]}
    ours = evolve(userctl, environ=dict(userctl.environ) | own, folder=tmp_path)
    ours.json("user", "create", "-", stdin=json.dumps(GRACE))
    ours.json("user", "create", "--email", "ada@example.com", "--first-name", "Ada", "--last-name", "Lovelace")
    assert ours("topics", "register", "news", "--title", "News", "--wording-version", "1").code == 0
    return ours


def test_files_hold_the_users_that_were_chosen_and_the_trail_tells_of_them(peopled: Userctl) -> None:
    folder = peopled.folder
    fields = ("--fields", "email,firstName,address.country,emailPreferences,createdAt")

    summary = peopled.json("export", "all.ndjson", *REASON)
    assert peopled("export", "some.csv", *fields, "--filter", 'address.country = "us"', *REASON).code == 0
    done = peopled("export", "all.parquet", *fields, "--in-order", *REASON)

    assert done.out.startswith("2 users written to all.parquet, ")
    assert {path.name for path in folder.iterdir()} == {"all.ndjson", "some.csv", "all.parquet"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    lines = (folder / "all.ndjson").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["email"] for line in lines} == {"grace@example.com", "ada@example.com"}
    assert (summary["users"], summary["filters"], len(lines)) == (2, ["status=ACTIVE,DEACTIVATED"], 2)
    [row] = csv.DictReader((folder / "some.csv").read_text(encoding="utf-8").splitlines())
    assert (row["firstName"], row["address.country"], row["emailPreferences.news.subscribed"]) == (
        "'=Grace",
        "US",
        "false",
    )
    table = parquet.read_table(folder / "all.parquet")
    grace = next(row for row in table.to_pylist() if row["email"] == "grace@example.com")
    assert (grace["firstName"], grace["emailPreferences.news.subscribed"]) == ("=Grace", False)
    assert grace["emailPreferences.news.source"] is None
    assert abs(grace["createdAt"] - datetime.now(UTC)).total_seconds() < 600
    told = peopled.json("audit", "show", "--action", "UsersExported")["items"]
    assert [one["fields"][-1] for one in told] == ["users:2", "users:1", "users:2"]
    assert {(one["actor"]["id"], one["causationId"]) for one in told} == {(OPERATOR, "reason: ticket 9")}
    assert "filter:filter=address.country =" in told[1]["fields"]


def test_on_standard_output_are_users_and_nothing_else(peopled: Userctl) -> None:
    done = peopled("export", "--fields", "email", "--in-order", *REASON)
    as_json = peopled(
        "export", "-", "--format", "csv", "--fields", "lastName", "--email", "GRACE@example.com", *REASON, "--json"
    )

    assert done.out == '{"email":"grace@example.com"}\n{"email":"ada@example.com"}\n'
    assert done.err.startswith("2 users, ")
    assert as_json.out == "lastName\nHopper\n"
    assert json.loads(as_json.err)["users"] == 1


REFUSED: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("--reason", " "), 64, "usage"),
    ((), 64, "usage"),
    ((*REASON, "--fields", "password"), 65, "export_invalid"),
    ((*REASON, "--status", "ERASED"), 65, "export_invalid"),
    ((*REASON, "--filter", "colour = 1"), 65, "filter_invalid"),
)


def test_what_cannot_be_exported_leaves_no_file(peopled: Userctl) -> None:
    for arguments, code, word in REFUSED:
        done = peopled("export", "users.csv", *arguments)

        assert (done.code, done.error.split(":")[1].strip()) == (code, word)
        assert list(peopled.folder.iterdir()) == []


def test_an_export_that_is_killed_leaves_no_file_and_ctrl_c_ends_it_in_the_server_too(
    peopled: Userctl, migrated_database_url: str
) -> None:
    command = [*COMMAND, "export", "users.ndjson", "--fields", "emailPreferences", *REASON]
    with (
        psycopg.connect(migrated_database_url) as lock,
        psycopg.connect(migrated_database_url, autocommit=True) as beside,
    ):
        # The export of a large database, standing still in the middle.
        lock.execute("LOCK TABLE email_preferences IN ACCESS EXCLUSIVE MODE")

        def copying() -> bool:
            query = "SELECT FROM pg_stat_activity WHERE application_name = 'user-service-export' AND query LIKE 'COPY%'"
            return bool(beside.execute(query).fetchall())

        codes = []
        for ending in (signal.SIGINT, signal.SIGKILL):
            process = subprocess.Popen(command, env=dict(peopled.environ), cwd=peopled.folder)
            wait_until(copying)
            [unfinished] = peopled.folder.iterdir()
            assert unfinished.name != "users.ndjson"
            process.send_signal(ending)
            codes.append(process.wait(30))
            if ending is signal.SIGINT:
                assert list(peopled.folder.iterdir()) == []
                wait_until(lambda: not copying())

    assert codes == [130, -signal.SIGKILL]
    assert [path.name for path in peopled.folder.iterdir() if path.suffix == ".ndjson"] == []
