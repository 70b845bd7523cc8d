"""The ledger of consents in PostgreSQL: it is added to, and a proof can go; nothing else."""

import asyncio
from itertools import pairwise

import psycopg
import pytest
from attrs import asdict, evolve
from psycopg.errors import RestrictViolation

from tests.builders import a_context, creation
from tests.contracts.test_consents import a_line
from tests.keys import MASTER_KEYS
from usercore.adapters.sql import open_database, sql_ports
from usercore.kernel.secret import Secret
from usercore.privacy.consents.record_consent import RecordConsentCommand
from usercore.settings import DatabaseSettings
from usercore.wiring.core import assemble
from usercore.wiring.memory import memory_ports

FORBIDDEN = (
    "UPDATE consents SET given = true",
    "UPDATE consents SET given = true, proof = NULL",
    "UPDATE consents SET proof = 'another'",
    "UPDATE consents SET said_at = said_at - interval '1 day'",
    "UPDATE consents SET version = 7",
    "DELETE FROM consents",
    "TRUNCATE consents",
)


@pytest.fixture
async def ledger_url(migrated_database_url: str) -> str:
    """A database with one line in the ledger."""
    made = creation()
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        ports = sql_ports(database, MASTER_KEYS)
        assert await ports.writer.commit([made]) == [None]
        assert await ports.writer.commit([a_line(made.user, "ads", given=False, proof="form 7")]) == [None]
    return migrated_database_url


def lines(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT version, purpose, given, source, proof FROM consents").fetchall()


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_no_line_is_changed_or_taken_away(ledger_url: str, statement: str, role: str) -> None:
    before = lines(ledger_url)
    with psycopg.connect(ledger_url) as connection:
        connection.execute(f"SET session_replication_role = {role}")
        with pytest.raises(RestrictViolation):
            connection.execute(statement)
    assert lines(ledger_url) == before
    assert len(before) == 1


async def test_the_proof_can_be_taken_out_of_a_line(ledger_url: str) -> None:
    [before] = lines(ledger_url)
    with psycopg.connect(ledger_url) as connection:
        connection.execute("UPDATE consents SET proof = NULL")
    assert lines(ledger_url) == [(*before[:-1], None)]


async def test_of_opposite_consents_at_once_ledger_and_state_agree_on_the_last(migrated_database_url: str) -> None:
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        core = assemble(evolve(memory_ports(), **asdict(sql_ports(database, MASTER_KEYS), recurse=False)))
        made = creation()
        assert await core.ports.writer.commit([made]) == [None]
        commands = [RecordConsentCommand(made.user.id, "sale", given=n % 2 == 0) for n in range(20)]

        await asyncio.gather(*(core.record_consent(command, a_context()) for command in commands))

        consents = await core.read_consents(made.user.id, limit=100)
        lines = consents.page.items[::-1]
        steps = (await core.read_history(made.user.id, limit=100)).items[::-1]
        said = [line.consent.given for line in lines]
        assert all(one != other for one, other in pairwise(said))
        assert (
            [line.version for line in lines] == [step.version for step in steps[1:]] == list(range(2, len(lines) + 2))
        )
        assert [change.after for step in steps[1:] for change in step.changes] == [line.consent for line in lines]
        [sale] = consents.standings
        assert (sale.entry, consents.version) == (lines[-1], lines[-1].version)
