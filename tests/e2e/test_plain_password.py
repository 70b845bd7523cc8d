"""A password in plain text is nowhere but where its sender put it: in no table, topic, log, dump, mail or request."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.e2e.harness.canaries import lines_with
from tests.e2e.harness.copies import ALL_SCOPES, World
from tests.e2e.harness.deployment import Deployment, deployed
from tests.e2e.harness.neighbours import Neighbours, Trouble, in_trouble, neighbours
from tests.e2e.harness.people import new_user
from tests.e2e.harness.remains import all_rows, cached, dumped
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Client
from tests.smtp.mailroom import Mailroom, mailroom
from tests.stream.harness.people import binary, structured
from usercore.delivery.topics import OURS
from usercore.messaging.values import DeadLetterFilter
from usercore.settings import CoreSettings, load
from usercore.wiring.service import open_core

PASSWORD = "Kw7canary-plain-word-Zq"
HASHED = "$argon2"
TOPIC, WRONG_TOPIC = "create-user", "update-user"
DEAD, REFUSED = 8, 5
"""What becomes of the messages that create nobody: what no command can be read from, and commands that are wrong."""
READ = [topic for topic in OURS if topic not in {TOPIC, WRONG_TOPIC}]
"""Where we write. What others send to us stands in the topic that they sent it to, for as long as that keeps it."""


@pytest.fixture
def around() -> Iterator[Neighbours]:
    with neighbours() as found:
        yield found


async def create_over_http(client: Client) -> None:
    """Send the password in requests that succeed, and in as many that do not."""
    body = new_user(password=PASSWORD)
    key = {"idempotency-key": "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"}
    made = await client.post("/v1/users", body, headers=key)
    assert made.status == 201, made.body
    answers = [
        made,
        await client.post("/v1/users", body, headers=key),
        await client.post("/v1/users", {**body, "password": PASSWORD * 2}, headers=key),
        await client.post("/v1/users", body),
        await client.patch(f"/v1/users/{made.json()['id']}", {"password": PASSWORD}, "*"),
    ]
    wrong = [new_user(password=one) for one in ([PASSWORD], {"is": PASSWORD}, PASSWORD * 300)]
    wrong.append(new_user(password=PASSWORD, email="nobody"))
    answers += [await client.post("/v1/users", one) for one in (*wrong, json.dumps(body).encode()[:-1])]
    assert sorted(answer.status for answer in answers)[:2] == [201, 201]
    assert {answer.status for answer in answers[2:]} <= {400, 409, 422}
    for answer in answers:
        assert lines_with(PASSWORD, answer.body.decode() + str(dict(answer.headers))) == []


def unusable() -> Iterator[tuple[bytes | Mapping[str, Any], Any]]:
    """Yield values and headers of creates that do not create anybody."""
    user = new_user(password=PASSWORD)
    encoded = json.dumps(user)
    yield encoded.encode()[:-1], ()
    yield encoded.replace('"', "'").encode(), ()
    yield encoded.encode("utf-16"), ()
    yield json.dumps(encoded).encode(), ()
    yield f"password={PASSWORD}&email=a%40b.example".encode(), ()
    yield {**user, "password": [PASSWORD]}, ()
    yield {**user, "email": 7}, ()
    yield {"user": user}, ()
    unknown = binary(user, "CreateUser.v9")
    yield unknown.value, unknown.headers
    event = structured(user, "CreateUser")
    assert isinstance(event.value, Mapping)
    inner = base64.b64encode(encoded.encode()[:-1]).decode()
    yield {**{k: v for k, v in event.value.items() if k != "data"}, "data_base64": inner}, event.headers


async def create_over_kafka(deployment: Deployment) -> None:
    """Send the password in messages: one creates a user, others are refused, and others again are dead letters."""
    user = new_user(password=PASSWORD)
    for _ in range(2):
        await deployment.wire.send(TOPIC, user, key=user["email"])
    for value, headers in unusable():
        await deployment.wire.send(TOPIC, value, headers=headers)
    astray = binary(user, "CreateUser")
    for value in (astray.value, json.dumps(user).encode()[:-1]):
        await deployment.wire.send(WRONG_TOPIC, value, headers=astray.headers)
    await deployment.wire.until_done([TOPIC, WRONG_TOPIC])
    for topic, count in (("user-created", 2), ("user-command-rejected", REFUSED), ("user-service.dead-letter", DEAD)):
        assert len(await deployment.wire.until_records(topic, count)) == count, topic
    assert len(await rows(deployment.world.database_url, "SELECT 1 FROM dead_letters")) == DEAD


async def everywhere(deployment: Deployment, around: Neighbours, room: Mailroom) -> dict[str, str]:
    """Return all that is kept, written or sent anywhere, by where that is."""
    world = deployment.world
    async with Client(deployment.copy.port, None) as stranger:
        metrics = (await stranger.get("/metrics")).body.decode()
    requests = [(one.path, dict(one.headers), one.body) for one in around.requests()]
    mails = [mail.content.decode() + mail.part("plain") + mail.part("html") for mail in room.mails]
    return {
        "tables": await all_rows(world.database_url),
        "dump": dumped(world.database_url, world.folder),
        "dead letters": await opened_letters(deployment),
        "cache": await cached(world),
        "logs": deployment.logs(),
        "metrics": metrics,
        "requests": json.dumps(requests),
        "mails": "\n".join(mails),
        **{f"topic {topic}": await topic_text(deployment, topic) for topic in READ},
    }


async def opened_letters(deployment: Deployment) -> str:
    """Return the dead letters as operators see them: in the database they are sealed."""
    async with open_core(load(CoreSettings, deployment.world.environ(**deployment.settings))) as service:
        letters = service.core.ports.dead_letters
        page = await letters.page(DeadLetterFilter(), after=None, limit=100)
        found = [await letters.get(line.id) for line in page.items]
    return "\n".join(f"{one and one.message.value!r} {one and one.detail}" for one in found)


async def topic_text(deployment: Deployment, topic: str) -> str:
    records = await deployment.wire.read(topic)
    parts = [(record.key or b"", record.value or b"", str(record.headers).encode()) for record in records]
    return "\n".join(part.decode("latin-1") for record in parts for part in record)


def assert_nowhere(found: Mapping[str, str]) -> None:
    """Assert that the password shows nowhere."""
    assert {place: lines for place, text in found.items() if (lines := lines_with(PASSWORD, text))} == {}


async def test_a_plain_password_is_left_nowhere_by_creates_that_succeed_and_by_those_that_do_not(
    world: World, kafka_bootstrap: str, around: Neighbours
) -> None:
    async with mailroom() as room:
        mail = {
            "NOTIFICATION_ADAPTER": "smtp",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(room.port),
            "SMTP_SECURITY": "none",
            "SMTP_FROM": "Example Shop <users@shop.example>",
        }
        async with (
            deployed(world, kafka_bootstrap, **around.settings() | mail) as deployment,
            deployment.copy.client(*ALL_SCOPES) as client,
        ):
            with in_trouble(around.authentication, Trouble.BROKEN):
                await create_over_http(client)
                await create_over_kafka(deployment)
                found = await everywhere(deployment, around, room)
                assert HASHED in found["dump"], "the hashes wait for the AuthenticationService"
                assert_nowhere(found)
            await until(lambda: nothing_waits(world), "everybody has heard everything")
            found = await everywhere(deployment, around, room)

    assert_nowhere(found)
    assert [place for place, text in found.items() if HASHED in text] == ["requests"]
    hashes = [one["passwordHash"] for one in around.authentication.credentials.values()]
    assert [PasswordHasher().verify(one, PASSWORD) for one in hashes] == [True, True]
    assert len(room.mails) == 2


async def nothing_waits(world: World) -> bool:
    [(count,)] = await rows(world.database_url, "SELECT count(*) FROM deliveries WHERE delivered_at IS NULL")
    return bool(count == 0)


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD.upper(),
        f'"{PASSWORD}"',
        PASSWORD.encode().hex().upper(),
        PASSWORD.encode("utf-16-le").decode("latin-1"),
        *(base64.b64encode(bytes(offset) + PASSWORD.encode()).decode() for offset in range(3)),
    ],
)
def test_the_search_finds_the_password_in_any_form(text: str) -> None:
    assert len(lines_with(PASSWORD, f"one line\n{text}\nanother")) == 1
