"""Messages that were set aside, from a terminal."""

import asyncio
import json
import stat
from collections.abc import Sequence

import pytest

from tests.builders import IDS, NOW, SECOND
from tests.cli.topics import arrived
from tests.cli.userctl import Userctl
from tests.keys import MASTER_KEYS
from tests.letters import HOUR, a_letter, a_message, parked
from usercore.activity.values import Awaited, WaitsFor
from usercore.adapters.sql import open_database, sql_ports
from usercore.kernel.secret import Secret
from usercore.messaging.values import DeadLetter, ParkedMessage
from usercore.settings import DatabaseSettings, KafkaSettings


def bury(userctl: Userctl, *letters: DeadLetter, parked: Sequence[ParkedMessage] = ()) -> None:
    """Put dead letters and parked messages into the database that userctl works on."""

    async def put() -> None:
        async with open_database(DatabaseSettings(url=Secret(userctl.environ["DATABASE_URL"]))) as database:
            ports = sql_ports(database, MASTER_KEYS)
            await ports.dead_letters.add(letters)
            await ports.parked.park(parked)

    asyncio.run(put())


WHY = ("--reason", "the schema was wrong")


def test_letters_are_listed_filtered_and_read_page_by_page(userctl: Userctl) -> None:
    kept = [a_letter(a_message("list-me", value=b"x" * number), code=f"code_{number % 2}") for number in range(5)]
    bury(userctl, *kept)
    search = ("dlq", "list", "--topic", "list-me")

    first = userctl.json(*search, "--limit", "2")
    assert [line["id"] for line in first["items"]] == [letter.id for letter in kept[:2]]
    rest = userctl.json(*search, "--cursor", first["nextCursor"])
    assert rest["nextCursor"] is None
    whole = userctl.json(*search, "--all")
    assert whole == {"items": first["items"] + rest["items"], "nextCursor": None}
    line = kept[1].line
    assert whole["items"][1] == {
        "id": line.id,
        "topic": "list-me",
        "partition": 1,
        "offset": line.place.offset,
        "timestampMs": 1_772_000_000_000,
        "size": 1,
        "code": "code_1",
        "detail": "write JSON in UTF-8",
        "attempts": 1,
        "diedAt": "2026-03-01T12:00:00.123456Z",
        "state": "WAITING",
        "settlement": None,
    }
    assert len(userctl.json(*search, "--code", "code_0", "--state", "WAITING")["items"]) == 3
    assert userctl.json(*search, "--state", "REPLAYED") == {"items": [], "nextCursor": None}
    table = userctl(*search, "--limit", "1").out.splitlines()
    assert table[0].split() == ["ID", "DIED", "MESSAGE", "CODE", "TRIES", "BYTES", "STATE"]
    assert table[1].split()[2:] == [f"list-me/1/{kept[0].message.offset}", "code_0", "1", "0", "WAITING"]
    assert table[2].split() == ["next", "page", "--cursor", kept[0].id]
    assert userctl("dlq", "list", "--topic", "nowhere").out == "No dead letters.\n"


def test_a_letter_is_shown_whole_and_cannot_steer_the_terminal(userctl: Userctl) -> None:
    headers = (("ce_id", b"\xff"), ("x", b"one \x1b[2J"), ("x", b"two"))
    value = '{"name": "Zo\u00eb \x1b[31m"}'
    raw = a_message("show-me", key=b"\x00\xff", value=value.encode(), headers=headers)
    letter = a_letter(raw)
    bury(userctl, letter)

    shown = userctl.json("dlq", "show", letter.id)
    assert shown["headers"] == [
        {"name": "ce_id", "valueBase64": "/w=="},
        {"name": "x", "value": "one \x1b[2J"},
        {"name": "x", "value": "two"},
    ]
    assert (shown["keyBase64"], shown["value"], shown["truncated"]) == ("AP8=", value, False)
    done = userctl("dlq", "show", letter.id)
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "Zo\u00eb [31m" in done.out
    assert "base64: AP8=" in done.out


