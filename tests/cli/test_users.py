"""`userctl user`: a user's life from a terminal."""

import json

import pytest

from tests.cli.userctl import OPERATOR, Userctl

NOBODY = "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"


def created(userctl: Userctl, email: str, *more: str) -> str:
    """Create a user and give the id."""
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper")
    return str(userctl.json("user", "create", *flags, *more)["id"])


def test_a_user_is_created_found_changed_deactivated_and_reactivated(userctl: Userctl) -> None:
    flags = ("--email", "Life@example.com", "--first-name", "Grace", "--last-name", "Hopper", "--external-id", "crm-1")
    new = userctl.json("user", "create", *flags, "--birth-date", "1990-01-31", "--set", "address.city=Berlin")
    assert (new["email"], new["version"], new["birthDate"]) == ("Life@example.com", 1, "1990-01-31")
    assert new["address"]["city"] == "Berlin"
    assert new["statusDetails"]["actor"] == {"kind": "OPERATOR", "id": OPERATOR}

    for name in (("--id", new["id"]), ("--email", "LIFE@example.com"), ("--username", "life@EXAMPLE.com")):
        assert userctl.json("user", "get", *name) == new
    assert userctl.json("user", "get", "--external-id", "crm-1") == new

    change = ("--set", "phoneNumber=+4930123456", "--unset", "address", "--if-match", "1")
    changed = userctl.json("user", "update", new["id"], *change)
    assert (changed["version"], changed["phoneNumber"], changed["address"]) == (2, "+4930123456", None)

    ended = userctl.json("user", "deactivate", "--external-id", "crm-1", "--reason", "asked", "--until", "2200-01-01")
    assert (ended["status"], ended["version"]) == ("DEACTIVATED", 3)
    assert ended["statusDetails"]["notes"] == "asked"
    assert ended["statusDetails"]["until"] == "2200-01-01T00:00:00.000000Z"

    back = userctl.json("user", "reactivate", "--email", "life@example.com", "--reason", "came back")
    assert (back["status"], back["version"]) == ("ACTIVE", 4)

    history = userctl.json("user", "history", new["id"])
    assert [entry["event"] for entry in history["items"]] == [
        "UserReactivated",
        "UserDeactivated",
        "UserUpdated",
        "UserCreated",
    ]
    assert {"field": "phoneNumber", "before": None, "after": "+4930123456"} in history["items"][2]["changes"]
    assert userctl.json("user", "get", new["id"], "--at", changed["updatedAt"]) == changed


def test_a_user_is_created_from_json_on_standard_input(userctl: Userctl) -> None:
    body = {
        "email": "json@example.com",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "address": {"city": "London"},
        "password": "correct horse battery staple",
    }
    done = userctl("user", "create", "-", "--json", stdin=json.dumps(body))
    assert done.document["address"]["city"] == "London"
    assert "battery" not in done.out


def test_people_are_shown_names_and_values_without_colours_when_piped(userctl: Userctl) -> None:
    ident = created(userctl, "table@example.com")
    shown = userctl("user", "get", ident)
    assert (shown.code, shown.err) == (0, "")
    assert "\x1b" not in shown.out
    rows = dict(line.split(None, 1) for line in shown.out.splitlines())
    assert rows["id"].strip() == ident
    assert rows["statusDetails.actor"].strip() == f"OPERATOR:{OPERATOR}"
    assert "phoneNumber" not in rows


def test_lists_are_filtered_and_read_page_by_page_or_whole(userctl: Userctl) -> None:
    ids = [created(userctl, f"page{number}@list.example.com", "--username", f"lister{number}") for number in range(3)]
    created(userctl, "other@example.com")
    search = ("user", "list", "--q", "lister", "--sort", "createdAt")

    first = userctl.json(*search, "--limit", "2")
    assert [user["id"] for user in first["items"]] == ids[:2]
    second = userctl.json(*search, "--limit", "2", "--cursor", first["nextCursor"])
    assert [user["id"] for user in second["items"]] == ids[2:]
    assert second["nextCursor"] is None

    whole = userctl.json(*search, "--all")
    assert whole == {"items": first["items"] + second["items"], "nextCursor": None}
    assert userctl.json("user", "list", "--all", "--q", "nobodyiscalledthis") == {"items": [], "nextCursor": None}

    userctl("user", "deactivate", ids[0])
    gone = userctl.json("user", "list", "--status", "DEACTIVATED", "--q", "lister")
    assert [user["id"] for user in gone["items"]] == ids[:1]

    table = userctl("user", "list", "--email", "PAGE1@list.example.com")
    heading, row = table.out.splitlines()
    assert heading.split() == ["ID", "EMAIL", "NAME", "STATUS", "VERSION", "CREATED"]
    assert row.split()[:2] == [ids[1], "page1@list.example.com"]


