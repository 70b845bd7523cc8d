"""Nothing personal that a caller sends shows in a log line, a metric or a problem document, whatever goes wrong."""

import asyncio
import json
import signal
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.e2e.harness.canaries import MARK, PHONE, found_in, profile
from tests.e2e.harness.copies import ALL_SCOPES, World, running_copies
from tests.e2e.harness.rows import locked, rows, waiting_for
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Answer, Client, Connection, UnansweredError, request_bytes
from tests.http import canaries
from tests.traces import Collector
from user_http.routes import ROUTES, Route

TOPIC = "news"
WRONG_VALUES: tuple[Any, ...] = ([f"{MARK} wrong"], f"{MARK} wrong\u0000", MARK * 300, {MARK: 1}, f"@{MARK} ")


def wrong_bodies() -> Iterator[dict[str, Any]]:
    """Yield creates with one thing wrong in each."""
    numbers = count(100)
    for name in profile():
        for value in WRONG_VALUES:
            yield {**profile(next(numbers)), name: value}
    yield {**profile(next(numbers)), f"{MARK}Field": f"{MARK} unknown"}
    yield {"email": f"{MARK}@{MARK}.example"}


def malformed_bodies() -> Iterator[bytes]:
    """Yield bodies that are not JSON as the service reads it."""
    valid = json.dumps(profile(99)).encode()
    yield valid[:-1]
    yield valid + valid
    yield f'{{"email": "{MARK}", "email": "{MARK}2"}}'.encode()
    yield MARK.encode("utf-16")
    yield b'{"firstName": "' + MARK.encode() + b'\xff"}'
    yield b'{"' + MARK.encode() + b'":' * 1 + b"[" * 60_000
    yield b'{"firstName": "' + MARK.encode() * 200_000 + b'"}'


def wrong_headers() -> Iterator[dict[str, str]]:
    """Yield headers, valid and not, that hold canaries."""
    for name in ("x-request-id", "traceparent", "if-match", "if-none-match", "accept", "idempotency-key"):
        yield {name: f"{MARK}@{MARK}.example"}
        yield {name: f'"{MARK}"'}
    for name in ("authorization", "user-agent", "referer", "cookie", "forwarded", "x-forwarded-for", "content-type"):
        yield {name: f"Bearer {MARK}.{MARK}.{MARK}"}
    yield {"host": f"{MARK}.example"}
    yield {"content-length": MARK}


QUERIES = (
    *(f"{name}={MARK}" for name in ("email", "username", "externalId", "q", "status", "sort", "limit", "cursor")),
    *(f"{name}={MARK}" for name in ("createdAfter", "createdBefore", "updatedAfter", "updatedBefore", "id", "userId")),
    *(f"{name}={MARK}@{MARK}.example" for name in ("email", "username", MARK)),
    f"email={MARK}&email={MARK}",
    f"q={quote(f'{MARK} first')}&limit=0",
    f"at={MARK}",
    f"include={MARK}",
    f"q=%ff{MARK}",
)
GARBAGE = (
    f"GET /{MARK} HTTP/9.9\r\n\r\n",
    f"{MARK.upper()} /v1/users/{MARK} HTTP/1.1\r\nhost: {MARK}\r\n\r\n",
    f"GET /v1/users HTTP/1.1\r\n{MARK} no colon\r\n\r\n",
    f"GET http://{MARK}@{MARK}.example/v1/users HTTP/1.1\r\n\r\n",
    f"GET /v1/users HTTP/1.1\r\nhost: a\r\nx: {MARK * 20_000}\r\n\r\n",
)


