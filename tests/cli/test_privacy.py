"""`userctl privacy`: an operator's day with requests, from the first letter to the last receipt."""

import json
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest
from attrs import evolve

from tests.cli.userctl import OPERATOR, Userctl
from tests.databases import fresh_database

NOBODY = "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"


@pytest.fixture
def desk(userctl: Userctl, tmp_path: Path) -> Userctl:
    """userctl with a ledger of erasures of the test's own."""
    files = {
        "USER_SERVICE_ERASURE_LEDGER_FILE": str(tmp_path / "erasures.jsonl"),
        "USER_SERVICE_DELIVERY_RECORD_FILE": str(tmp_path / "deliveries.jsonl"),
        "USER_SERVICE_LOG_LEVEL": "error",
    }
    return evolve(userctl, environ=dict(userctl.environ) | files)


def created(userctl: Userctl, email: str) -> str:
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper")
    return str(userctl.json("user", "create", *flags)["id"])


def everything_goes_out(userctl: Userctl) -> None:
    """Deliver what waits, and say that the brokers have acknowledged."""
    assert userctl("deliver").code == 0
    with psycopg.connect(userctl.environ["DATABASE_URL"]) as connection:
        connection.execute("UPDATE outbox SET published_at = now() WHERE published_at IS NULL")


def test_access_from_the_letter_to_the_archive(desk: Userctl, tmp_path: Path) -> None:
    created(desk, "access@example.com")
    asked = desk.json("privacy", "request", "access", "--email", "access@example.com", "--text", "what do you know?")
    assert (asked["state"], asked["receivedFrom"]) == ("IDENTITY_PENDING", {"kind": "OPERATOR", "id": OPERATOR})
    again = desk.json("privacy", "request", "ACCESS", "--email", "access@example.com")
    assert again == asked
    early = desk("privacy", "run", asked["id"])
    assert (early.code, early.error.split(":")[1]) == (79, " identity_needed")
    known = desk.json("privacy", "verify", asked["id"], "--how", "passport seen")
    assert known["state"] == "ACCEPTED"
    assert desk.json("privacy", "run")["advanced"] >= 1
    file = tmp_path / "grace.zip"
    said = desk("privacy", "archive", asked["id"], "--to", str(file))
    assert (said.code, file.stat().st_mode & 0o777) == (0, 0o600)
    with ZipFile(file) as archive:
        [profile] = json.loads(archive.read("profile.json"))["records"]
    assert profile["email"] == "access@example.com"
    shown = desk("privacy", "show", asked["id"]).out
    assert "COMPLETED" in shown
    assert "CHECKED_BY_OPERATOR" in shown


def test_requests_are_listed_extended_refused_and_cancelled(desk: Userctl) -> None:
    ident = created(desk, "desk@example.com")
    wrong = desk("privacy", "request", "everything", ident)
    assert (wrong.code, wrong.error.split(":")[1]) == (64, " usage")
    asked = desk.json("privacy", "request", "rectification", ident, "--set", "lastName=Murray", "--law", "ccpa")
    assert (asked["jurisdiction"], asked["profile"]) == ("CCPA", {"lastName": "Murray"})
    later = desk.json("privacy", "extend", asked["id"], "--reason", "many systems")
    assert later["dueAt"] > asked["dueAt"]
    ground = ("--ground", "accurate-already", "--reason", "it is right")
    refused = desk.json("privacy", "refuse", asked["id"], *ground)
    assert refused["refusal"]["ground"] == "ACCURATE_ALREADY"
    assert desk.json("privacy", "refuse", asked["id"], *ground) == refused
    other = desk.json("privacy", "request", "objection", ident)
    assert desk.json("privacy", "cancel", other["id"])["state"] == "CANCELLED"
    listed = desk.json("privacy", "list", ident, "--state", "refused", "--state", "cancelled")
    assert [one["id"] for one in listed["items"]] == [other["id"], asked["id"]]
    assert desk.json("privacy", "list", ident, "--overdue")["items"] == []
    assert desk.json("privacy", "list", "--all")["nextCursor"] is None
    heading = desk("privacy", "list", ident).out.splitlines()[0]
    assert heading.split() == ["ID", "KIND", "STATE", "DUE", "LAW", "USER"]


