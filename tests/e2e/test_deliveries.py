"""What the services around this one are told of a new user, and what becomes of the password on the way."""

import json
from collections.abc import AsyncIterator
from typing import Any

from tests.e2e.harness.copies import Copy, World
from tests.e2e.harness.people import create
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until

PASSWORD = "Zq7-plain-password-of-the-test"


def recorded(world: World, user_id: str) -> list[dict[str, Any]]:
    """Return what was recorded of a user so far."""
    if not world.record_file.exists():
        return []
    lines = map(json.loads, world.record_file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["userId"] == user_id]


async def delivered(world: World, user_id: str) -> bool:
    """Whether every delivery about a user was acknowledged."""
    query = "SELECT bool_and(delivered_at IS NOT NULL) FROM deliveries WHERE user_id = %s"
    [(settled,)] = await rows(world.database_url, query, user_id)
    return bool(settled)


async def test_a_new_user_is_told_to_three_services_with_the_hash_masked(pair: tuple[Copy, Copy]) -> None:
    world = pair[0].world
    async with pair[0].client() as client:
        user = await create(client, password=PASSWORD, locale="de-DE")
        await until(lambda: delivered(world, user["id"]), "the deliveries are acknowledged")
    told = recorded(world, user["id"])
    assert len(told) == 3
    by_recipient = {line["recipient"]: line for line in told}
    credential, letter, entry = (by_recipient[name] for name in ("AUTHENTICATION", "NOTIFICATION", "AUDIT"))
    assert credential["operation"] == "PROVISION_CREDENTIAL"
    assert credential["payload"] == {"email": user["email"], "username": user["username"]}
    assert credential["secret"].startswith("hidden, ")
    assert (letter["operation"], letter["payload"]["email"]) == ("SEND_WELCOME", user["email"])
    assert (entry["operation"], entry["payload"]["version"]) == ("RECORD_ENTRY", 1)
    assert letter["secret"].startswith("hidden, "), "a link by which the address is proved"
    assert entry["secret"] is None


async def test_a_delivered_password_is_left_in_no_table_log_or_record(pair: tuple[Copy, Copy]) -> None:
    world = pair[0].world
    async with pair[1].client() as client:
        user = await create(client, password=PASSWORD)
        await until(lambda: delivered(world, user["id"]), "the deliveries are acknowledged")
    kept = await rows(world.database_url, "SELECT payload::text, secret FROM deliveries WHERE user_id = %s", user["id"])
    assert kept == [("{}", None)] * 3
    texts = [path.read_text(encoding="utf-8") for path in (world.record_file, *(copy.log for copy in pair))]
    texts += [text async for text in _whole_database(world)]
    for text in texts:
        assert PASSWORD not in text
        assert "$argon2" not in text


async def _whole_database(world: World) -> AsyncIterator[str]:
    tables = await rows(world.database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 8
    for (table,) in tables:
        for (row,) in await rows(world.database_url, f'SELECT t::text FROM "{table}" AS t'):
            yield row