class Visitor:
    """Sends requests, and keeps what it was told was wrong with them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.problems: list[Answer] = []

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Answer | None:
        """Send one request; a server that hangs up says nothing."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = await self.client.request(method, path, body, headers=sent)
        except UnansweredError:
            return None
        if answer.status >= 400:
            self.problems.append(answer)
        return answer

    async def write_everywhere(self, user_id: str) -> None:
        """Send every wrong body to every route that takes one."""
        own = f"/v1/users/{user_id}"
        for body in wrong_bodies():
            await self.send("POST", "/v1/users", body)
            await self.send("PATCH", own, {k: v for k, v in body.items() if k != "password"}, if_match="*")
            await self.send("POST", "/v1/users/update", {"userId": user_id, **body})
        for raw in malformed_bodies():
            for method, path in (("POST", "/v1/users"), ("PATCH", own), ("PATCH", f"{own}/email-preferences")):
                await self.send(method, path, raw, if_match="*")
        for value in (f"{MARK} reason", *WRONG_VALUES):
            for name in ("reason", "notes", "until", MARK):
                await self.send("POST", f"{own}/deactivate", {name: value})
                await self.send("POST", f"{own}/reactivate", {name: value})
                await self.send("POST", "/v1/users/deactivate", {"userId": user_id, name: value})
            choice = {"subscribed": value, "source": value, "wordingVersion": value}
            await self.send("PATCH", f"{own}/email-preferences", {"topics": {TOPIC: choice, f"{MARK}": choice}})
        await self.send("POST", f"{own}/reactivate")

    async def read_everywhere(self, user_id: str) -> None:
        """Send every query and header to every route that reads."""
        own = f"/v1/users/{user_id}"
        named = ("/v1/users", "/v1/users/get", "/v1/users/get-email-preferences", f"/v1/users/{MARK}", f"/{MARK}")
        for path in (*named, own, f"{own}/history", f"{own}/activity", f"{own}/email-preferences", f"{own}/{MARK}"):
            for query in QUERIES:
                await self.send("GET", f"{path}?{query}")
            for headers in wrong_headers():
                await self.send("GET", path, **headers)
            await self.send("DELETE", path)

    async def write_with_headers(self, user_id: str) -> None:
        """Send every header with a write."""
        own = f"/v1/users/{user_id}"
        for headers in wrong_headers():
            await self.send("POST", "/v1/users", {**profile(7), "password": None}, **headers)
            await self.send("PATCH", own, {"lastName": f"{MARK} changed"}, **{"if_match": "*", **headers})

    async def visit(self, route: Route, number: int) -> list[str]:
        """Send every request of an operation, on somebody of its own; give the ids that no log may hold."""
        user = await self.send("POST", "/v1/users", profile(number))
        assert user is not None
        own = f"/v1/users/{user.json()['id']}"
        request = await self.send("POST", f"{own}/privacy-requests", {"kind": "ACCESS", "text": f"{MARK} asks"})
        verification = await self.send("POST", f"{own}/verifications", {"channel": "email"})
        held = await self.send("POST", f"{own}/legal-holds", {"matter": "case-1", "reason": f"{MARK} claims"})
        assert request is not None
        assert verification is not None
        assert held is not None
        assert (request.status, verification.status, held.status) == (201, 201, 200)
        ids = {"userId": user.json()["id"], "requestId": request.json()["id"]}
        ids |= {"verificationId": verification.json()["id"], "matter": "case-1", "token": MARK}
        ids |= dict.fromkeys(("mergeId", "mergedUserId"), ids["requestId"])
        for asked in canaries.requests(route, MARK, ids):
            headers = {name.lower().replace("-", "_"): value for name, value in asked["headers"].items()}
            body = asked.get("content", asked.get("json"))
            if "data" in asked:
                body = urlencode(asked["data"]).encode()
                headers["content_type"] = "application/x-www-form-urlencoded"
            query = f"?{urlencode(asked['params'])}" if asked["params"] else ""
            await self.send(asked["method"], asked["url"] + query, body, **headers)
        return [ids["userId"], ids["requestId"], ids["verificationId"]]

    async def talk_garbage(self) -> None:
        """Send what is no HTTP, and what is half of it."""
        for text in GARBAGE:
            connection = await Connection.open(self.client.port)
            try:
                async with asyncio.timeout(2):
                    await connection.exchange(text.encode())
            except (UnansweredError, TimeoutError):
                continue
            finally:
                connection.abort()
        half = request_bytes("POST", "/v1/users", token=self.client.token, body=profile(8))[:-10]
        connection = await Connection.open(self.client.port)
        await connection.send(half)
        connection.abort()


async def break_the_database(visitor: Visitor, world: World, user_id: str) -> None:
    """Let writes and reads with canaries fail in the database: locked, cut off, and with a row that it refuses."""
    own = f"/v1/users/{user_id}"
    async with locked(world.database_url, "users"):
        await asyncio.gather(
            visitor.send("POST", "/v1/users", profile(20)),
            visitor.send("GET", f"/v1/users?q={MARK}"),
            visitor.send("PATCH", own, {"lastName": f"{MARK} locked"}, if_match="*"),
        )
        cut = asyncio.create_task(visitor.send("POST", "/v1/users", profile(21)))
        await until(lambda: waiting_for(world.database_url, "users"), "the create waits for the table")
        await rows(
            world.database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'user-service' AND datname = current_database()",
        )
        await cut
    # The detail of this error quotes the whole row.
    await rows(world.database_url, f"ALTER TABLE users ADD CHECK (last_name <> '{MARK} refused')")
    for method, path, body in (("POST", "/v1/users", profile(22)), ("PATCH", own, {})):
        answer = await visitor.send(method, path, {**body, "lastName": f"{MARK} refused"}, if_match="*")
        assert answer is not None
        assert answer.status == 500


async def test_canaries_in_every_part_of_every_request_show_in_no_log_metric_trace_or_problem(world: World) -> None:
    with Collector().listening() as collector:
        await visit_with_traces(world, collector)
    assert {"POST /v1/users", "PATCH /v1/users/{userId}", "create_user", "transaction", "MGET"} <= collector.names
    failures = {span.words.get("error.type") for span in collector.spans}
    assert {"500", "503", "unavailable", "CheckViolation"} <= failures
    assert found_in(collector.text) == []