def test_a_restriction_is_kept_until_it_is_lifted(desk: Userctl) -> None:
    ident = created(desk, "restricted@example.com")
    asked = desk.json("privacy", "request", "restriction", ident, "--identity", "called back")
    assert desk.json("privacy", "run", asked["id"])["state"] == "COMPLETED"
    refused = desk("user", "update", ident, "--set", "lastName=H")
    assert (refused.code, refused.error.split(":")[1]) == (79, " user_restricted")
    assert desk.json("privacy", "unrestrict", ident)["restricted"] is False
    assert desk("user", "update", ident, "--set", "lastName=H").code == 0


def test_an_erasure_waits_for_a_hold_and_is_written_down_before_it_is_done(desk: Userctl, tmp_path: Path) -> None:
    ident = created(desk, "erased@example.com")
    desk.json("privacy", "hold", ident, "--matter", "case-1", "--reason", "a claim")
    erase = ("privacy", "erase", ident, "--reason", "asked by letter, signature compared")
    held = desk(*erase)
    assert (held.code, held.error.split(":")[1]) == (79, " legal_hold")
    ended = desk.json("privacy", "release", ident, "--matter", "case-1", "--reason", "settled")
    assert ended["items"][0]["release"]["reason"] == "settled"
    assert desk.json("privacy", "holds", ident) == ended

    begun = desk.json(*erase)
    assert (begun["state"], begun["erasure"]["step"]) == ("IN_PROGRESS", "DRAIN")
    everything_goes_out(desk)
    assert desk.json(*erase)["erasure"]["step"] == "RECEIPTS"
    [line] = (tmp_path / "erasures.jsonl").read_text().splitlines()
    assert json.loads(line)["userId"] == ident
    gone = desk("user", "get", ident)
    assert (gone.code, gone.error.split(":")[1]) == (67, " user_erased")
    assert "waiting" in desk("privacy", "show", begun["id"]).out
    everything_goes_out(desk)
    done = desk.json("privacy", "run", begun["id"])
    assert done["state"] == "COMPLETED"
    assert sorted(done["erasure"]["receipts"]) == ["AUDIT", "AUTHENTICATION", "NOTIFICATION", "TOPIC"]
    assert desk.json("privacy", "run", begun["id"]) == done


def test_the_ledger_finds_whom_a_backup_brought_back(desk: Userctl, tmp_path: Path) -> None:
    ident = created(desk, "back@example.com")
    before = desk.environ["DATABASE_URL"]
    with fresh_database(before, before.rpartition("/")[2]) as backup:
        begun = desk.json("privacy", "erase", ident, "--reason", "asked at the desk")
        everything_goes_out(desk)
        assert desk.json("privacy", "run", begun["id"])["erasure"]["step"] == "RECEIPTS"
        assert desk.json("privacy", "ledger", "verify")["sound"]

        restored = evolve(desk, environ=dict(desk.environ) | {"DATABASE_URL": backup})
        found = restored("privacy", "ledger", "verify")
        assert found.code == 79
        assert f"User {ident} was erased, and the database has them back." in found.out
        # Whoever reads users erases first.
        assert restored("user", "get", ident).code == 67
        assert restored("user", "get", "--email", "back@example.com").code == 67
        assert restored.json("privacy", "ledger", "replay", "--reason", "restored")["erased"] == 0
        everything_goes_out(restored)
        assert restored.json("privacy", "run", begun["id"])["state"] == "COMPLETED"

    ledger = tmp_path / "erasures.jsonl"
    ledger.write_text(ledger.read_text().replace("GDPR", "CCPA"))
    broken = desk("privacy", "ledger", "verify", "--json")
    assert (broken.code, json.loads(broken.out)["brokenAt"]) == (79, 1)
    refused = desk("user", "list")
    assert (refused.code, refused.out) == (69, "")
    assert refused.err.splitlines()[-1].startswith("userctl: unavailable: the ledger of erasures was changed")
    ledger.write_text("")
    assert json.loads(desk("privacy", "ledger", "verify", "--json").out)["missing"] == 1


def test_what_there_is_not_has_an_exit_code_of_its_own(desk: Userctl) -> None:
    for command in (("show", NOBODY), ("run", NOBODY), ("cancel", NOBODY)):
        absent = desk("privacy", *command)
        assert (absent.code, absent.error.split(":")[1]) == (67, " privacy_request_not_found")
    ident = created(desk, "none@example.com")
    missing = desk("privacy", "release", ident, "--matter", "none", "--reason", "why")
    assert (missing.code, missing.error.split(":")[1]) == (67, " legal_hold_not_found")
    without = desk("privacy", "erase", ident)
    assert without.code == 64
