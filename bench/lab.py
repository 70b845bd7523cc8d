"""The place where cases run: real servers, filled databases, and the service as a process of its own."""

import asyncio
import base64
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from attrs import define, field, frozen
from redis.asyncio import Redis

from bench.database import MASTER_KEYS, USERS, FilledDatabase, fill
from bench.floors import raw_asgi
from bench.load.plan import NUMBER, NUMBER_DIGITS
from bench.load.running import ROOT
from bench.measure import CaseFailedError
from bench.tokens import TokenMaker
from user_cli.embedded import EmbeddedServers, embedded_servers
from user_cli.embedded.account import server_account
from user_cli.embedded.process import free_port
from user_cli.embedded.programs import postgres_programs

_NAMESPACE = "USER_SERVICE_CACHE_NAMESPACE"
_READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.05
_STOP_WITHIN_S = 15.0
_SHOWN_LOG_BYTES = 2_000


@frozen
class Running:
    """A server process that answers.

    Args:
        port: on 127.0.0.1.
        bearer: the token that its requests carry.
        namespace: begins its keys in the cache.
    """

    port: int
    bearer: str = field(repr=False)
    namespace: str = ""

    def request(self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None) -> str:
        """Return an HTTP/1.1 request as it goes over the wire; the body is ASCII and may hold `NUMBER`."""
        length = len(body.replace(NUMBER, "0" * NUMBER_DIGITS))
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.bearer}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
            *([f"Content-Length: {length}"] if body else []),
        ]
        return "\r\n".join([*lines, "", body])

    async def get(self, path: str) -> bytes:
        """Return the body of a successful answer.

        Raises:
            CaseFailedError: it was not 200.
        """
        headers = {"Authorization": f"Bearer {self.bearer}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30) as client:
            answer = await client.get(path)
        if answer.status_code != httpx.codes.OK:
            raise CaseFailedError(f"GET {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.content


@define
class Lab:
    """Servers, databases by number of users, and ways to start what is measured.

    Args:
        users: how many the large database holds.
        servers: PostgreSQL, Valkey and a Kafka broker.
        programs: folder of PostgreSQL's programs.
        folder: for files of this run.
        tokens: makes bearer tokens.
    """

    users: int
    servers: EmbeddedServers
    programs: Path
    folder: Path
    tokens: TokenMaker
    _filled: dict[int, FilledDatabase] = field(factory=dict)
    _bare: dict[int, FilledDatabase] = field(factory=dict)
    _numbers: int = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, users: int, folder: Path) -> AsyncIterator["Lab"]:
        """Start the servers, or use those that `DATABASE_URL` and its like name; leave nothing behind."""
        started = embedded_servers(
            None,
            database_url=os.environ.get("DATABASE_URL") or None,
            redis_url=os.environ.get("REDIS_URL") or None,
            kafka=True,
            kafka_bootstrap=os.environ.get("KAFKA_BOOTSTRAP") or None,
        )
        async with started as servers:
            programs = postgres_programs(server_account(), servers.folder)
            lab = cls(users, servers, programs, folder, TokenMaker.make(folder))
            try:
                yield lab
            finally:
                for database in (*lab._filled.values(), *lab._bare.values()):
                    await database.drop()

    @property
    def few(self) -> int:
        """How many users the small database holds, to see growth."""
        return max(self.users // 100, 200)

    def numbers(self) -> int:
        """Return the first of a billion numbers that no user has."""
        self._numbers += 1
        return self._numbers * 1_000_000_000

    async def database(self, users: int) -> FilledDatabase:
        """Return a database with so many users; it is filled once."""
        if users not in self._filled:
            self._filled[users] = await fill(self.servers.database_url, users)
        return self._filled[users]

    async def people(self, users: int) -> FilledDatabase:
        """Return a database with so many users, and nothing else unless it is there already."""
        if users not in self._filled and users not in self._bare:
            self._bare[users] = await fill(self.servers.database_url, users, (USERS,))
        return self._filled.get(users) or self._bare[users]

    def environ(self, database: FilledDatabase, *, cached: bool) -> dict[str, str]:
        """Return the service's settings as environment variables."""
        ours = {
            "DATABASE_URL": database.url,
            "USER_SERVICE_MASTER_KEYS": MASTER_KEYS,
            "USER_SERVICE_TOKEN_KEY_FILE": str(self.tokens.key_file),
            "USER_SERVICE_LOG_FORMAT": "json",
        }
        if cached:
            ours |= {
                "REDIS_URL": self.servers.redis_url,
                "USER_SERVICE_CACHE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
                _NAMESPACE: f"bench-{secrets.token_hex(4)}",
            }
        kept = {name: value for name, value in os.environ.items() if not _of_the_service(name)}
        return kept | ours

    def kafka_environ(self, database: FilledDatabase) -> dict[str, str]:
        """Return the settings of what speaks Kafka, with topics that nothing else uses."""
        assert self.servers.kafka_bootstrap is not None
        return self.environ(database, cached=False) | {
            "KAFKA_BOOTSTRAP": self.servers.kafka_bootstrap,
            # The embedded broker does not know the idempotent producer.
            "USER_SERVICE_KAFKA_IDEMPOTENT": str(bool(os.environ.get("KAFKA_BOOTSTRAP"))).lower(),
            "USER_SERVICE_TOPIC_PREFIX": f"bench-{secrets.token_hex(4)}.",
        }

    @asynccontextmanager
    async def worker(self, environ: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a stream processor without a relay."""
        port = free_port()
        more = {"USER_SERVICE_STREAM_LISTEN_PORT": str(port), "USER_SERVICE_RELAY_IN_STREAM": "false"}
        command = (sys.executable, "-m", "user_stream")
        async with self.process("worker", command, {**environ, **more}, port, "/health/ready") as child:
            yield child

    @asynccontextmanager
    async def service(self, database: FilledDatabase, *, cached: bool) -> AsyncIterator[Running]:
        """Run the service over a database, with the cache or without."""
        port = free_port()
        environ = self.environ(database, cached=cached) | {"USER_SERVICE_LISTEN_PORT": str(port)}
        command = (sys.executable, "-m", "user_http")
        async with self.process("service", command, environ, port, "/health/ready"):
            yield Running(port, self.tokens.bearer(), environ.get(_NAMESPACE, ""))

    async def forget(self, service: Running) -> None:
        """Take everything that a service has cached out of the cache."""
        async with Redis.from_url(self.servers.redis_url) as client:
            keys = [key async for key in client.scan_iter(match=f"{service.namespace}:*", count=1_000)]
            for start in range(0, len(keys), 1_000):
                await client.unlink(*keys[start : start + 1_000])

    @asynccontextmanager
    async def raw_asgi(self, body: bytes) -> AsyncIterator[Running]:
        """Run the raw ASGI floor with a body; requests to it carry a token too, which it does not look at."""
        port = free_port()
        path = self.folder / f"body-{port}"
        path.write_bytes(body)
        command = (
            *(sys.executable, "-m", "uvicorn", "--factory", "bench.floors.raw_asgi:make_app", "--port", str(port)),
            *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
        )
        async with self.process("raw-asgi", command, os.environ | {raw_asgi.BODY_FILE: str(path)}, port, "/"):
            yield Running(port, self.tokens.bearer())

    @asynccontextmanager
    async def process(
        self, name: str, command: tuple[str, ...], environ: Mapping[str, str], port: int, ready: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a server until the block ends; it begins when the path `ready` answers 200."""
        log_path = self.folder / f"{name}-{port}.log"
        with log_path.open("wb") as log:
            child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            if not await _answers(child, port, ready):
                tail = log_path.read_bytes()[-_SHOWN_LOG_BYTES:].decode(errors="replace")
                raise CaseFailedError(f"{name} does not answer on {ready}:\n{tail}")
            yield child
        finally:
            await stop(child)


def _of_the_service(name: str) -> bool:
    return name in {"DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP"} or name.startswith("USER_SERVICE_")


async def _answers(child: asyncio.subprocess.Process, port: int, path: str) -> bool:
    limit = time.monotonic() + _READY_WITHIN_S
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        while child.returncode is None and time.monotonic() < limit:
            try:
                if (await client.get(path)).status_code == httpx.codes.OK:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(_LOOK_EVERY_S)
    return False


async def stop(child: asyncio.subprocess.Process) -> None:
    """End a process that we started, with insistence where it takes too long."""
    if child.returncode is None:
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _STOP_WITHIN_S)
    except TimeoutError:
        child.kill()
        await child.wait()
