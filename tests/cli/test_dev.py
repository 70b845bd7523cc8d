"""`userctl dev`: one command starts everything, keeps the data, and leaves nothing running."""

import asyncio
import json
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.cli.processes import alive, enterable_folder, wait_until
from tests.cli.userctl import COMMAND, Userctl, plain_environ
from user_cli.embedded.process import free_port

pytestmark = pytest.mark.embedded

SAMPLES = 25


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder that all starts share."""
    with enterable_folder() as made:
        yield made


@contextmanager
def started(
    folder: Path, *options: str, in_a_used_terminal: bool = False, environ: dict[str, str] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """Start everything, give the process and what it announces, and end what the test did not end.

    In a used terminal, the environment file of the start before has been read.
    """
    command = [*COMMAND, "dev", "--json", "--data-dir", str(folder), "--port", "0", "--stream-port", "0"]
    command += options
    if in_a_used_terminal:
        command = ["sh", "-c", f'. "{folder / "env"}" && exec "$@"', "sh", *command]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env=plain_environ() | (environ or {}),
        cwd=folder.parent,
        text=True,
        start_new_session=True,  # so that only a signal of ours reaches it
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "userctl ended instead of getting ready"
            yield process, json.loads(line)
        finally:
            process.kill()


def client(announced: dict[str, Any]) -> httpx.Client:
    """Give what curl is to people: the printed URL with the printed token."""
    headers = {"Authorization": f"Bearer {announced['token']}"}
    return httpx.Client(base_url=announced["url"], headers=headers, timeout=30, trust_env=False)


def end(process: "subprocess.Popen[str]", announced: dict[str, Any], number: signal.Signals) -> int:
    """Send a signal, wait until no process is left, and give the exit code.

    Whoever is killed takes the others along, who would wait some 20 s for servers that are gone, and keep their ports.
    """
    process.send_signal(number)
    code = process.wait(60)
    wait_until(lambda: not any(alive(pid) for pid in announced["pids"]), deadline_s=10)
    return code


def test_everything_that_the_page_for_newcomers_shows_works_with_the_printed_token(folder: Path) -> None:
    with started(folder, "--samples", str(SAMPLES)) as (process, announced), client(announced) as http:
        user = a_users_life(http)
        email_preferences_are_read_and_changed(http, user)
        assert len(http.get("/v1/users?limit=500").json()["items"]) == SAMPLES + 1
        assert http.get("/metrics").status_code == 200
        assert http.get("/docs").headers["content-type"].startswith("text/html")
        assert http.get("/v1/users", headers={"Authorization": "Bearer nonsense"}).status_code == 401
        commands_are_taken_from_kafka_and_events_leave(http, announced, "ada@kafka.example")
        recorded = Path(announced["deliveries"])
        wait_until(lambda: recorded.exists() and user in recorded.read_text(encoding="utf-8"))
        assert end(process, announced, signal.SIGINT) == 0


def a_users_life(http: httpx.Client) -> str:
    """Create, get, change, list, search, deactivate and reactivate a user; give the id."""
    new = http.post("/v1/users", json={"email": "grace@navy.example", "firstName": "Grace", "lastName": "Hopper"})
    assert new.status_code == 201
    path = new.headers["location"]
    got = http.get(path)
    assert (got.status_code, got.json()) == (200, new.json())
    merge = {"content-type": "application/merge-patch+json", "if-match": got.headers["etag"]}
    changed = http.patch(path, content='{"lastName": "Murray"}', headers=merge)
    assert (changed.status_code, changed.json()["lastName"]) == (200, "Murray")
    assert http.patch(path, content='{"lastName": "Lost"}', headers=merge).status_code == 412
    found = http.get("/v1/users", params={"q": "gra mur navy"}).json()["items"]
    assert [user["id"] for user in found] == [new.json()["id"]]
    assert http.post(f"{path}/deactivate", json={"reason": "asked"}).json()["status"] == "DEACTIVATED"
    assert http.post(f"{path}/reactivate", json={}).json()["status"] == "ACTIVE"
    return str(new.json()["id"])


def email_preferences_are_read_and_changed(http: httpx.Client, user: str) -> None:
    path = f"/v1/users/{user}/email-preferences"
    before = http.get(path)
    topics = before.json()["topics"]
    assert {name: topic["subscribed"] for name, topic in topics.items()} == {
        "newsletter": False,
        "order-updates": True,
        "product-updates": True,
    }
    merge = {"content-type": "application/merge-patch+json", "if-match": before.headers["etag"]}
    after = http.patch(path, content='{"topics": {"newsletter": {"subscribed": true}}}', headers=merge)
    assert after.status_code == 200
    assert http.get(path).json()["topics"]["newsletter"]["subscribed"] is True


def commands_are_taken_from_kafka_and_events_leave(http: httpx.Client, announced: dict[str, Any], email: str) -> None:
    assert httpx.get(announced["streamHealth"], trust_env=False).status_code == 200
    assert "user_service" in httpx.get(announced["streamMetrics"], trust_env=False).text
    asyncio.run(create_over_kafka(announced["kafka"], email))
    wait_until(lambda: len(http.get("/v1/users", params={"email": email}).json()["items"]) == 1)
    asyncio.run(until_published(announced["kafka"], "user-created", email))


async def create_over_kafka(bootstrap: str, email: str) -> None:
    """Send the command as another team's program does: plain JSON and nothing else."""
    command = {"email": email, "firstName": "Grace", "lastName": "Hopper", "password": "correct horse battery"}
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait("create-user", json.dumps(command).encode())


async def until_published(bootstrap: str, topic: str, email: str) -> None:
    async with (
        asyncio.timeout(20),
        AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer,
    ):
        async for record in consumer:
            if json.loads(record.value)["email"] == email:
                return


