"""Embedded servers keep their data, end with their parent however it ends, and explain themselves when they fail."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.cli.processes import alive, enterable_folder, wait_until
from user_cli.embedded import EmbeddedServerError, EmbeddedServers, embedded_servers
from user_cli.embedded.account import Account
from user_cli.embedded.process import free_port

pytestmark = pytest.mark.embedded

ELSEWHERE_REDIS = "redis://elsewhere.invalid/0"
ELSEWHERE_POSTGRES = "postgresql://elsewhere.invalid/users"
STRANGER = Account(uid=54_321, gid=54_321)

# A process that starts the servers, says where they are, and stays until it is killed.
HOLDER = """
import asyncio, json, sys
from pathlib import Path
from user_cli.embedded import embedded_servers

async def main():
    async with embedded_servers(Path(sys.argv[1])) as servers:
        print(json.dumps([servers.database_url, servers.redis_url, servers.pids]), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

# A process that keeps a program that knows nothing of parents, under the guard mode that it is told.
GUARDED = """
import signal, sys, time
from pathlib import Path
from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess

mode, folder = sys.argv[1], Path(sys.argv[2])
code = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"
command = (sys.executable, "-c", code)
ends = ((signal.SIGTERM, 5.0),)
ServerProcess.start(Program("a program", command, folder, folder / "log", Account(), ends, mode))
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as made:
        yield made


@contextmanager
def holder(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str, str, list[int]]]:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the holder ended instead of starting the servers"
            database_url, redis_url, pids = json.loads(line)
            yield process, database_url, redis_url, pids
            process.kill()
            wait_until(lambda: not any(alive(pid) for pid in pids))
        finally:
            process.kill()


def processes_of(database_url: str) -> list[int]:
    """The process ids of PostgreSQL's own processes, as it knows them."""
    with psycopg.connect(database_url) as connection:
        return [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]


def read_note(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT text FROM note").fetchone()
    assert row is not None
    return str(row[0])


def write_note(database_url: str, text: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", (text,))


async def test_the_database_persists_over_a_restart_and_the_cache_does_not(folder: Path) -> None:
    async with embedded_servers(folder) as servers:
        write_note(servers.database_url, "kept")
        async with Redis.from_url(servers.redis_url) as redis:
            await redis.set("key", "forgotten")
    assert not any(alive(pid) for pid in servers.pids)

    async with embedded_servers(folder) as servers:
        assert read_note(servers.database_url) == "kept"
        async with Redis.from_url(servers.redis_url) as redis:
            assert await redis.dbsize() == 0


async def test_postgresql_is_set_up_as_the_service_expects(folder: Path) -> None:
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "TimeZone": "UTC",
        "max_connections": "200",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "server_encoding": "UTF8",
    }
    async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
        with psycopg.connect(servers.database_url) as connection:
            rows = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(expected),))
            assert dict(rows.fetchall()) == expected
            locale = connection.execute(
                "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
            ).fetchone()
            assert locale in {("b", "C.UTF-8"), (b"b", "C.UTF-8")}


async def test_without_durability_nothing_is_synced_and_a_temporary_folder_goes_away() -> None:
    async with embedded_servers(None, redis_url=ELSEWHERE_REDIS, durable=False) as servers:
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert servers.folder.is_dir()
    assert not servers.folder.exists()


