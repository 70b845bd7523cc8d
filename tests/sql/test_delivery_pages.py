"""A page of deliveries costs the same wherever it stands, and so does looking at how they stand."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.sql.test_pages import rows_of
from usercore.adapters.sql.delivery_records import page_statement
from usercore.delivery.values import DeliveryFilter, DeliveryState, Recipient

DELIVERIES = 30_000
PAGE = 50

# Of a hundred one waits, and of a thousand one was given up.
_FILL = f"""
INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, created_at, due_at, delivered_at, failed_at)
SELECT ('01970000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'AUDIT', 'RECORD_ENTRY', gen_random_uuid(),
       '{{}}', now(), now(), CASE WHEN n % 100 <> 0 THEN now() END, CASE WHEN n % 1000 = 0 THEN now() END
FROM generate_series(1, {DELIVERIES}) AS n
"""


@pytest.fixture
async def connection(migrated_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection to a database with many deliveries."""
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as opened:
        await opened.execute(_FILL.encode())
        await opened.execute("VACUUM ANALYZE deliveries")
        yield opened


@pytest.mark.parametrize("place", [None, (f"01970000-0000-7000-8000-{DELIVERIES // 2:012x}", "AUDIT")])
async def test_a_page_of_all_deliveries_looks_at_a_page(
    connection: psycopg.AsyncConnection[Any], place: tuple[str, str] | None
) -> None:
    statement, values = page_statement(DeliveryFilter(), place, PAGE)
    assert await rows_of(connection, statement, values) <= PAGE


async def test_what_was_given_up_is_found_without_wading_through_the_rest(
    connection: psycopg.AsyncConnection[Any],
) -> None:
    statement, values = page_statement(DeliveryFilter(DeliveryState.FAILED, Recipient.AUDIT), None, PAGE)
    assert await rows_of(connection, statement, values) <= 3 * DELIVERIES // 1000
