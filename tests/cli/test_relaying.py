"""Events and profiles on their way to Kafka, from a terminal."""

import asyncio
import base64
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import evolve

from tests.cli.processes import wait_until
from tests.cli.userctl import COMMAND, Userctl
from usercore.adapters.kafka.producer import open_producer
from usercore.adapters.kafka.topics import KafkaTopics
from usercore.settings import KafkaSettings, TopicSettings


@pytest.fixture
def relaying(userctl: Userctl, kafka_settings: KafkaSettings) -> Userctl:
    """userctl with a broker, and topics of this test's own."""
    return evolve(
        userctl,
        environ=dict(userctl.environ)
        | {
            "KAFKA_BOOTSTRAP": ",".join(kafka_settings.bootstrap),
            "USER_SERVICE_KAFKA_IDEMPOTENT": str(kafka_settings.idempotent).lower(),
            "USER_SERVICE_TOPIC_PREFIX": kafka_settings.topic_prefix,
            "USER_SERVICE_TOPIC_PARTITIONS": "2",
            "USER_SERVICE_LOG_LEVEL": "warning",
        },
    )


@contextmanager
def relay(userctl: Userctl) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `userctl relay run` meanwhile, and end it politely."""
    log, environ = userctl.folder / "relay.log", dict(userctl.environ) | {"USER_SERVICE_LOG_LEVEL": "info"}
    with (
        log.open("wb") as errors,
        subprocess.Popen([*COMMAND, "relay", "run"], env=environ, stderr=errors) as process,
    ):
        try:
            wait_until(lambda: b"relay started" in log.read_bytes())
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def a_user(userctl: Userctl, email: str) -> str:
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper")
    return str(userctl.json("user", "create", *flags)["id"])


def tailed(userctl: Userctl, count: int, *arguments: str) -> list[dict[str, Any]]:
    done = userctl("events", "tail", "--from-beginning", "--count", str(count), "--json", *arguments)
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def nothing_waits(userctl: Userctl) -> bool:
    return bool(userctl.json("outbox", "status")["pending"] == 0)


def test_a_relay_publishes_what_waits_and_ends_when_asked(relaying: Userctl) -> None:
    ident = a_user(relaying, "relayed@example.com")
    waiting = relaying.json("outbox", "status")
    assert waiting["pending"] >= 1
    assert "UserCreated" in {line["message"] for line in waiting["waiting"]}
    assert waiting["oldest"] is not None
    table = relaying("outbox", "status").out.splitlines()
    assert table[0].split() == ["SHARD", "EVENT", "WAITING", "OLDEST"]
    assert f"{waiting['pending']} waiting; " in table[-1]

    with relay(relaying):
        wait_until(lambda: nothing_waits(relaying))

    events = tailed(relaying, waiting["pending"], "--topic", "user-created")
    [event] = [event for event in events if event["key"] == ident]
    assert event["value"]["email"] == "relayed@example.com"
    assert ["ce_type", "UserCreated"] in event["headers"]
    [line] = [line for line in relaying.folder.joinpath("relay.log").read_text().splitlines() if "relay ended" in line]
    assert json.loads(line)["level"] == "info"
    done = relaying.json("outbox", "status")
    assert (done["pending"], done["waiting"], done["oldest"]) == (0, [], None)
    assert done["published"] >= 1
    assert relaying("outbox", "status").out.startswith("Nothing waits.")


def test_events_are_published_again_for_a_reason_and_a_range(relaying: Userctl) -> None:
    ident = a_user(relaying, "again@example.com")
    published = relaying.json("outbox", "status")["pending"]
    with relay(relaying):
        wait_until(lambda: nothing_waits(relaying))
        why = ("--reason", "ticket 17", "--json")
        done = relaying("outbox", "replay", "--user", ident, *why, USER_SERVICE_LOG_LEVEL="info")
        assert (done.code, json.loads(done.out)) == (0, {"reopened": 1})
        audit = json.loads(done.err)
        assert (audit["event"], audit["operator"]) == ("outbox replay", "OPERATOR:ada")
        assert audit["operator_reason"] == "ticket 17"
        [said] = relaying.json("audit", "show", "--action", "OutboxReplayed")["items"]
        assert (said["action"], said["causationId"]) == ("OutboxReplayed", "reason: ticket 17")
        assert (audit["user_id"], audit["reopened"]) == (ident, 1)
        wait_until(lambda: nothing_waits(relaying))

    events = [event for event in tailed(relaying, published + 1, "--topic", "user-created") if event["key"] == ident]
    assert len(events) == 2
    assert events[0]["headers"] == events[1]["headers"]

    for wrong in (("--user", ident), ("--reason", "why"), ("--reason", " ", "--user", ident)):
        assert relaying("outbox", "replay", *wrong).code == 64
    none = relaying("outbox", "replay", "--since", "2099-01-01", "--reason", "nothing happened then", "--json")
    assert json.loads(none.out) == {"reopened": 0}


def test_profiles_are_published_again_page_by_page_and_go_on_where_they_ended(relaying: Userctl) -> None:
    idents = sorted(a_user(relaying, f"page{number}@example.com") for number in range(5))
    total = len(relaying.json("user", "list", "--limit", "500")["items"])

    assert relaying.json("profiles", "republish", "--page", "2") == {"published": total}
    states = tailed(relaying, total, "--topic", "user-profiles")
    assert set(idents) <= {state["key"] for state in states}
    assert {state["value"]["id"] for state in states} == {state["key"] for state in states}

    file = relaying.folder / "state.json"
    file.write_text(json.dumps({"after": idents[2], "published": 3}))
    assert relaying.json("profiles", "republish", "--resume", str(file)) == {"published": 3 + 2}
    assert not file.exists()
    assert relaying.json("profiles", "republish", "--after", idents[4]) == {"published": 0}
    file.write_text("[]")
    assert relaying("profiles", "republish", "--resume", str(file)).code == 65
    assert relaying("profiles", "republish", "--resume", str(file), "--after", idents[0]).code == 64


def test_a_republication_that_cannot_go_on_says_how_to_go_on(relaying: Userctl) -> None:
    ident = a_user(relaying, "broken@example.com")
    file = relaying.folder / "broken.json"
    file.write_text(json.dumps({"after": "00000000-0000-0000-0000-000000000001", "published": 7}))
    done = relaying(
        "profiles", "republish", "--resume", str(file), KAFKA_BOOTSTRAP="127.0.0.1:9", USER_SERVICE_TOPICS_CREATE="no"
    )
    assert done.code == 69
    assert json.loads(file.read_text())["published"] == 7
    assert relaying.json("profiles", "republish", "--resume", str(file))["published"] > 7
    assert ident


def test_topics_that_are_missing_and_may_not_be_made_are_named(relaying: Userctl) -> None:
    done = relaying("relay", "run", USER_SERVICE_TOPICS_CREATE="no")
    assert done.code == 69
    prefix = relaying.environ["USER_SERVICE_TOPIC_PREFIX"]
    assert f"topics_missing: topics are missing: {prefix}user-created, " in done.err
    missing = relaying("events", "tail", "--topic", "no-such")
    assert (missing.code, missing.error) == (67, "userctl: topic_unknown: there is no such topic: no-such")


def test_without_a_broker_in_the_settings_the_variable_is_named(userctl: Userctl) -> None:
    for command in (("relay", "run"), ("events", "tail"), ("profiles", "republish")):
        done = userctl(*command)
        assert (done.code, done.error) == (78, "userctl: settings_invalid: KAFKA_BOOTSTRAP: is needed and not set")
    assert userctl.json("outbox", "status")["pending"] >= 0


def test_what_is_tailed_cannot_steer_a_terminal(relaying: Userctl, kafka_settings: KafkaSettings) -> None:
    async def send() -> None:
        await KafkaTopics(kafka_settings, TopicSettings(partitions=1)).ensure(["user-created"])
        async with open_producer(kafka_settings) as producer:
            for value in (b"\x1b[2Jgone\xff", '{"name": "\u202eecarg"}'.encode(), None):
                headers = [("ce_type", b"\x1b]0;title\x07")]
                await producer.send("user-created", key=b"\x1b[31mkey", value=value, headers=headers)

    asyncio.run(send())
    shown = relaying("events", "tail", "--last", "3", "--count", "3", "--topic", "user-created")
    assert (shown.code, shown.err) == (0, "")
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    assert "(tombstone)" in shown.out
    first, second, third = tailed(relaying, 3, "--topic", "user-created")
    assert (first["value"], first["valueBase64"]) == (None, base64.b64encode(b"\x1b[2Jgone\xff").decode())
    assert second["value"] == {"name": "\u202eecarg"}
    assert third["value"] is None
    assert "valueBase64" not in third
    last = tailed(relaying, 1, "--topic", "user-created")
    assert last == [first]
