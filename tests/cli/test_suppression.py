"""The suppression list, from a terminal: addresses come by standard input or file and are never shown."""

import pytest

from tests.cli.userctl import OPERATOR, Userctl

TWO = "canary.one@example.com\n\n  Canary.Two@Example.com \n"


def test_addresses_are_put_on_the_list_and_taken_off_without_being_shown(userctl: Userctl) -> None:
    added = userctl.json("suppression", "add", "-", "--because", "BOUNCE", "--said-by", "gateway", stdin=TWO)
    assert added == {"added": 2, "known": 0}
    assert userctl.json("suppression", "add", "--because", "BOUNCE", stdin=TWO) == {"added": 0, "known": 2}
    assert userctl.json("suppression", "add", stdin="canary.one@example.com") == {"added": 1, "known": 0}

    file = userctl.folder / "addresses.txt"
    file.write_text("another@example.com\nCANARY.one@example.com\n", encoding="utf-8")
    none, one = userctl.json("suppression", "check", str(file))["items"]
    assert (none["line"], none["suppressed"], none["reasons"]) == (1, False, [])
    assert [(found["reason"], found["source"]) for found in one["reasons"]] == [
        ("BOUNCE", "gateway"),
        ("OPERATOR", f"OPERATOR:{OPERATOR}"),
    ]
    table = userctl("suppression", "check", str(file)).out
    assert [line.split() for line in table.splitlines()] == [
        ["LINE", "SUPPRESSED", "REASONS"],
        ["1", "no"],
        ["2", "yes", "BOUNCE", "OPERATOR"],
    ]
    assert "canary" not in table.lower()

    why = ("--reason", "the mailbox is back")
    assert userctl.json("suppression", "remove", "--because", "BOUNCE", *why, stdin=TWO) == {"removed": 2, "unknown": 0}
    assert userctl.json("suppression", "remove", *why, stdin=TWO) == {"removed": 1, "unknown": 1}
    left = userctl.json("suppression", "check", stdin=TWO)["items"]
    assert [found["suppressed"] for found in left] == [False, False]


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("add",), "good@example.com\ncanary\n", 65),
        (("check",), "canary", 65),
        (("add",), "", 65),
        (("add",), b"\xff", 65),
        (("remove",), TWO, 64),
        (("remove", "--reason", " "), TWO, 65),
        (("add", "--because", "WHIM"), TWO, 64),
        (("add", "canary@example.com"), "", 64),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_without_repeating_it(
    userctl: Userctl, arguments: tuple[str, ...], stdin: str | bytes, code: int
) -> None:
    done = userctl("suppression", *arguments, stdin=stdin)
    assert done.code == code
    assert len(done.error.splitlines()) == 1
    assert "canary" not in done.error.lower()
    assert done.out == ""
