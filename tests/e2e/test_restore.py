"""A backup goes into an empty server, and nobody who was erased comes back: by the commands of docs/operations.md."""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
import pytest
from attrs import evolve
from rich.console import Console

from tests.databases import database_of
from tests.e2e.harness.copies import ALL_SCOPES, Copy, World
from tests.e2e.harness.eraser import CONTEXT, tell_everybody
from tests.e2e.harness.private import PrivatePostgres, private_postgres, server_folder
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until
from tests.facts import order, record
from user_cli.app import build_app
from user_cli.embedded.account import Account, server_account
from user_cli.embedded.postgres import start_postgres
from user_cli.embedded.process import Program, ServerProcess, free_port
from user_cli.embedded.programs import postgres_programs
from usercore.audit.verify_audit import VerifyCommand
from usercore.kernel.ids import EventId, UserId
from usercore.merging.merge_users import MergeUsersCommand
from usercore.merging.undo_merge import UndoMergeCommand
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.values import RequestKind, RequestState
from usercore.settings import CoreSettings, load
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.read_users import UserNamed
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

PAGE: Final = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS: Final = dict(re.findall(r"^```sh ([a-z-]+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
"""The commands of the page, by the word behind the fence."""


def test_every_command_that_the_page_names_is_one_of_userctl() -> None:
    named = set(re.findall(r"\buserctl ([a-z]+(?: [a-z]+)*)", PAGE))
    assert len(named) > 15
    silent = Console(file=StringIO())
    for words in named:
        first, *others = words.split()
        app = build_app(silent, silent, first)[first]
        if others and app.default_command is None:
            assert others[0] in app, words


async def run(block: str, environ: dict[str, str]) -> str:
    """Run the commands of a block as an operator would, and give what they wrote."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", BLOCKS[block]),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        written, _ = await process.communicate()
    assert process.returncode == 0, written.decode()
    return written.decode()


@asynccontextmanager
async def served(world: World, environ: dict[str, str], port: int) -> AsyncIterator[Copy]:
    """Run the block that serves; nothing is waited for."""
    log = world.folder / "serve.log"
    program = Program(
        name="the service",
        command=("/bin/bash", "-euc", BLOCKS["serve"]),
        folder=world.folder,
        log=log,
        account=Account(),
        ends=((signal.SIGTERM, 10.0),),
        environ=environ | {"USER_SERVICE_LISTEN_PORT": str(port)},
    )
    process = ServerProcess.start(program)
    try:
        yield Copy(port, world, process, log)
    finally:
        await process.stop()


async def made(core: Core, name: str) -> UserId:
    profile = ProfilePatch(email=f"{name}@mail.example", first_name="Grace", last_name=name)
    return (await core.create_user(CreateUserCommand(profile), CONTEXT)).id


async def merge(core: Core, survivor: UserId, merged: UserId) -> EventId:
    command = MergeUsersCommand(survivor, merged, reason="the same person")
    return (await core.merge_users(command, CONTEXT)).merge.id


async def erase(core: Core, user_id: UserId) -> None:
    command = MakePrivacyRequestCommand(user_id, RequestKind.ERASURE, identity_note="passport seen")
    request = await core.make_privacy_request(command, CONTEXT)

    async def completed() -> bool:
        await tell_everybody(core)
        return (await core.advance_requests.one(request.id, CONTEXT)).state is RequestState.COMPLETED

    await until(completed, "the erasure is complete")


@pytest.fixture
def environ(breakable: World, tmp_path: Path) -> dict[str, str]:
    """The environment of an operator."""
    programs = postgres_programs(Account(), tmp_path)
    path = os.pathsep.join((str(Path(sys.executable).parent), str(programs), os.defpath))
    more = {"PATH": path, "BACKUP": str(tmp_path), "USERCTL_OPERATOR": "ada"}
    return breakable.environ(ERASURE_LEDGER_FILE=str(tmp_path / "erasures.jsonl")) | more


async def test_a_backup_restored_into_an_empty_server_serves_and_erases_again_before_it_is_ready(
    breakable: World, environ: dict[str, str]
) -> None:
    async with open_core(load(CoreSettings, environ)) as service:
        before, staying, leaving = [await made(service.core, name) for name in ("before", "staying", "leaving")]
        await erase(service.core, before)
        await run("back-up", environ)
        await erase(service.core, leaving)
        await made(service.core, "lost")

    async with private_postgres() as empty:
        url = await emptied(empty)
        restored = evolve(breakable, database_url=url)
        there = environ | {"DATABASE_URL": url, "SERVER_URL": database_of(url, "postgres")}
        await run("restore", there)
        assert await rows(url, "SELECT first_name FROM users WHERE id = %s", leaving) == [("Grace",)], "they are back"
        async with served(restored, there, free_port()) as copy, copy.client(*ALL_SCOPES) as client:
            seen: set[int] = set()

            async def ready() -> bool:
                try:
                    seen.add((await client.get(f"/v1/users/{leaving}")).status)
                    return (await client.get("/health/ready")).status == 200
                except OSError:
                    assert copy.process.running, copy.log.read_text(encoding="utf-8")
                    return False

            await until(ready, "it is ready")
            assert not seen - {410, 503}, "not for a moment are they served"
            assert await rows(url, "SELECT state, first_name FROM users WHERE id = %s", leaving) == [("ERASED", "")]
            for user_id, status in ((before, 410), (leaving, 410), (staying, 200)):
                assert (await client.get(f"/v1/users/{user_id}")).status == status
            listed = (await client.get("/v1/users")).json()["items"]
            assert [one["id"] for one in listed] == [staying]
            history = (await client.get(f"/v1/users/{staying}/history")).json()["items"]
            assert [entry["changes"][0]["after"] is not None for entry in history] == [True], "the keys are there too"
            assert (await client.patch(f"/v1/users/{staying}", {"lastName": "Hopper"}, '"1"')).status == 200
        await run("look", there)


async def test_a_restored_backup_keeps_merges_of_before_and_erases_nobody_whose_merge_was_undone(
    breakable: World, environ: dict[str, str]
) -> None:
    async with open_core(load(CoreSettings, environ)) as service:
        core = service.core
        names = ("kept", "old", "later", "twin", "gone", "half", "sister", "other")
        kept, old, later, twin, gone, half, sister, other = [await made(core, name) for name in names]
        await record(core.ports, order("o-other", other))
        await merge(core, kept, old)
        mistaken = await merge(core, sister, other)
        await run("back-up", environ)
        await merge(core, later, twin)
        await merge(core, gone, half)
        await erase(core, gone)
        await core.undo_merge(UndoMergeCommand(sister, mistaken, "two sisters"), CONTEXT)
        await erase(core, sister)

    async with private_postgres() as empty:
        url = await emptied(empty)
        await run("restore", environ | {"DATABASE_URL": url, "SERVER_URL": database_of(url, "postgres")})
        async with open_core(load(CoreSettings, environ | {"DATABASE_URL": url, "REDIS_URL": ""})) as service:
            assert (await service.readiness()).ready
            users = await service.core.ports.users.get_many([kept, old, later, twin, gone, half, sister, other])
            states = {user_id: user.status.state.value for user_id, user in users.items()}
            assert states == {
                **dict.fromkeys((kept, later, twin, other), "ACTIVE"),
                **dict.fromkeys((gone, half, sister), "ERASED"),
                old: "MERGED",
            }
            assert users[old].status.merged_into == kept
            assert (await service.core.get_user(UserNamed(email="other@mail.example"))).id == other
            assert (await service.core.read_activity.summary(other)).orders.count == 1
            assert (await service.core.verify_audit(VerifyCommand())).findings == ()
            assert (await service.core.check_ledger()).sound


async def emptied(server: PrivatePostgres) -> str:
    """Leave a server with nothing in it, and give the URL of the database to come."""
    async with await psycopg.AsyncConnection.connect(database_of(server.url, "postgres"), autocommit=True) as opened:
        await opened.execute("DROP DATABASE IF EXISTS users")
    return database_of(server.url, "users")


async def test_a_copy_of_the_whole_server_starts_as_one_and_erases_again_before_it_is_ready(
    breakable: World, environ: dict[str, str], postgres: PrivatePostgres
) -> None:
    with server_folder() as folder:
        account = server_account()
        async with open_core(load(CoreSettings, environ)) as service:
            staying, leaving = await made(service.core, "staying"), await made(service.core, "leaving")
            await run("base-backup", environ | {"BACKUP": str(folder)})
            await erase(service.core, leaving)
        shutil.copy(postgres.folder / "postgres.password", folder)
        for path in (folder / "postgres.password", *(folder / "base").rglob("*"), folder / "base"):
            account.own(path, 0o700)
        (folder / "base").rename(folder / "postgres")
        started = await start_postgres(folder, account, durable=False, ports=free_port)
        try:
            url = database_of(started.url, urlsplit(breakable.database_url).path.removeprefix("/"))
            async with open_core(load(CoreSettings, environ | {"DATABASE_URL": url})) as service:
                assert (await service.readiness()).ready
                found = await service.core.ports.users.get_many([staying, leaving])
                assert {one.id: one.status.state for one in found.values()} == {staying: "ACTIVE", leaving: "ERASED"}
        finally:
            await started.process.stop()