def test_of_a_large_value_the_beginning_is_shown_and_all_of_it_written(userctl: Userctl) -> None:
    value = b"\xc3\xab" * 500_000
    letter, bare = a_letter(a_message("large", value=value)), a_letter(a_message("large", value=None))
    bury(userctl, letter, bare)
    file = userctl.folder / "value"

    shown = userctl.json("dlq", "show", letter.id, "--value-to", str(file))

    assert (shown["size"], shown["truncated"], len(shown["value"])) == (1_000_000, True, 32 * 1024)
    assert file.read_bytes() == value
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "65536 of 1000000 bytes are shown" in userctl("dlq", "show", letter.id).out
    refused = userctl("dlq", "show", bare.id, "--value-to", str(userctl.folder / "nothing"))
    assert (refused.code, refused.error.split(":")[1]) == (64, " usage")
    assert userctl.json("dlq", "show", bare.id)["value"] is None


def test_a_letter_is_discarded_once_and_for_a_reason(userctl: Userctl) -> None:
    letter = a_letter()
    bury(userctl, letter)

    bare = userctl("dlq", "discard", letter.id)
    assert (bare.code, "--reason is needed" in bare.error) == (64, True)
    blank = userctl("dlq", "discard", letter.id, "--reason", "  ")
    assert (blank.code, blank.err.split(":")[1]) == (65, " reason_invalid")
    assert userctl.json("dlq", "show", letter.id)["state"] == "WAITING"

    done = userctl.json("dlq", "discard", letter.id, *WHY)
    assert done == {"items": [{"id": letter.id, "result": "DISCARDED"}], "nextCursor": None}
    settled = userctl.json("dlq", "show", letter.id)
    assert (settled["state"], settled["settlement"]["by"]) == ("DISCARDED", "OPERATOR:ada")
    assert settled["settlement"]["reason"] == "the schema was wrong"
    assert "the schema was wrong" in userctl("dlq", "show", letter.id).out

    again = userctl("dlq", "discard", letter.id, *WHY)
    assert (again.code, again.error) == (
        79,
        "userctl: dead_letter_settled: The dead letter was replayed or discarded before",
    )
    absent = userctl("dlq", "discard", IDS.event_id(), *WHY)
    assert (absent.code, absent.error.split(":")[1]) == (67, " dead_letter_not_found")


def test_of_several_letters_those_that_can_be_are_discarded_and_the_others_named(userctl: Userctl) -> None:
    letters = [a_letter() for _ in range(3)]
    bury(userctl, *letters)
    nobody = IDS.event_id()
    userctl.json("dlq", "discard", letters[1].id, *WHY)

    done = userctl("dlq", "discard", *(letter.id for letter in letters), nobody, *WHY, "--json")

    assert done.code == 79
    assert [one["result"] for one in json.loads(done.out)["items"]] == [
        "DISCARDED",
        "dead_letter_settled",
        "DISCARDED",
        "dead_letter_not_found",
    ]
    assert done.err.startswith("userctl: not_all_done: 2 of 4 were refused; the first: ")


def test_all_letters_of_a_topic_and_a_code_are_discarded_and_no_other(userctl: Userctl) -> None:
    chosen = [a_letter(a_message("choose"), code="known") for _ in range(3)]
    others = [a_letter(a_message("choose"), code="other"), a_letter(a_message("leave"), code="known")]
    bury(userctl, *chosen, *others)

    done = userctl("dlq", "discard", "--all", "--topic", "choose", "--code", "known", *WHY)

    assert (done.code, done.out.splitlines()[-1]) == (0, "3 of 3 done.")
    left = userctl.json("dlq", "list", "--state", "WAITING", "--all")["items"]
    assert {letter.id for letter in others} <= {line["id"] for line in left}
    assert not {letter.id for letter in chosen} & {line["id"] for line in left}
    again = userctl("dlq", "discard", "--all", "--topic", "choose", "--code", "known", *WHY)
    assert (again.code, again.out) == (0, "No letter waits.\n")


@pytest.mark.parametrize("words", [(), ("--code", "x"), (IDS.event_id(), "--all"), (IDS.event_id(), "--topic", "x")])
@pytest.mark.parametrize("command", ["replay", "discard"])
def test_which_letters_is_said_in_one_way(userctl: Userctl, command: str, words: Sequence[str]) -> None:
    done = userctl("dlq", command, *words, *WHY)

    assert (done.code, done.error.split(":")[1]) == (64, " usage")


