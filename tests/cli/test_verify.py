"""`userctl user verify`: contacts and identities from a terminal."""

import pytest

from tests.cli.test_users import created
from tests.cli.userctl import OPERATOR, Userctl


def test_a_start_is_shown_without_code_and_the_next_one_waits(userctl: Userctl) -> None:
    user_id = created(userctl, "verify@example.com")
    started = userctl.json("user", "verify", user_id, "--channel", "email")
    assert (started["userId"], started["channel"], started["status"]) == (user_id, "email", "pending")
    assert set(started) == {
        "id",
        "userId",
        "channel",
        "status",
        "startedAt",
        "codeExpiresAt",
        "linkExpiresAt",
        "verifiedAt",
    }
    again = userctl("user", "verify", "--email", "verify@example.com", "--channel", "email")
    assert again.code == 75
    assert "verification_throttled" in again.error


def test_an_identity_is_recorded_with_who_verified_it(userctl: Userctl) -> None:
    user_id = created(userctl, "identity@example.com")
    said = ("--verifier", "PostIdent", "--reference", "case-17", "--verified-at", "2026-02-01")
    done = userctl("user", "verify", user_id, "--channel", "identity", *said)
    assert (done.code, done.err) == (0, "")
    assert "2026-02-01T00:00:00.000000Z" in done.out
    profile = userctl.json("user", "get", user_id)
    assert profile["verification"]["identity"] == {"verified": True, "verifiedAt": "2026-02-01T00:00:00.000000Z"}


def test_an_operator_vouches_with_a_reason_and_by_name(userctl: Userctl) -> None:
    user_id = created(userctl, "vouched@example.com", "--phone-number", "+4930123456")
    said = ("--channel", "phone", "--force", "--reason", "called back, ticket 17")
    assert userctl.json("user", "verify", user_id, *said)["status"] == "confirmed"
    assert userctl.json("user", "get", user_id)["verification"]["phone"]["verified"] is True
    [latest, _] = userctl.json("user", "history", user_id)["items"]
    assert (latest["event"], latest["actor"]) == ("UserVerified", {"kind": "OPERATOR", "id": OPERATOR})


@pytest.mark.parametrize(
    "line",
    [
        ("--channel", "fax"),
        ("--channel", "identity"),
        ("--channel", "identity", "--verifier", "x"),
        ("--channel", "identity", "--verifier", "x", "--reference", "y", "--force", "--reason", "z"),
        ("--channel", "email", "--verifier", "x"),
        ("--channel", "email", "--force"),
        ("--channel", "email", "--reason", "z"),
        (),
    ],
)
def test_a_line_that_contradicts_itself_is_refused_before_anything_is_asked(
    alone: Userctl, line: tuple[str, ...]
) -> None:
    done = alone("user", "verify", "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11", *line)
    assert done.code == 64
    assert done.error


def test_who_has_no_number_cannot_verify_it(userctl: Userctl) -> None:
    user_id = created(userctl, "nophone@example.com")
    done = userctl("user", "verify", user_id, "--channel", "phone")
    assert done.code == 79
    assert "contact_missing" in done.error
