"""Consents, from a terminal."""

from tests.cli.userctl import OPERATOR, Userctl


def a_user(userctl: Userctl, email: str) -> str:
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper")
    return str(userctl.json("user", "create", *flags)["id"])


def test_what_a_user_says_of_a_registered_purpose_is_noted_down(userctl: Userctl) -> None:
    ads = ("consents", "purposes", "register", "ads", "--title", "Advertising", "--wording-version", "v1")
    assert userctl.json(*ads)["wordingVersion"] == "v1"
    assert [one["name"] for one in userctl.json("consents", "purposes", "list")["items"]] == ["ads", "sale"]

    ident = a_user(userctl, "consenting@example.com")
    given = userctl.json("consents", "record", ident, "--give", "ads", "--source", "phone", "--proof", "call-7")
    assert (given["given"], given["source"], given["proof"], given["version"]) == (True, "phone", "call-7", 2)
    assert given["actor"] == {"kind": "OPERATOR", "id": OPERATOR}
    again = userctl.json("consents", "record", ident, "--give", "ads")
    assert again == given
    userctl.json("consents", "record", "--email", "consenting@example.com", "--withdraw", "ads")

    listed = userctl.json("consents", "list", ident)
    assert (listed["consents"]["ads"]["given"], listed["consents"]["sale"]["given"]) == (False, False)
    assert [line["given"] for line in listed["items"]] == [False, True]
    assert [line["version"] for line in userctl.json("consents", "list", ident, "--limit", "1")["items"]] == [3]
    assert [line["version"] for line in userctl.json("consents", "list", ident, "--cursor", "3")["items"]] == [2]

    table = userctl("consents", "list", ident).out.splitlines()
    assert table[0].split() == ["PURPOSE", "GIVEN", "SINCE", "SOURCE", "WORDING", "TITLE"]
    assert any(line.split()[2:5] == ["ads", "yes", "phone"] for line in table if line.startswith("2 "))


def test_what_cannot_be_said_is_refused_in_one_line(userctl: Userctl) -> None:
    ident = a_user(userctl, "unclear@example.com")
    for arguments in ((), ("--give", "sale", "--withdraw", "sale")):
        done = userctl("consents", "record", ident, *arguments)
        assert (done.code, done.error.split(":")[1]) == (64, " usage")
    done = userctl("consents", "record", ident, "--give", "canary")
    assert (done.code, done.error.split(":")[1], "canary" in done.error) == (65, " consent_invalid", False)
    done = userctl("consents", "purposes", "register", "Ads", "--title", "Ads", "--wording-version", "1")
    assert (done.code, done.error.split(":")[1]) == (65, " purpose_invalid")