async def test_both_servers_ask_for_the_password(folder: Path) -> None:
    async with embedded_servers(folder) as servers:
        wrong = servers.database_url.replace("postgres:", "postgres:wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        address = servers.redis_url.rpartition("@")[2]
        async with Redis.from_url(f"redis://{address}") as redis:
            with pytest.raises(RedisError, match="already authenticated"):
                await redis.ping()
        assert "password" not in repr(servers)
        assert servers.database_url not in repr(servers)


async def test_servers_that_are_given_are_passed_through_and_not_started(folder: Path) -> None:
    async with embedded_servers(folder, database_url=ELSEWHERE_POSTGRES, redis_url=ELSEWHERE_REDIS) as servers:
        assert servers == EmbeddedServers(ELSEWHERE_POSTGRES, ELSEWHERE_REDIS, None, folder, ())


async def test_a_killed_parent_leaves_no_server_behind_and_the_next_one_starts_with_the_data(folder: Path) -> None:
    with holder(folder) as (process, database_url, _redis_url, pids):
        write_note(database_url, "committed before the kill")
        everything = {*pids, *processes_of(database_url)}
        assert len(everything) > len(pids)
        assert all(alive(pid) for pid in pids)
        process.kill()
        wait_until(lambda: not any(alive(pid) for pid in everything))

    async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
        assert read_note(servers.database_url) == "committed before the kill"


async def test_the_next_start_waits_for_a_server_that_is_still_ending(folder: Path) -> None:
    with holder(folder) as (process, database_url, _redis_url, _pids):
        write_note(database_url, "committed before the kill")
        process.kill()
        process.wait()
        async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
            assert read_note(servers.database_url) == "committed before the kill"


async def test_it_starts_after_parent_and_server_were_both_killed(folder: Path) -> None:
    with holder(folder) as (process, database_url, _redis_url, pids):
        write_note(database_url, "committed before the kill")
        everything = {*pids, *processes_of(database_url)}
        os.kill(pids[0], signal.SIGKILL)
        process.kill()
        wait_until(lambda: not any(alive(pid) for pid in everything))
        assert (folder / "postgres" / "postmaster.pid").exists()

    async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
        assert read_note(servers.database_url) == "committed before the kill"


async def test_a_stale_lock_file_whose_process_id_now_belongs_to_another_program_does_not_matter(folder: Path) -> None:
    async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
        write_note(servers.database_url, "kept")
        lock = folder / "postgres" / "postmaster.pid"
        _, _, rest = lock.read_text(encoding="ascii").partition("\n")
    owner = (folder / "postgres").stat().st_uid
    # PostgreSQL takes only processes of its own account for a server.
    with subprocess.Popen(
        ["/bin/cat"], stdin=subprocess.PIPE, user=None if owner == os.geteuid() else owner
    ) as stranger:
        lock.write_text(f"{stranger.pid}\n{rest}", encoding="ascii")
        shutil.chown(lock, user=owner)
        async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
            assert read_note(servers.database_url) == "kept"
        stranger.kill()


@pytest.mark.parametrize("mode", ["watch", *(["signal"] if sys.platform == "linux" else [])])
def test_the_guard_ends_the_program_when_the_parent_is_killed(mode: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", GUARDED, mode, str(tmp_path)]) as process:
        try:
            wait_until(lambda: log.exists() and log.read_text(encoding="ascii").endswith("\n"))
            program = int(log.read_text(encoding="ascii"))
            assert alive(program)
        finally:
            process.kill()
    wait_until(lambda: not alive(program))


async def test_a_port_that_somebody_else_took_is_left_to_them(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked: list[int] = []

        def ports() -> int:
            asked.append(taken.getsockname()[1] if len(asked) % 2 == 0 else free_port())
            return asked[-1]

        async with embedded_servers(folder, ports=ports) as servers:
            assert len(asked) == 4
            assert f":{asked[1]}/" in servers.database_url
            assert f":{asked[3]}/" in servers.redis_url
            async with Redis.from_url(servers.redis_url) as redis:
                assert await redis.ping()


async def test_when_every_port_is_taken_the_error_says_so(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=rf"every port tried on 127\.0\.0\.1 was taken: {port}"):
            async with embedded_servers(folder, database_url=ELSEWHERE_POSTGRES, ports=lambda: port):
                pytest.fail("started on a port that was taken")


async def test_a_folder_that_cannot_be_written_gives_a_clear_error(folder: Path) -> None:
    folder.write_text("a file stands where the folder should be", encoding="ascii")
    with pytest.raises(EmbeddedServerError, match=r"data/below cannot be written \(Not a directory\): choose another"):
        async with embedded_servers(folder / "below"):
            pytest.fail("started in a folder that cannot be")


async def test_a_folder_in_use_gives_an_error_that_names_the_process(folder: Path) -> None:
    with holder(folder) as (process, database_url, _redis_url, _pids):
        with pytest.raises(EmbeddedServerError, match=f"in use by process {process.pid}"):
            async with embedded_servers(folder):
                pytest.fail("two runs share one folder")
        assert processes_of(database_url)


async def test_a_server_that_does_not_start_shows_its_last_lines(folder: Path) -> None:
    async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS):
        pass
    (folder / "postgres" / "PG_VERSION").write_text("9\n", encoding="ascii")
    with pytest.raises(EmbeddedServerError) as caught:
        async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS):
            pytest.fail("started on data of another version")
    message = str(caught.value)
    assert "the embedded PostgreSQL ended with status 1" in message
    assert "FATAL:  database files are incompatible with server" in message
    assert str(folder / "postgres.log") in message


async def test_a_first_start_that_was_cut_short_is_done_again(folder: Path) -> None:
    half = folder / "postgres.unfinished"
    half.mkdir(parents=True)
    for step in (folder, half):
        step.chmod(0o711)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    async with embedded_servers(folder, redis_url=ELSEWHERE_REDIS) as servers:
        write_note(servers.database_url, "whole")
        assert read_note(servers.database_url) == "whole"
        assert not half.exists()


def test_data_goes_elsewhere_when_the_account_cannot_enter_the_folder_and_nothing_above_is_opened(
    folder: Path,
) -> None:
    closed = folder / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    account = Account(uid=54_321, gid=54_321, elsewhere=folder.parent / "elsewhere")
    folder.chmod(0o711)

    placed = account.reachable_folder(closed / "data")

    assert placed.parent == folder.parent / "elsewhere"
    assert placed == account.reachable_folder(closed / "data")
    assert placed != account.reachable_folder(closed / "other")
    assert account.may_enter(placed)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert list(closed.iterdir()) == []


def test_programs_that_the_account_cannot_reach_are_copied_once_with_their_relative_places(folder: Path) -> None:
    base = folder / "closed"
    (base / "package" / "bin").mkdir(parents=True)
    (base / "package.libs").mkdir()
    (base / "package" / "bin" / "server").write_text("#!/bin/sh\necho runs\n", encoding="ascii")
    (base / "package" / "bin" / "server").chmod(0o700)
    (base / "package.libs" / "library").write_text("library", encoding="ascii")
    (base / "unrelated").write_text("not copied", encoding="ascii")
    base.chmod(0o700)
    folder.chmod(0o711)
    trees = ["package/bin", "package.libs"]

    copies = STRANGER.reachable_programs(base, trees, folder)

    assert copies != base
    assert STRANGER.may_enter(copies / "package" / "bin")
    assert (copies / "package" / "bin" / "server").stat().st_mode & 0o777 == 0o755
    assert (copies / "package.libs" / "library").stat().st_mode & 0o777 == 0o644
    assert not (copies / "unrelated").exists()
    assert STRANGER.reachable_programs(base, trees, folder) == copies
    assert base.stat().st_mode & 0o777 == 0o700
    assert Account().reachable_programs(base, trees, folder) == base