def test_what_needs_no_broker_asks_for_none_and_what_does_names_the_setting(userctl: Userctl) -> None:
    letter = a_letter()
    bury(userctl, letter)
    assert userctl("dlq", "list").code == userctl("parked", "list").code == 0

    refused = userctl("dlq", "replay", letter.id, *WHY)

    assert (refused.code, refused.error.split(":")[1:3]) == (78, [" settings_invalid", " KAFKA_BOOTSTRAP"])
    assert userctl.json("dlq", "show", letter.id)["state"] == "WAITING"


def test_letters_are_replayed_as_they_were_and_once(messaging: Userctl, kafka_settings: KafkaSettings) -> None:
    headers = (("ce_id", b"\xff"), ("x", b"1"), ("x", b"2"))
    whole = a_letter(a_message("order-placed", key=b"\x00", value=b"\xfe", headers=headers), code="replay_me")
    tombstone = a_letter(a_message("order-placed", key=b"k", value=None), code="replay_me")
    secret = a_letter(a_message("create-user", headers=(("dlq_redacted", b"password"),)), code="replay_me")
    bury(messaging, whole, tombstone, secret)

    one = messaging.json("dlq", "replay", whole.id, *WHY)
    assert one["items"] == [{"id": whole.id, "result": "REPLAYED"}]
    rest = messaging("dlq", "replay", "--all", "--code", "replay_me", *WHY, "--json")
    assert rest.code == 79
    assert json.loads(rest.out)["items"] == [
        {"id": tombstone.id, "result": "REPLAYED"},
        {"id": secret.id, "result": "dead_letter_incomplete"},
    ]
    again = messaging("dlq", "replay", whole.id, *WHY)
    assert (again.code, again.err.split(":")[1]) == (79, " dead_letter_settled")

    found = arrived(kafka_settings, "order-placed", 2)
    assert [(one.key, one.value, one.headers) for one in sorted(found, key=lambda one: one.key or b"")] == [
        (b"\x00", b"\xfe", (*headers, ("dlq_original", str(whole.message.place).encode()))),
        (b"k", None, (("dlq_original", str(tombstone.message.place).encode()),)),
    ]


def test_a_broker_that_is_away_leaves_the_letters_waiting(messaging: Userctl) -> None:
    letters = [a_letter(code="away") for _ in range(2)]
    bury(messaging, *letters)
    away = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "USER_SERVICE_KAFKA_REQUEST_TIMEOUT_S": "1"}

    done = messaging("dlq", "replay", "--all", "--code", "away", *WHY, **away)

    assert (done.code, done.err.splitlines()[-1].split(":")[1]) == (69, " unavailable")
    assert [line.split()[-1] for line in done.out.splitlines()[1:3]] == ["untouched"] * 2
    assert len(messaging.json("dlq", "list", "--code", "away", "--state", "WAITING")["items"]) == 2


def test_parked_events_are_listed_with_what_they_wait_for(userctl: Userctl) -> None:
    waits = [parked(Awaited(WaitsFor.ORDER, f"o-{number}"), at=NOW + number * SECOND) for number in range(3)]
    bury(userctl, parked=waits)

    first = userctl.json("parked", "list", "--limit", "2")
    rest = userctl.json("parked", "list", "--cursor", first["nextCursor"])
    assert userctl.json("parked", "list", "--all")["items"] == first["items"] + rest["items"]
    assert first["items"][0] == {
        "id": waits[0].id,
        "topic": "order-placed",
        "partition": 1,
        "offset": waits[0].message.offset,
        "timestampMs": 1_772_000_000_000,
        "waitsFor": {"kind": "ORDER", "id": "o-0"},
        "parkedAt": "2026-03-01T12:00:00.123456Z",
        "expiresAt": "2026-03-01T13:00:00.123456Z",
    }
    assert waits[0].expires_at == NOW + HOUR
    table = userctl("parked", "list", "--limit", "1").out.splitlines()
    assert table[0].split() == ["ID", "PARKED", "MESSAGE", "WAITS", "FOR", "NAMED", "EXPIRES"]
    assert table[1].split()[3:5] == ["order", "o-0"]
    wrong = userctl("parked", "list", "--limit", "0")
    assert (wrong.code, wrong.error.split(":")[1]) == (65, " query_invalid")
