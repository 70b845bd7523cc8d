"""A condition chooses the same users in PostgreSQL as in memory, whatever it asks and with whatever values."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from attrs import asdict, evolve
from hypothesis import given, settings

from tests.conditions import People, conditions, every_comparison
from tests.strategies import ACCUMULATING
from usercore.adapters.memory.conditions import MemoryConditions
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.sql import Database, SqlPorts
from usercore.adapters.sql.conditions import condition_sql
from usercore.kernel.ids import UserId
from usercore.segments.values import Count
from usercore.users.conditions import Comparison, Condition, Field, Not, Operator
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState
from usercore.wiring.core import Ports
from usercore.wiring.memory import memory_ports


@pytest.fixture
async def people(ports: SqlPorts) -> People:
    memory = memory_ports()
    found = People(memory, evolve(memory_ports(), **asdict(ports, recurse=False)))
    await found.move_in(30)
    return found


async def chosen(ports: Ports, condition: Condition) -> list[UserId]:
    page = await ports.directory.page(UserQuery(condition=condition, limit=500))
    return [one.user_id for one in page.items]


async def test_every_comparison_of_every_field_holds_of_the_same_users_in_memory_as_in_postgresql(
    people: People, database: Database
) -> None:
    """Each as it is and turned round: of every user it is true or false, and never NULL where that would matter."""
    for field in Field:
        asked = [one for comparison in every_comparison(field) for one in (comparison, Not(comparison))]
        for place in range(0, len(asked), 500):
            conditions = asked[place : place + 500]
            assert await differing(people, database, conditions) == set(), field


async def differing(people: People, database: Database, conditions: Sequence[Condition]) -> set[Condition]:
    """Give the conditions of which PostgreSQL, asked for all in one statement, says another thing than memory."""
    memory: MemoryDatabase = people.stores[0].directory.database  # type: ignore[attr-defined]
    told, given = MemoryConditions(memory), list[object]()

    def take(value: object) -> str:
        given.append(value)
        return f"${len(given)}"

    columns = ", ".join(f"({condition_sql(one, take)}) IS TRUE" for one in conditions)
    rows = await database.fetch(f"SELECT u.id::text, {columns} FROM users AS u".encode(), *given)
    assert {row[0] for row in rows} == set(memory.users)
    return {
        condition
        for user_id, *answers in rows
        for condition, answer in zip(conditions, answers, strict=True)
        if answer is not told.hold(condition, memory.users[UserId(user_id)])
    }


@settings(ACCUMULATING, max_examples=120)
@given(condition=conditions())
async def test_memory_and_postgresql_choose_the_same_users(people: People, condition: Condition) -> None:
    memory, sql = people.stores

    found = await chosen(sql, condition)

    assert found == await chosen(memory, condition)
    for ports in people.stores:
        assert await ports.segment_counter.count(condition, within_s=60) == Count(len(found))


async def test_no_character_of_a_part_stands_for_others(people: People, database: Database) -> None:
    parts = ("%", "_", "\\", "50%", "50_", "0%_o", "a\\", "a\\b", "%BERLIN", "b_rlin", "")
    fields: tuple[tuple[Field, tuple[str, ...]], ...] = (
        (Field.FIRST_NAME, ()),
        (Field.CITY, ()),
        (Field.ATTRIBUTE, ("plan",)),
    )
    operators = (Operator.CONTAINS, Operator.STARTS_WITH)
    every = [Comparison(field, one, part, keys) for field, keys in fields for one in operators for part in parts]

    assert await differing(people, database, every) == set()


async def test_a_condition_and_its_opposite_part_all_who_are_present(people: People) -> None:
    """What a user does not have makes a comparison false, and its opposite true; nobody falls between."""
    present = {user.id for user in people.users if user.status.state in {AccountState.ACTIVE, AccountState.DEACTIVATED}}
    comparison = Comparison(Field.CITY, Operator.EQUAL, "Berlin")
    for ports in people.stores:
        yes, no = await chosen(ports, comparison), await chosen(ports, Not(comparison))
        assert {*yes, *no} == present
        assert len(yes) + len(no) == len(present)
        assert yes
        assert no == await chosen(ports, evolve(comparison, operator=Operator.NOT_EQUAL))


async def test_merged_and_erased_users_satisfy_nothing_even_where_their_state_is_asked_for(people: People) -> None:
    everybody = Comparison(Field.VERSION, Operator.AT_LEAST, Decimal(1))
    for state in (AccountState.MERGED, AccountState.ERASED):
        assert any(user.status.state is state for user in people.users)
        for ports in people.stores:
            query = UserQuery(condition=everybody, states=frozenset({state}))
            assert (await ports.directory.page(query)).items == ()


async def test_a_count_that_may_not_look_on_tells_of_those_it_has_found(people: People) -> None:
    everybody = Comparison(Field.VERSION, Operator.AT_LEAST, Decimal(1))
    _, sql = people.stores

    assert await sql.segment_counter.count(everybody, within_s=0) == Count(0, exact=False)
    assert (await sql.segment_counter.count(everybody, within_s=60)).exact