def test_a_list_by_a_filter_goes_on_by_its_cursor_and_the_trail_keeps_its_fields(userctl: Userctl) -> None:
    ids = [created(userctl, f"page{n}@filter.example.com", "--external-id", f"flt-{n}") for n in range(3)]
    search = ("user", "list", "--sort", "createdAt", "--filter")
    text = "externalId starts with 'flt-' and email.domain = 'Filter.example.com'"

    first = userctl.json(*search, text, "--limit", "2")
    second = userctl.json(*search, text.replace("'", '"'), "--limit", "2", "--cursor", first["nextCursor"])
    other = userctl(*search, "version = 1", "--cursor", first["nextCursor"])

    assert [user["id"] for user in first["items"] + second["items"]] == ids
    assert userctl.json(*search, text, "--all")["items"] == first["items"] + second["items"]
    assert (other.code, "cursor" in other.error) == (65, True)
    assert "at character 14" in userctl(*search, "externalId = 7").error
    told = userctl.json("audit", "show", "--action", "UsersListed")["items"][0]
    assert told["fields"] == ["filter", "filter:email.domain", "filter:externalId"]


def test_history_pages_go_on_where_the_one_before_ended(userctl: Userctl) -> None:
    ident = created(userctl, "paged@example.com")
    userctl("user", "update", ident, "--set", "lastName=Murray")
    newest = userctl.json("user", "history", ident, "--limit", "1")
    assert [entry["version"] for entry in newest["items"]] == [2]
    older = userctl.json("user", "history", ident, "--cursor", newest["nextCursor"])
    assert [entry["version"] for entry in older["items"]] == [1]
    everything = userctl.json("user", "history", ident, "--all")
    assert everything["items"] == newest["items"] + older["items"]
    table = userctl("user", "history", ident).out
    assert table.splitlines()[1].split()[-3:] == ["lastName", "Hopper", "Murray"]


def test_each_kind_of_error_has_its_exit_code_and_one_line_that_repeats_no_value(userctl: Userctl) -> None:
    ident = created(userctl, "errors@example.com")
    again = userctl("user", "create", "--email", "ERRORS@example.com", "--first-name", "G", "--last-name", "H")
    assert (again.code, again.error) == (79, "userctl: email_taken: Another user has this email")

    absent = userctl("user", "get", "--email", "canary@example.com")
    assert (absent.code, absent.error) == (67, "userctl: user_not_found: There is no such user")

    invalid = userctl("user", "update", ident, "--set", "phoneNumber=canary", "--set", "birthDate=canary")
    assert invalid.code == 65
    assert invalid.error.startswith("userctl: input_invalid: The input is not valid: birthDate: ")

    rule = userctl("user", "update", ident, "--set", "phoneNumber=canary", "--set", "locale=canary canary")
    assert rule.code == 65
    assert rule.error.startswith("userctl: profile_invalid: Some fields are not valid: phoneNumber: ")
    assert "; locale: " in rule.error

    stale = userctl("user", "update", ident, "--set", "lastName=H", "--if-match", "7")
    assert (stale.code, stale.error.split(":")[1]) == (79, " stale_version")

    for outcome in (again, absent, invalid, rule, stale):
        assert "canary" not in outcome.err
        assert "example.com" not in outcome.err
    assert userctl.json("user", "get", ident)["version"] == 1


def test_what_a_profile_holds_cannot_steer_a_terminal(userctl: Userctl) -> None:
    schema = {"type": "object", "properties": {"note": {"type": "string"}}}
    userctl("attributes", "register", "-", stdin=json.dumps(schema))
    hostile = "\x1b[2J\x1b]0;owned\x07 \x9b31m\u202egnp.exe\x7f"
    name = "[red]Gra\u202ece"
    body = {"email": "esc@example.com", "firstName": name, "lastName": "H", "attributes": {"note": hostile}}
    done = userctl("user", "create", "-", "--json", stdin=json.dumps(body))
    assert done.document["attributes"]["note"] == hostile
    table = userctl("user", "get", done.document["id"])
    for shown in (done.out, table.out):
        assert not set(shown) & set("\x1b\x07\x9b\u202e\x7f")
    assert "[red]Grace" in table.out


@pytest.mark.parametrize("offer", ["stdin", "file"])
def test_a_password_comes_by_standard_input_or_file_and_is_never_shown(userctl: Userctl, offer: str) -> None:
    password = "open-sesame-4711"
    flags = ("--email", f"password-{offer}@example.com", "--first-name", "G", "--last-name", "H")
    if offer == "stdin":
        done = userctl("user", "create", *flags, "--password-stdin", stdin=password + "\n")
    else:
        file = userctl.folder / "password"
        file.write_text(password + "\n", encoding="utf-8")
        done = userctl("user", "create", *flags, USERCTL_PASSWORD_FILE=str(file))
    assert (done.code, done.err) == (0, "")
    assert password not in done.out
    record = userctl.folder / f"deliveries-{offer}.jsonl"
    userctl("deliver", USER_SERVICE_DELIVERY_RECORD_FILE=str(record))
    told = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert any(call["secret"] for call in told if call["recipient"] == "AUTHENTICATION")
    assert password not in record.read_text(encoding="utf-8")


def test_a_password_that_breaks_the_rules_is_refused_without_being_repeated(userctl: Userctl) -> None:
    flags = ("--email", "short@example.com", "--first-name", "G", "--last-name", "H")
    done = userctl("user", "create", *flags, "--password-stdin", stdin="canary\n")
    assert done.code == 65
    assert done.error.startswith("userctl: profile_invalid: Some fields are not valid: password: choose at least 8")
    assert "canary" not in done.err
