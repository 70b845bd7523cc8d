"""Topics, preferences, attribute schemas, deliveries and tables, from a terminal."""

import json
from pathlib import Path

from tests.cli.userctl import OPERATOR, Userctl

SCHEMA = {"type": "object", "properties": {"tier": {"enum": ["gold", "silver"]}}, "additionalProperties": False}


def a_user(userctl: Userctl, email: str) -> str:
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper")
    return str(userctl.json("user", "create", *flags)["id"])


def test_a_user_chooses_among_the_topics_that_were_registered(userctl: Userctl) -> None:
    news = ("topics", "register", "news", "--title", "News", "--wording-version", "v1")
    orders = ("topics", "register", "orders", "--title", "Orders", "--wording-version", "v1", "--mandatory")
    assert userctl.json(*news)["subscribedByDefault"] is False
    assert userctl.json(*orders)["mandatory"] is True
    assert [topic["name"] for topic in userctl.json("topics", "list")["items"]] == ["news", "orders"]

    ident = a_user(userctl, "chooser@example.com")
    before = userctl.json("preferences", "get", ident)["topics"]
    assert (before["news"]["subscribed"], before["orders"]["subscribed"]) == (False, True)
    after = userctl.json("preferences", "set", "--email", "chooser@example.com", "--subscribe", "news")
    assert (after["version"], after["topics"]["news"]["subscribed"]) == (2, True)
    assert after["topics"]["news"]["source"] == "operator"
    table = userctl("preferences", "get", ident).out.splitlines()
    assert table[0].split() == ["TOPIC", "SUBSCRIBED", "SINCE", "SOURCE", "WORDING", "TITLE"]
    assert table[2].split()[:3] == ["orders", "yes", "(mandatory)"]

    refused = userctl("preferences", "set", ident, "--unsubscribe", "orders")
    assert (refused.code, refused.error.split(":")[1]) == (65, " preferences_invalid")
    stale = userctl("preferences", "set", ident, "--unsubscribe", "news", "--if-match", "1")
    assert (stale.code, stale.error.split(":")[1]) == (79, " stale_version")
    assert userctl.json("preferences", "get", ident) == after


def test_attributes_satisfy_the_schema_that_was_registered(userctl: Userctl) -> None:
    file = userctl.folder / "schema.json"
    file.write_text(json.dumps(SCHEMA), encoding="utf-8")
    first = userctl.json("attributes", "register", str(file))
    assert (first["version"], first["registeredBy"]) == (1, f"OPERATOR:{OPERATOR}")
    again = userctl.json("attributes", "register", "-", stdin=json.dumps(SCHEMA))
    assert again == first
    assert userctl.json("attributes", "list") == {"items": [first], "nextCursor": None}

    ident = a_user(userctl, "tiered@example.com")
    assert userctl.json("user", "update", ident, "--set", "attributes.tier=gold")["attributes"] == {"tier": "gold"}
    refused = userctl("user", "update", ident, "--set", "attributes.tier=canary")
    assert (refused.code, "attributes" in refused.error, "canary" in refused.error) == (65, True, False)
    assert userctl.json("user", "update", ident, "--unset", "attributes.tier")["attributes"] == {}


def test_what_is_no_schema_is_refused_in_one_line(userctl: Userctl) -> None:
    for text in (b"{", b"[]", b'{"type": 1}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 50_000):
        done = userctl("attributes", "register", "-", stdin=text)
        assert done.code == 65
        assert done.error.split(":")[1] in {" input_invalid", " attribute_schema_invalid"}
    absent = userctl("attributes", "register", "absent.json")
    assert (absent.code, absent.error.split(":")[1]) == (74, " file_unusable")


def test_deliveries_are_recorded_once(userctl: Userctl) -> None:
    ident = a_user(userctl, "told@example.com")
    record = userctl.folder / "deliveries.jsonl"
    first = userctl.json("deliver", USER_SERVICE_DELIVERY_RECORD_FILE=str(record))
    assert first["delivered"] > 0
    assert first["waiting"] == 0
    told = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert {"AUTHENTICATION", "AUDIT"} <= {call["recipient"] for call in told if call["userId"] == ident}
    again = userctl("deliver", USER_SERVICE_DELIVERY_RECORD_FILE=str(record))
    assert again.out == "0 delivered, 0 waiting.\n"


def test_nothing_is_delivered_where_it_would_be_lost(userctl: Userctl) -> None:
    a_user(userctl, "kept@example.com")
    refused = userctl("deliver")
    assert refused.code == 78
    assert refused.error.startswith("userctl: settings_invalid: USER_SERVICE_DELIVERY_RECORD_FILE: ")
    record = userctl.folder / "later.jsonl"
    assert userctl.json("deliver", USER_SERVICE_DELIVERY_RECORD_FILE=str(record))["delivered"] > 0


def test_tables_are_brought_up_to_date_and_back(userctl: Userctl, database_url: str) -> None:
    def status() -> dict[str, object]:
        found: dict[str, object] = userctl.json("db", "status", DATABASE_URL=database_url)
        return found

    empty = status()
    assert empty["current"] is None
    assert empty["pending"]
    early = userctl("user", "list", DATABASE_URL=database_url)
    assert (early.code, early.error) == (
        69,
        "userctl: unavailable: the tables are not up to date: userctl db upgrade",
    )
    done = userctl("db", "upgrade", DATABASE_URL=database_url)
    assert (done.code, done.out) == (0, f"Up to date, at {empty['newest']}.\n")
    assert "0001 (expand: Users, their history, and the schemas of their attributes.)" in done.err.splitlines()
    reached = status()
    assert (reached["current"], reached["newest"], reached["pending"]) == (empty["newest"], empty["newest"], [])
    shown = userctl("db", "status", DATABASE_URL=database_url).out.splitlines()
    assert shown[1].split()[:3] == ["0001", "expand", "there"]
    parts = userctl.json("db", "partitions", DATABASE_URL=database_url)["items"]
    assert [(one["table"], one["name"], one["low"]) for one in parts if one["high"] in {1_000_000, None}] == [
        ("outbox", "outbox_first", None),
        ("outbox", "outbox_rest", None),
        ("history", "user_history_rest", None),
        ("audit", "audit_entries_rest", None),
    ]
    bounds = [(one["low"], one["high"]) for one in parts if one["table"] == "audit"]
    assert [high for _, high in bounds[:-2]] == [low for low, _ in bounds[1:-1]]
    assert "outbox_p000001" in userctl("db", "partitions", DATABASE_URL=database_url).out
    unknown = userctl("db", "downgrade", "nonsense", DATABASE_URL=database_url)
    assert (unknown.code, unknown.error.split(":")[1]) == (65, " revision_unknown")
    assert userctl("db", "downgrade", "base", DATABASE_URL=database_url).code == 0
    assert status() == empty


def test_a_database_that_does_not_answer_is_named_as_that_without_its_password(
    userctl: Userctl, tmp_path: Path
) -> None:
    nowhere = "postgresql://someone:open-sesame@127.0.0.1:1/users"
    for command in (("db", "status"), ("user", "list")):
        done = userctl(*command, DATABASE_URL=nowhere)
        assert (done.code, done.error.split(":")[1]) == (69, " unavailable")
        assert "open-sesame" not in done.err