async def visit_with_traces(world: World, collector: Collector) -> None:
    settings: dict[str, Any] = {"TRACES_ENDPOINT": collector.url, "TRACES_SAMPLE_RATIO": "1"}
    async with running_copies(world, LOG_LEVEL="debug", DB_STATEMENT_TIMEOUT_S="0.5", **settings) as [copy]:
        async with copy.client(*ALL_SCOPES, subject=f"{MARK}|caller") as client, Client(copy.port, MARK) as stranger:
            visitor = Visitor(client)
            await register(world, NAMED)
            user = await visitor.send("POST", "/v1/users", profile())
            assert user is not None
            assert user.status == 201, user.body
            user_id = user.json()["id"]
            lost = Visitor(stranger)
            await asyncio.gather(
                visitor.write_everywhere(user_id),
                visitor.write_with_headers(user_id),
                visitor.read_everywhere(user_id),
                lost.write_with_headers(user_id),
            )
            await visitor.talk_garbage()
            await break_the_database(visitor, world, user_id)
            metrics = (await client.get("/metrics")).body.decode()
        copy.signal(signal.SIGTERM)
        assert await copy.ended() == 0
    problems = [*visitor.problems, *lost.problems]
    assert {answer.status for answer in problems} >= {400, 401, 404, 405, 406, 409, 412, 413, 415, 422, 500, 503}
    for answer in problems:
        assert found_in(answer.body.decode() + str(dict(answer.headers))) == [], answer
    log = copy.log.read_text(encoding="utf-8")
    assert found_in(log) == []
    assert user_id not in log
    assert found_in(metrics) == []
    assert user_id not in metrics
    assert user_id not in collector.text
    # The search saw what it had to see: lines of every sort, crashes among them.
    assert log.count('"event": "request"') > 500
    assert '"event": "request crashed"' in log


NAMED = {"type": "object", "properties": {f"{MARK}Key": {"type": "string"}}, "additionalProperties": False}
ANY = {"type": "object", "additionalProperties": {"type": "string"}}


async def register(world: World, schema: dict[str, Any]) -> None:
    """Allow custom attributes and one email topic."""
    await rows(
        world.database_url,
        "INSERT INTO attribute_schemas (version, document, registered_at, registered_by) VALUES (1, %s, now(), 'e2e')",
        json.dumps(schema),
    )
    await rows(
        world.database_url,
        "INSERT INTO email_topics VALUES (%s, 'News', '', false, false, '1', now())",
        TOPIC,
    )


QUOTAS: dict[str, Any] = {
    "RATE_LIMIT_SENSITIVE": "1000000/60",
    "RATE_LIMIT_ANONYMOUS": "1000000/60",
    "RATE_LIMIT_LOOKUPS": "20/3600",
}


async def test_canaries_in_every_part_of_every_operation_show_in_no_log_metric_or_problem(world: World) -> None:
    ledger = str(world.folder / "erasures.jsonl")
    async with running_copies(world, LOG_LEVEL="debug", ERASURE_LEDGER_FILE=ledger, **QUOTAS) as [copy]:
        async with copy.client(*ALL_SCOPES, subject=f"{MARK}|caller") as client:
            visitor = Visitor(client)
            # A name that stands in the schema may be told; those that callers choose may not.
            await register(world, ANY)
            ids: list[str] = []
            for first in range(0, len(ROUTES), 8):
                numbered = enumerate(ROUTES[first : first + 8], 1000 + first)
                told = await asyncio.gather(*(visitor.visit(route, number) for number, route in numbered))
                ids += [one for several in told for one in several]
            metrics = (await client.get("/metrics")).body.decode()
        copy.signal(signal.SIGTERM)
        assert await copy.ended() == 0
    assert {answer.status for answer in visitor.problems} >= {400, 401, 404, 406, 409, 412, 415, 422, 429}
    for answer in visitor.problems:
        assert answer.status < 500, answer
        assert found_in(answer.body.decode() + str(dict(answer.headers))) == [], answer
    log = copy.log.read_text(encoding="utf-8")
    for text in (log, metrics):
        assert found_in(text) == []
        assert [one for one in ids if one in text] == []
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["route"] for line in lines if "route" in line} >= {route.path for route in ROUTES}


@pytest.mark.parametrize(
    "text", [MARK.upper(), f"x{MARK}", PHONE, MARK.encode().hex(), "MDFjbnJ5cTdmMzg5", "IGNucnlxN2YzIA"]
)
def test_the_search_finds_a_canary_in_any_form(text: str) -> None:
    assert found_in(f"one line\n{text}\nanother") == [text]
