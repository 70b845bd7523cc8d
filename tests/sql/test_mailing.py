"""Links and suppressions over PostgreSQL: any copy of the service knows what another one wrote."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from attrs import asdict, evolve

from tests.builders import a_context, a_profile, creation
from tests.keys import MASTER_KEYS
from usercore.adapters.sql import open_database, sql_ports
from usercore.kernel.secret import Secret
from usercore.preferences.topics import RegisterTopicCommand
from usercore.privacy.mailing.suppress import LiftSuppressionCommand, SuppressCommand
from usercore.privacy.mailing.values import MailRefusal, SuppressionReason
from usercore.settings import DatabaseSettings
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_ports


@pytest.fixture
async def copies(migrated_database_url: str) -> AsyncIterator[tuple[Core, Core]]:
    """Two copies of the service over one database."""
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        ports = (evolve(memory_ports(), **asdict(sql_ports(database, MASTER_KEYS), recurse=False)) for _ in range(2))
        one, other = (assemble(each, public_url="https://users.example.com") for each in ports)
        yield one, other


async def test_a_link_of_one_copy_is_followed_by_another(copies: tuple[Core, Core]) -> None:
    one, other = copies
    made = creation()
    assert await one.ports.writer.commit([made]) == [None]
    await one.register_topic(RegisterTopicCommand("news", "News", "1", subscribed_by_default=True))
    may = await one.read_mail_permission(made.user.id, "news")
    assert may.unsubscribe_url is not None

    await other.unsubscribe(may.unsubscribe_url.rpartition("/")[2], a_context())

    assert (await one.read_mail_permission(made.user.id, "news")).refusal is MailRefusal.NOT_SUBSCRIBED
    [said] = [held.said for held in (await other.get_email_preferences(made.user.id)).topics]
    assert said is not None
    assert said.source == "one-click"


async def test_an_address_that_one_copy_suppressed_is_known_to_another_and_stands_nowhere(
    copies: tuple[Core, Core], migrated_database_url: str
) -> None:
    one, other = copies
    await one.suppress(SuppressCommand("Canary@example.com", SuppressionReason.BOUNCE, "gateway"), a_context())

    [found] = await other.check_suppression("canary@example.com")

    assert (found.reason, found.source) == (SuppressionReason.BOUNCE, "gateway")
    with psycopg.connect(migrated_database_url) as connection:
        [(row,)] = connection.execute("SELECT s::text FROM suppressions AS s").fetchall()
    for form in ("canary", b"canary@example.com".hex()):
        assert form not in row.lower()


async def test_how_a_suppression_ended_is_kept(copies: tuple[Core, Core], migrated_database_url: str) -> None:
    one, _ = copies
    await one.suppress(SuppressCommand("a@example.com", SuppressionReason.BOUNCE), a_context())
    assert await one.lift_suppression(LiftSuppressionCommand("a@example.com", "typed wrongly"), a_context()) == 1

    with psycopg.connect(migrated_database_url) as connection:
        rows = connection.execute(
            "SELECT reason, lifted_by, lifted_because, lifted_at IS NOT NULL FROM suppressions"
        ).fetchall()
    assert rows == [("BOUNCE", "OPERATOR:ada", "typed wrongly", True)]


async def test_what_was_suppressed_before_it_was_anybodys_holds_for_who_has_it_now(copies: tuple[Core, Core]) -> None:
    one, _ = copies
    await one.register_topic(RegisterTopicCommand("news", "News", "1", subscribed_by_default=True))
    await one.suppress(SuppressCommand("grace@example.com", SuppressionReason.COMPLAINT), a_context())
    made = creation(a_profile("Grace@example.com"))
    assert await one.ports.writer.commit([made]) == [None]

    assert (await one.read_mail_permission(made.user.id, "news")).refusal is MailRefusal.SUPPRESSED
