"""A user's whole life among the services around this one, all of them real servers, in good days and bad ones."""

import os
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.e2e.harness.canaries import found_in
from tests.e2e.harness.copies import ALL_SCOPES, World
from tests.e2e.harness.deployment import Deployment, deployed
from tests.e2e.harness.life import PERSON, Life
from tests.e2e.harness.neighbours import Neighbours, Trouble, done, in_trouble, neighbours
from tests.e2e.harness.remains import all_rows, cached, dumped
from tests.e2e.harness.rows import locked, rows
from tests.e2e.harness.waiting import until_so
from tests.smtp.mailroom import Mailroom, mailroom

LONG = os.environ.get("CHAOS") == "long"
RECEIPTS = {"AUTHENTICATION", "NOTIFICATION", "AUDIT", "TOPIC"}
CREDENTIAL = [("PUT", ""), ("PUT", "/state"), ("PUT", "/state"), ("DELETE", "")]
"""What the AuthenticationService is told of a life, behind the user's path."""
LETTERS = ["SEND_WELCOME", "SEND_PRIVACY_ANSWER"]


@pytest.fixture
def around() -> Iterator[Neighbours]:
    with neighbours() as found:
        yield found


@asynccontextmanager
async def post(by: str, around: Neighbours) -> AsyncIterator[tuple[dict[str, str], Callable[[], str | None]]]:
    """Give the settings of a NotificationService, and what finds the token of the link that it was to send."""
    if by == "http":
        yield {}, lambda: token_told(around)
        return
    async with mailroom() as room:
        room.answer("RCPT", "450 4.2.1 come again")
        settings = {
            "NOTIFICATION_ADAPTER": "smtp",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(room.port),
            "SMTP_SECURITY": "none",
            "SMTP_FROM": "Example Shop <users@shop.example>",
            "SMTP_VERIFICATION_URL": "https://shop.example/verify#{token}",
        }
        yield settings, lambda: token_in(room)
        assert [mail.recipients for mail in room.mails] == [(PERSON["email"],)] * len(LETTERS)


def token_told(around: Neighbours) -> str | None:
    [*sent] = around.notification.sent
    return sent[0]["secret"]["verificationToken"] if sent else None


def token_in(room: Mailroom) -> str | None:
    if not room.mails:
        return None
    found = re.search(r"https://shop\.example/verify#(\S+)", room.mails[0].part("plain"))
    assert found is not None
    return found[1]


async def verify_by(life: Life, link: Callable[[], str | None]) -> None:
    await until_so(lambda: link() is not None, "the first mail is there")
    token = link()
    assert token is not None
    await life.verify(token)


@pytest.mark.parametrize("by", ["http", "smtp"])
async def test_a_life_from_the_first_mail_to_the_last_receipt(
    world: World, kafka_bootstrap: str, around: Neighbours, by: str
) -> None:
    async with (
        post(by, around) as (mail, link),
        deployed(world, kafka_bootstrap, **around.settings() | mail) as deployment,
        deployment.copy.client(*ALL_SCOPES) as client,
    ):
        life = await Life.begun(client, world)
        await life.settled()
        credential = around.authentication.credentials[life.user_id]
        assert PasswordHasher().verify(credential["passwordHash"], PERSON["password"])

        assert (await life.profile())["verification"]["email"]["verified"] is False
        await verify_by(life, link)
        assert (await life.profile())["verification"]["email"]["verified"] is True

        around.authentication.sessions[life.user_id] = 2
        await life.deactivate()
        await life.settled()
        assert (credential["enabled"], around.authentication.sessions[life.user_id]) == (False, 0)
        await life.reactivate()
        await life.settled()
        assert credential["enabled"] is True

        assert found_in(await all_rows(world.database_url)) != []
        request = await life.erased(await life.ask_to_be_erased())
        assert set(request["erasure"]["receipts"]) == RECEIPTS
        await check_told_once(life, around, by)
        await check_published(deployment, life.user_id)
        await check_nothing_left(deployment, life)


async def check_told_once(life: Life, around: Neighbours, by: str = "http") -> None:
    """Hold that each service did all that it had to, once and in order, and that a repeated call was the same call."""
    path = f"/v1/credentials/{life.user_id}"
    told = done(around.authentication, life.user_id)
    assert [(one.method, one.path.removeprefix(path)) for one in told] == CREDENTIAL
    assert [one.body["enabled"] for one in told[1:3]] == [False, True]
    assert life.user_id not in around.authentication.credentials
    letters = [one.body["kind"] if one.body else one.method for one in done(around.notification, life.user_id)]
    assert letters == ([*LETTERS, "DELETE"] if by == "http" else [])
    entries = [one.body for one in done(around.audit, life.user_id)]
    assert [one["eventId"] for one in entries] == await life.trail()
    assert [one["version"] for one in entries] == [1, 2, 3, 4, 5]
    calls: dict[str, Any] = {}
    for one in around.requests():
        assert calls.setdefault(one.key, (one.method, one.path, one.body)) == (one.method, one.path, one.body)
    query = "SELECT event_id || ':' || recipient FROM deliveries WHERE user_id = %s"
    keys = {key for (key,) in await rows(life.world.database_url, query, life.user_id)}
    assert calls.keys() == (keys if by == "http" else {key for key in keys if not key.endswith("NOTIFICATION")})


