"""An erasure goes on where its process was killed, and no backup brings anybody back."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.copies import World
from tests.e2e.harness.eraser import CONTEXT
from tests.e2e.harness.rows import rows
from usercore.kernel.ids import UserId
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.values import RequestKind, RequestState
from usercore.settings import CoreSettings, load
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

KILLED = -9
SAFE = 0
LEAST_MOMENTS = 30
"""So many moments at least an erasure must have been killed at: two for each of its calls."""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "erasures.jsonl"


@pytest.fixture
def eraser(world: World, ledger: Path) -> Iterator["subprocess.Popen[str]"]:
    environ = world.environ(ERASURE_LEDGER_FILE=str(ledger), LOG_LEVEL="error")
    command = [sys.executable, "-m", "tests.e2e.harness.eraser"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def go_on(eraser: "subprocess.Popen[str]", request_id: str, kill_at: int) -> int:
    """Go on with a request in a process of its own, and give its exit status."""
    assert eraser.stdin is not None
    assert eraser.stdout is not None
    eraser.stdin.write(f"{request_id} {kill_at}\n")
    eraser.stdin.flush()
    return int(eraser.stdout.readline())


async def asked(core: Core, number: int) -> tuple[UserId, str]:
    """Create a user who asks to be erased, and give both ids."""
    profile = ProfilePatch(email=f"erase{number}@example.com", first_name="Grace", last_name="Hopper")
    user = await core.create_user(CreateUserCommand(profile), CONTEXT)
    command = MakePrivacyRequestCommand(user.id, RequestKind.ERASURE, identity_note="passport seen")
    return user.id, (await core.make_privacy_request(command, CONTEXT)).id


async def test_an_erasure_killed_at_any_moment_is_completed_once_with_every_receipt(
    world: World, ledger: Path, eraser: "subprocess.Popen[str]"
) -> None:
    settings = load(CoreSettings, world.environ(ERASURE_LEDGER_FILE=str(ledger)))
    async with open_core(settings) as service:
        for moment in range(1, 500):
            user_id, request_id = await asked(service.core, moment)
            status = await asyncio.to_thread(go_on, eraser, request_id, moment)
            if status == SAFE:
                break
            assert status == KILLED
            assert await asyncio.to_thread(go_on, eraser, request_id, 0) == SAFE
            await check_erased_once(service.core, world, user_id, request_id, f"erase{moment}@example.com")
            written = [json.loads(line)["userId"] for line in ledger.read_text().splitlines()]
            assert written.count(user_id) == 1
        assert moment > LEAST_MOMENTS
        assert (await service.core.check_ledger()).sound


async def check_erased_once(core: Core, world: World, user_id: UserId, request_id: str, address: str) -> None:
    """Hold that a user was erased, once, and that everybody has acknowledged it."""
    request = await core.get_privacy_request(request_id)  # type: ignore[arg-type]
    assert (request.state, request.trouble) == (RequestState.COMPLETED, None)
    assert request.erasure is not None
    assert {one.value for one in request.erasure.receipts} == {"AUTHENTICATION", "NOTIFICATION", "AUDIT", "TOPIC"}
    [(state, email)] = await rows(world.database_url, "SELECT state, email FROM users WHERE id = %s", user_id)
    assert (state, email) == ("ERASED", f"{user_id}@erased.invalid")
    outbox = await rows(world.database_url, "SELECT type FROM outbox WHERE aggregateid = %s", user_id)
    history = await rows(
        world.database_url,
        "SELECT count(*) FROM user_history WHERE user_id = %s AND message = 'UserErased'",
        user_id,
    )
    told = await rows(
        world.database_url, "SELECT operation FROM deliveries WHERE event_id = %s ORDER BY 1", request.erasure.event_id
    )
    assert (outbox, history) == ([("UserErased",)], [(1,)])
    assert [operation for (operation,) in told] == ["FORGET_USER", "RECORD_ENTRY", "REMOVE_CREDENTIAL"]
    assert await rows(world.database_url, "SELECT 1 FROM user_keys WHERE user_id = %s", user_id) == []
    assert [one.reason.value for one in await core.check_suppression(address)] == ["ERASED"]


async def test_without_its_ledger_a_restored_copy_is_not_ready_and_serves_nobody(
    world: World, ledger: Path, tmp_path: Path
) -> None:
    ledger.write_text('{"not": "an entry"}\n')
    settings = load(CoreSettings, world.environ(ERASURE_LEDGER_FILE=str(ledger)))
    async with open_core(settings) as service:
        readiness = await service.readiness()
        assert (readiness.ready, readiness.parts["erasures"]) == (False, "down")
