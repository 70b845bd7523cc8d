"""`userctl keys`."""

import base64
import json

from tests.cli.userctl import Userctl

NEXT = "2:" + base64.b64encode(bytes(32)).decode()


def test_keys_are_shown_wrapped_anew_and_shown_again(userctl: Userctl) -> None:
    made = userctl("user", "create", "--email", "keys@example.com", "--first-name", "Grace", "--last-name", "Hopper")
    assert made.code == 0
    both = f"{userctl.environ['USER_SERVICE_MASTER_KEYS']} {NEXT}"
    before = json.loads(userctl("keys", "status", "--json", USER_SERVICE_MASTER_KEYS=both).out)
    assert (before["current"], before["outdated"] >= 1, before["plain"]["history"]) == (2, True, 0)
    shown = userctl("keys", "status", USER_SERVICE_MASTER_KEYS=both)
    assert "2 (current)" in shown.out
    assert "userctl keys rotate" in shown.out

    refused = userctl("keys", "rotate", "--reason", "  ", USER_SERVICE_MASTER_KEYS=both)
    assert (refused.code != 0, "reason_invalid" in refused.err) == (True, True)
    done = userctl("keys", "rotate", "--reason", "yearly", "--json", USER_SERVICE_MASTER_KEYS=both)
    assert json.loads(done.out) == {"rewrapped": before["outdated"]}
    again = userctl("keys", "rotate", "--reason", "yearly", USER_SERVICE_MASTER_KEYS=both)
    assert again.out == "0 keys wrapped anew.\n"
    sealed = userctl("keys", "seal", "--reason", "upgrade", USER_SERVICE_MASTER_KEYS=both)
    assert (sealed.code, sealed.out) == (0, "0 rows sealed.\n")

    alone = userctl("user", "history", "--email", "keys@example.com", USER_SERVICE_MASTER_KEYS=NEXT)
    assert (alone.code, "firstName" in alone.out) == (0, True)
    gone = userctl("user", "history", "--email", "keys@example.com")
    assert (gone.code != 0, "master_key_missing" in gone.err) == (True, True)


def test_a_generated_key_is_one_that_the_settings_take(alone: Userctl) -> None:
    made = alone("keys", "generate", "7")
    assert made.code == 0
    version, _, key = made.out.strip().partition(":")
    assert (version, len(base64.b64decode(key))) == ("7", 32)
    assert alone("keys", "generate", "7").out != made.out
    assert alone("keys", "generate", "0").code == 64


def test_keys_come_from_a_command_that_prints_them(userctl: Userctl) -> None:
    # The database's keys may have been wrapped anew by the test before.
    keys = f"{userctl.environ['USER_SERVICE_MASTER_KEYS']} {NEXT}"
    good = userctl(
        "keys", "status", "--json", USER_SERVICE_MASTER_KEYS="", USER_SERVICE_MASTER_KEYS_COMMAND=f"printf '{keys}'"
    )
    assert json.loads(good.out)["current"] == 2
    for command, detail in (
        ("false", "the command ended with 1"),
        ("/nowhere/to/be/found", "cannot be run"),
        ("printf nonsense", "must print VERSION:KEY"),
    ):
        bad = userctl("keys", "status", USER_SERVICE_MASTER_KEYS="", USER_SERVICE_MASTER_KEYS_COMMAND=command)
        assert (bad.code, bad.err.count("\n")) == (78, 1)
        assert bad.err.startswith("userctl: settings_invalid: USER_SERVICE_MASTER_KEYS_COMMAND: ")
        assert detail in bad.err
        assert "nonsense" not in bad.err
