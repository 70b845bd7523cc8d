"""Messages sent from a terminal: as the service reads them, in each of the three ways to write one."""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.processes import wait_until
from tests.cli.topics import arrived
from tests.cli.userctl import COMMAND, Userctl
from tests.signers import ED25519, jwk, jwks, private_pem
from usercore.adapters.crypto.signers import read_signer_keys
from usercore.codec.messages import read_message
from usercore.codec.messages.registry import RECEIVED
from usercore.codec.messages.signatures import SignedTopics
from usercore.kernel.context import Actor, ActorKind
from usercore.messaging.values import RawMessage
from usercore.settings import KafkaSettings

USER = "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"
ORDER = {
    "orderId": "o-1",
    "customerId": USER,
    "items": [{"productId": "p", "quantity": 1, "price": 9.99}],
    "totalAmount": 9.99,
    "currency": "EUR",
    "createdAt": "2026-03-01T12:00:00Z",
}


def only(messages: Sequence[RawMessage]) -> RawMessage:
    [message] = messages
    return message


@pytest.mark.parametrize("name", [contract.name for contract in RECEIVED])
def test_the_example_of_every_message_is_printed_without_a_broker(alone: Userctl, name: str) -> None:
    done = alone("send", "--example", name.lower(), "--print")

    assert (done.code, done.err) == (0, "")
    [contract] = [contract for contract in RECEIVED if contract.name == name]
    assert json.loads(done.out) == contract.example


@pytest.mark.parametrize("mode", ["plain", "binary", "structured"])
def test_an_example_is_sent_in_every_mode_and_read_by_the_service(
    messaging: Userctl, kafka_settings: KafkaSettings, mode: str
) -> None:
    given = () if mode == "plain" else ("--id", "id-1")

    done = messaging("send", "--example", "OrderPlaced", "--user", USER, "--mode", mode, *given)

    assert (done.code, done.out, done.err) == (0, "1 sent.\n", "")
    sent = only(arrived(kafka_settings, "order-placed", 1))
    message = read_message(sent, limit_bytes=100_000)
    message.read()
    assert (message.user_id, sent.key) == (USER, USER.encode())
    if mode == "plain":
        assert sent.headers == ()
        assert message.context.actor == Actor(ActorKind.SERVICE, "kafka")
    else:
        assert (message.receipt.message.id, message.receipt.message.source) == ("id-1", "/userctl")
        assert message.context.actor == Actor(ActorKind.OPERATOR, "ada")
        assert message.time is not None


def test_lines_are_messages_each_with_an_id_of_its_own(messaging: Userctl, kafka_settings: KafkaSettings) -> None:
    orders = [ORDER | {"orderId": f"o-{number}", "totalAmount": number} for number in range(5)]
    lines = "\n\n".join(map(json.dumps, orders)) + "\n"

    done = messaging("send", "-", "--message", "OrderPlaced", "--key", "k", "--json", stdin="\n" + lines)

    assert done.document == {"sent": 5, "replies": []}
    sent = arrived(kafka_settings, "order-placed", 5)
    assert [json.loads(message.value or b"") for message in sent] == orders
    assert {message.key for message in sent} == {b"k"}
    assert len({dict(message.headers)["ce_id"] for message in sent}) == 5


def test_a_document_over_many_lines_is_one_message_and_stays_as_it_is(
    messaging: Userctl, kafka_settings: KafkaSettings
) -> None:
    text = json.dumps(ORDER, indent=4).replace("9.99", "9.990000000000000000001", 1)
    file = messaging.folder / "order.json"
    file.write_text(text + "\n", encoding="utf-8")

    assert messaging("send", str(file), "--message", "OrderPlaced", "--mode", "structured").code == 0

    sent = only(arrived(kafka_settings, "order-placed", 1))
    assert text.encode() in (sent.value or b"")
    read_message(sent, limit_bytes=100_000).read()


@pytest.mark.parametrize(
    "text",
    ["not json", "{}", '{"userId": "canary", "firstName": 7}', '{"firstName": "' + "canary" * 200_000 + '"}'],
    ids=["no JSON", "nothing", "wrong", "too large"],
)
def test_what_the_service_would_not_take_is_not_sent_and_not_repeated(
    messaging: Userctl, kafka_settings: KafkaSettings, text: str
) -> None:
    done = messaging("send", "-", "--message", "UpdateUser", stdin=text)

    assert done.code == 65
    assert done.error.startswith("userctl: input_invalid: ")
    assert "canary" not in done.err
    # The next message is the first one that stands there.
    assert messaging("send", "--example", "UpdateUser").code == 0
    assert b"Amazing" in (only(arrived(kafka_settings, "update-user", 1)).value or b"")


