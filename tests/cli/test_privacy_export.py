"""A person's archive is taken out by an operator, who is remembered."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cli.userctl import Userctl

REASON = ("--reason", "letter of 12 January")
NOBODY = "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"


def a_user(userctl: Userctl, email: str) -> str:
    flags = ("--email", email, "--first-name", "=Grace", "--last-name", "Hopper")
    return str(userctl.json("user", "create", *flags)["id"])


def test_an_archive_is_written_for_its_owner_alone_and_the_trail_says_who_took_it(userctl: Userctl) -> None:
    ident = a_user(userctl, "archived@example.com")
    asked = ("privacy", "export", "--email", "archived@example.com", *REASON, "--json")
    assert userctl(*asked, "--output", "first.zip").code == 0
    done = userctl(*asked, "--output", "second.zip")
    assert json.loads(done.out)["userId"] == ident

    file = userctl.folder / "second.zip"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in userctl.folder.iterdir() if path.suffix in {".zip", ".new"}) == [
        "first.zip",
        "second.zip",
    ]
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json")) == json.loads(done.out)
        [profile] = json.loads(archive.read("profile.json"))["records"]
        audited = json.loads(archive.read("audit.json"))["records"]
        assert b"'=Grace" in archive.read("profile.csv")
    assert (profile["id"], profile["firstName"]) == (ident, "=Grace")
    exports = [entry for entry in audited if entry["action"] == "UserDataExported"]
    assert len(exports) == 2
    assert (exports[0]["actorKind"], exports[0]["actorId"]) == ("OPERATOR", "ada")
    assert "profile" in exports[0]["fields"]


def test_what_is_portable_is_shown_to_people_as_a_table(userctl: Userctl) -> None:
    ident = a_user(userctl, "moving@example.com")

    done = userctl("privacy", "export", ident, "--kind", "portability", "--output", "portable.zip", *REASON)

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["SECTION", "RECORDS", "FILES"]
    assert lines[1].split() == ["profile", "1", "profile.json", "profile.csv"]
    assert lines[-1] == "Written to portable.zip."
    assert "Grace" not in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ((NOBODY, "--output", "nobody.zip", *REASON), 67, "user_not_found"),
        ((NOBODY, "--output", "nobody.zip", "--reason", "  "), 64, "usage"),
        ((NOBODY, "--output", "nobody.zip", *REASON, "--kind", "everything"), 64, "usage"),
    ],
)
def test_what_cannot_be_exported_leaves_no_file(
    userctl: Userctl, arguments: tuple[str, ...], code: int, word: str
) -> None:
    done = userctl("privacy", "export", *arguments)

    assert (done.code, done.error.split(":")[1].strip()) == (code, word)
    assert list(Path(userctl.folder).glob("nobody*")) == []


def test_a_file_that_cannot_be_written_is_an_error_of_one_line(userctl: Userctl) -> None:
    ident = a_user(userctl, "unwritable@example.com")

    done = userctl("privacy", "export", ident, "--output", "no/such/folder/file.zip", *REASON)

    assert "cannot be written" in done.error