def test_a_broker_of_ones_own_is_used(folder: Path, kafka_bootstrap: str) -> None:
    own = {"KAFKA_BOOTSTRAP": kafka_bootstrap, "USER_SERVICE_TOPIC_PREFIX": "t00000de5."}
    own |= {"USER_SERVICE_KAFKA_IDEMPOTENT": "false", "USER_SERVICE_STREAM_SESSION_TIMEOUT_S": "2"}
    with started(folder, environ=own) as (process, announced):
        assert announced["kafka"] == kafka_bootstrap
        assert len(announced["pids"]) == 4, "HTTP, stream, PostgreSQL and Valkey"
        assert end(process, announced, signal.SIGTERM) == 0


def test_secrets_are_their_owners_alone(folder: Path) -> None:
    for name in ("signing-key.pem", "cache-key", "token", "env", "deliveries.jsonl"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_the_data_is_there_after_a_stop_and_after_a_kill_which_leaves_no_server(folder: Path) -> None:
    with started(folder, "--samples", str(SAMPLES)) as (process, announced), client(announced) as http:
        kept = http.get("/v1/users", params={"email": "grace@navy.example"}).json()["items"]
        assert [user["lastName"] for user in kept] == ["Murray"]
        assert len(http.get("/v1/users?limit=500").json()["items"]) == SAMPLES + 2, "samples are not made twice"
        written = http.post("/v1/users", json={"email": "last@example.com", "firstName": "A", "lastName": "B"})
        assert written.status_code == 201
        assert len(announced["pids"]) == 5, "HTTP, stream, PostgreSQL, Valkey and the broker"
        assert end(process, announced, signal.SIGKILL) == -signal.SIGKILL

    with started(folder, in_a_used_terminal=True) as (process, announced), client(announced) as http:
        assert http.get(written.headers["location"]).json() == written.json()
        # The broker has forgotten and the database has not: offsets begin anew, over data that knows them.
        commands_are_taken_from_kafka_and_events_leave(http, announced, "second@kafka.example")
        another_start_on_the_same_folder_or_port_says_so(folder, announced)
        other_terminals_find_everything_in_the_environment_file(folder, written.json())
        assert end(process, announced, signal.SIGTERM) == 0


def another_start_on_the_same_folder_or_port_says_so(folder: Path, announced: dict[str, Any]) -> None:
    alone = Userctl(plain_environ(), folder.parent)
    used = alone("dev", "--data-dir", str(folder), "--port", "0", "--stream-port", "0")
    assert used.code == 71
    assert "is in use by process" in used.error
    port = announced["url"].rpartition(":")[2]
    taken = alone("dev", "--data-dir", str(folder.with_name("other")), "--port", port)
    assert taken.code == 69
    assert taken.error.startswith(f"userctl: port_taken: port {port} of 127.0.0.1 ")
    assert not folder.with_name("other").exists()
    stream = announced["streamHealth"].removesuffix("/health/ready").rpartition(":")[2]
    taken = alone("dev", "--data-dir", str(folder.with_name("other")), "--port", "0", "--stream-port", stream)
    assert (taken.code, taken.error.rpartition(": ")[2]) == (69, "choose another one with --stream-port")


def other_terminals_find_everything_in_the_environment_file(folder: Path, user: dict[str, Any]) -> None:
    script = f'. "{folder / "env"}" && exec "$@"'
    command = ["sh", "-c", script, "sh", *COMMAND, "user", "get", user["id"], "--json"]
    done = subprocess.run(command, capture_output=True, env=plain_environ(), check=True)
    assert json.loads(done.stdout) == user


def test_a_port_that_somebody_has_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        done = Userctl(plain_environ(), tmp_path)("dev", "--port", port)
    assert (done.code, done.error.split(":")[1]) == (69, " port_taken")
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_is_told_to_end_ends_all_that_it_has_begun() -> None:
    with enterable_folder() as folder:
        port = free_port()
        command = [*COMMAND, "dev", "--data-dir", str(folder), "--port", str(port), "--stream-port", "0"]
        with subprocess.Popen(command, env=plain_environ(), cwd=folder.parent, start_new_session=True) as process:
            try:
                wait_until(lambda: listens(port))
                begun = descendants(process.pid)
                assert len(begun) >= 5, "HTTP, stream, PostgreSQL, Valkey and the broker"
                process.terminate()
                assert process.wait(60) == 143
                wait_until(lambda: not any(map(alive, begun)))
            finally:
                process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def descendants(pid: int) -> set[int]:
    """Give the processes that a process has begun, and those that these have begun."""
    found, parents = {pid}, parents_of_all()
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def parents_of_all() -> dict[int, int]:
    """Give the parent of each process; bare systems have no `ps`, and others no /proc."""
    if Path("/proc/self/stat").exists():
        found = {}
        for process in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                found[int(process.parent.name)] = int(process.read_text().rpartition(")")[2].split()[1])
        return found
    command = ["/bin/ps", "-axo", "pid=,ppid="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {int(child): int(parent) for child, parent in map(str.split, listed.splitlines())}


def test_a_wrong_setting_stops_the_start_and_leaves_no_server() -> None:
    with enterable_folder() as folder:
        alone = Userctl(plain_environ() | {"USER_SERVICE_MAX_IN_FLIGHT": "many"}, folder.parent)
        done = alone("dev", "--data-dir", str(folder), "--port", "0", "--stream-port", "0")
        assert (done.code, done.error) == (
            78,
            "userctl: settings_invalid: USER_SERVICE_MAX_IN_FLIGHT: write a whole number from 1 to 100000",
        )