def test_a_line_that_is_refused_is_named_and_those_before_it_are_sent(
    messaging: Userctl, kafka_settings: KafkaSettings
) -> None:
    lines = [json.dumps(ORDER), json.dumps(ORDER), '{"orderId": "canary"}', json.dumps(ORDER)]

    done = messaging("send", "-", "--message", "OrderPlaced", stdin="\n".join(lines))

    assert done.code == 65
    first, last = done.err.splitlines()
    assert first == "2 were sent"
    assert last.startswith("userctl: input_invalid: document 3: the service would not take the message: ")
    assert "canary" not in done.err
    assert len(arrived(kafka_settings, "order-placed", 2)) == 2


@pytest.mark.parametrize(
    "text", ["not json\nat all", "[1]\n", '"' + "x" * 2_000_000 + '"'], ids=["text", "list", "large"]
)
def test_unchecked_anything_is_sent_as_it_is(messaging: Userctl, kafka_settings: KafkaSettings, text: str) -> None:
    done = messaging("send", "-", "--message", "UpdateUser", "--mode", "plain", "--no-check", stdin=text)

    assert (done.code, done.err) == (0, "")
    sent = only(arrived(kafka_settings, "update-user", 1))
    assert (sent.key, sent.value, sent.headers) == (None, text.strip().encode(), ())


def test_a_key_that_names_another_user_than_the_command_is_refused(messaging: Userctl) -> None:
    done = messaging("send", "--example", "UpdateUser", "--user", USER, "--key", USER.replace("9", "8"))

    assert (done.code, "send the command with the user's id as its key" in done.error) == (65, True)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-",),
        ("--message", "CreateUser"),
        ("-", "--example", "CreateUser"),
        ("--message", "CreateUser", "--example", "CreateUser"),
        ("-", "--message", "UserCreated"),
        ("-", "--message", "CreateUser", "--user", USER),
        ("-", "--message", "CreateUser", "--print"),
        ("--example", "CreateUser", "--user", USER),
        ("--example", "CreateUser", "--mode", "plain", "--id", "x"),
        ("--example", "CreateUser", "--reply-to", "replies.x"),
        ("--example", "GetUser", "--wait", "-1"),
        ("--example", "GetUser", "--mode", "other"),
    ],
)
def test_what_does_not_go_together_is_refused(alone: Userctl, words: Sequence[str]) -> None:
    done = alone("send", *words, KAFKA_BOOTSTRAP="127.0.0.1:1")

    assert (done.code, done.error.split(":")[1]) == (64, " usage")


@pytest.mark.parametrize("text", ["", " \n\n", None])
def test_a_file_that_holds_nothing_or_is_not_there_is_named(messaging: Userctl, text: str | None) -> None:
    file = messaging.folder / "nothing"
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text, encoding="utf-8")

    done = messaging("send", str(file), "--message", "OrderPlaced")

    assert (done.code, done.error.split(":")[1]) == ((74, " file_unusable") if text is None else (65, " input_invalid"))


def test_where_no_broker_is_named_the_setting_is(alone: Userctl) -> None:
    done = alone("send", "--example", "CreateUser")

    assert (done.code, done.error.split(":")[1:3]) == (78, [" settings_invalid", " KAFKA_BOOTSTRAP"])


def test_a_query_that_nobody_answers_is_given_up(messaging: Userctl, kafka_settings: KafkaSettings) -> None:
    done = messaging("send", "--example", "GetUser", "--wait", "0.5")

    assert (done.code, done.error) == (69, "userctl: no_reply: Nobody answered the query in time")
    sent = dict(only(arrived(kafka_settings, "get-user", 1)).headers)
    assert sent["reply-to"] == f"{kafka_settings.topic_prefix}replies.userctl".encode()
    assert sent["correlation-id"]
    unheard = messaging("send", "--example", "GetUser", "--wait", "0", "--reply-to", "replies.other")
    assert (unheard.code, unheard.out) == (0, "1 sent.\n")