async def check_published(deployment: Deployment, user_id: str) -> None:
    """Hold that every event of the life was published once, and that the last profile of the user is none."""
    for topic in ("user-created", "user-verified", "user-deactivated", "user-reactivated", "user-erased"):
        assert [record.key for record in await deployment.wire.read(topic)] == [user_id.encode()], topic
    profiles = await deployment.wire.read("user-profiles")
    assert (profiles[-1].key, profiles[-1].value) == (user_id.encode(), None)


async def check_nothing_left(deployment: Deployment, life: Life) -> None:
    """Hold that nothing is left of the person, and that the audit trail still proves what was done."""
    url, folder = deployment.world.database_url, deployment.world.folder
    gone = await life.client.get(f"/v1/users/{life.user_id}")
    assert (gone.status, gone.json()["code"]) == (410, "user_erased")
    metrics = (await life.client.get("/metrics")).body.decode()
    ledger = deployment.ledger.read_text(encoding="utf-8")
    assert life.user_id in ledger
    for text in (await all_rows(url), dumped(url, folder), await cached(deployment.world), metrics, ledger):
        assert found_in(text) == []
    assert found_in(deployment.logs()) == []
    status, report = await deployment.userctl("audit", "verify")
    assert status == 0, report


@pytest.mark.parametrize("turn", range(3 if LONG else 1))
async def test_services_in_trouble_at_every_stage_lose_nothing_and_do_nothing_twice(
    world: World, kafka_bootstrap: str, around: Neighbours, turn: int
) -> None:
    kinds = deque(Trouble)
    kinds.rotate(turn)

    def trouble() -> ExitStack:
        """Give each service another kind of trouble than in the stage before."""
        kinds.rotate(1)
        stack = ExitStack()
        for service, kind in zip(around.all.values(), kinds, strict=True):
            stack.enter_context(in_trouble(service, kind))
        return stack

    async with (
        deployed(world, kafka_bootstrap, **around.settings()) as deployment,
        deployment.copy.client(*ALL_SCOPES) as client,
    ):
        with trouble():
            life = await Life.begun(client, world)
            await life.refused(*around.all)
        await life.settled()
        with trouble():
            await verify_by(life, lambda: token_told(around))
            await life.refused("AUDIT")
        await life.settled()
        around.authentication.sessions[life.user_id] = 2
        for change in (life.deactivate, life.reactivate):
            with trouble():
                await change()
                await life.refused("AUTHENTICATION", "AUDIT")
            await life.settled()
            assert around.authentication.sessions[life.user_id] == 0
        with trouble():
            request_id = await life.ask_to_be_erased()
            await life.refused("NOTIFICATION")
        # The person is told before anything is erased. Meanwhile nobody goes on with it, so that trouble comes first.
        async with locked(world.database_url, "privacy_requests"):
            await life.settled()
            again = trouble()
        with again:
            await life.refused(*around.all)
            request = await life.request(request_id)
            assert request["state"] == "IN_PROGRESS"
            assert not RECEIPTS - {"TOPIC"} & set(request["erasure"]["receipts"])
        request = await life.erased(request_id)
        assert set(request["erasure"]["receipts"]) == RECEIPTS
        await check_told_once(life, around)
        await check_published(deployment, life.user_id)
        await check_nothing_left(deployment, life)


async def test_services_that_are_away_for_a_whole_life_hear_of_it_in_order_before_it_is_erased(
    world: World, kafka_bootstrap: str, around: Neighbours
) -> None:
    async with (
        deployed(world, kafka_bootstrap, **around.settings()) as deployment,
        deployment.copy.client(*ALL_SCOPES) as client,
    ):
        with in_trouble(around.authentication, Trouble.AWAY), in_trouble(around.audit, Trouble.AWAY):
            life = await Life.begun(client, world)
            await verify_by(life, lambda: token_told(around))
            await life.deactivate()
            await life.reactivate()
            request_id = await life.ask_to_be_erased()
            await life.refused("AUTHENTICATION", "AUDIT")
            assert (await life.request(request_id))["state"] != "COMPLETED"
        request = await life.erased(request_id)
        assert set(request["erasure"]["receipts"]) == RECEIPTS
        await check_told_once(life, around)
        await check_published(deployment, life.user_id)
        await check_nothing_left(deployment, life)