@contextmanager
def processor(userctl: Userctl, *, apache: bool) -> Iterator[None]:
    """Run `userctl stream` meanwhile."""
    environ = dict(userctl.environ) | {
        "USER_SERVICE_STREAM_SESSION_TIMEOUT_S": "6" if apache else "2",
        "USER_SERVICE_STREAM_LISTEN_PORT": "0",
        "USER_SERVICE_PARKED_INTERVAL_S": "0.2",
    }
    with subprocess.Popen([*COMMAND, "stream"], env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_commands_facts_and_queries_sent_from_a_terminal_take_effect(
    messaging: Userctl, kafka_settings: KafkaSettings
) -> None:
    new = {"email": "sent@example.com", "firstName": "Ada", "lastName": "Lovelace", "password": "open-sesame-4711"}

    def asked() -> dict[str, Any]:
        query = json.dumps({"email": "sent@example.com"})
        [reply] = messaging.json("send", "-", "--message", "GetUser", "--wait", "50", stdin=query)["replies"]
        return dict(reply)

    with processor(messaging, apache=kafka_settings.idempotent):
        assert messaging("send", "-", "--message", "CreateUser", stdin=json.dumps(new)).code == 0
        # Commands and queries come in topics of their own: the query may be quicker.
        wait_until(lambda: asked()["type"] == "UserProfile")
        user = asked()["value"]
        assert (user["email"], user["firstName"]) == ("sent@example.com", "Ada")
        assert user["statusDetails"]["actor"] == {"kind": "OPERATOR", "id": "ada"}
        assert messaging("send", "--example", "PaymentFailed").code == 0
        wait_until(lambda: len(messaging.json("parked", "list")["items"]) == 1)
        assert messaging("send", "--example", "OrderPlaced", "--user", user["id"]).code == 0
        wait_until(lambda: messaging.json("parked", "list")["items"] == [])
        wait_until(lambda: len(messaging.json("user", "activity", user["id"])["items"]) == 2)
        unread = ("send", "-", "--message", "UpdateUser", "--no-check")
        assert messaging(*unread, stdin="not json").code == 0
        wait_until(lambda: len(messaging.json("dlq", "list")["items"]) == 1)

    [letter] = messaging.json("dlq", "list", "--state", "WAITING")["items"]
    assert (letter["topic"], letter["size"]) == ("update-user", len("not json"))
    shown = only(arrived(kafka_settings, "user-service.dead-letter", 1))
    assert (shown.value, dict(shown.headers)["dlq_id"]) == (b"not json", letter["id"].encode())


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("given", ["file", "option"])
def test_a_message_is_signed_with_the_key_of_a_file(
    messaging: Userctl, kafka_settings: KafkaSettings, mode: str, given: str
) -> None:
    file = messaging.folder / "key.pem"
    file.write_text(("kid: shop-1\n" if given == "file" else "") + private_pem(), encoding="utf-8")
    named = () if given == "file" else ("--sign-key-id", "shop-1")

    done = messaging("send", "--example", "UpdateUser", "--user", USER, "--mode", mode, "--sign-key", str(file), *named)

    assert (done.code, done.err) == (0, "")
    sent = only(arrived(kafka_settings, "update-user", 1))
    topics = SignedTopics(frozenset({"update-user"}), read_signer_keys(jwks(jwk(ED25519, "shop-1"))))
    message = topics.check(sent, read_message(sent, limit_bytes=100_000), datetime.now(UTC))
    assert message.context.actor == Actor(ActorKind.SERVICE, "shop")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sign-key", "{missing}"], "cannot be read"),
        (["--sign-key", "{nothing}"], "private key"),
        (["--sign-key", "{nameless}"], "kid"),
        (["--sign-key", "{nameless}", "--sign-key-id", "a", "--mode", "plain"], "plain"),
        (["--sign-key-id", "a"], "--sign-key"),
    ],
)
def test_what_cannot_be_signed_is_not_sent(messaging: Userctl, arguments: list[str], said: str) -> None:
    files = {name: messaging.folder / f"{name}.pem" for name in ("missing", "nothing", "nameless")}
    files["nothing"].write_text("canary", encoding="utf-8")
    files["nameless"].write_text(private_pem(), encoding="utf-8")

    done = messaging("send", "--example", "UpdateUser", *(one.format(**files) for one in arguments))

    assert done.code == 64
    assert said in done.err
    assert "canary" not in done.err
    assert "PRIVATE" not in done.err
