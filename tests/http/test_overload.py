"""Overload, time limits, lost parts, health and metrics."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from tests.http.api import State, a_core, always_ready, serving
from tests.http.problems import problem_of
from user_http.exchange import SCOPE_KEY, Exchange
from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.ids import UserId
from usercore.users.ports import ProfileDocument

ID = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"


@define
class Gate:
    """Profiles that wait until the gate is opened."""

    opened: asyncio.Event = field(factory=asyncio.Event)
    waiting: int = 0

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:  # noqa: ARG002 -- the port
        self.waiting += 1
        await self.opened.wait()
        return {}


@frozen
class Failing:
    """Profiles that cannot be had."""

    error: BaseException

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:  # noqa: ARG002 -- the port
        raise self.error


async def until(condition: Any, seconds: float = 5.0) -> None:
    """Wait for a condition, for a bounded time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- a condition of the code under test
            await asyncio.sleep(0)


async def test_more_requests_than_allowed_are_refused_at_once_and_health_is_not(
    tmp_path: Path, read_lane: bool
) -> None:
    gate = Gate()
    core = a_core(profiles=gate)
    async with serving(tmp_path, core=core, max_in_flight=3, read_lane=read_lane) as api:
        held = [asyncio.create_task(api.client.get(f"/v1/users/{ID}")) for _ in range(3)]
        await until(lambda: gate.waiting == 3)
        for method, url in (("GET", f"/v1/users/{ID}"), ("POST", "/v1/users"), ("GET", "/v1/nothing")):
            refused = await api.client.request(method, url)
            problem_of(refused, 503, "overloaded")
            assert refused.headers["retry-after"] == "1"
        for url in ("/health/live", "/health/ready", "/metrics", "/openapi.json"):
            assert (await api.client.get(url)).status_code == 200
        gate.opened.set()
        assert {(await one).status_code for one in held} == {404}
        assert (await api.client.get(f"/v1/users/{ID}")).status_code == 404


async def test_a_request_that_takes_too_long_is_given_up(tmp_path: Path, read_lane: bool) -> None:
    core = a_core(profiles=Gate())
    async with serving(tmp_path, core=core, request_timeout_s=0.05, read_lane=read_lane) as api:
        response = await api.client.get(f"/v1/users/{ID}")
        problem_of(response, 503, "request_timed_out")
        assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (ExhaustedError(), 503, "exhausted", "1"),
        (UnavailableError(retry_after_s=2.5), 503, "unavailable", "3"),
        (RuntimeError("a value"), 500, "internal_error", None),
        (TimeoutError("a value"), 500, "internal_error", None),
        (RecursionError("a value"), 500, "internal_error", None),
    ],
)
async def test_a_part_that_fails_gives_a_problem(
    tmp_path: Path, read_lane: bool, error: BaseException, status: int, code: str, retry: str | None
) -> None:
    async with serving(tmp_path, core=a_core(profiles=Failing(error)), read_lane=read_lane) as api:
        response = await api.client.get(f"/v1/users/{ID}")
        problem_of(response, status, code)
        assert response.headers.get("retry-after") == retry
        assert "a value" not in response.text


async def test_liveness_asks_nobody(tmp_path: Path) -> None:
    async def dead() -> State:
        raise AssertionError

    async with serving(tmp_path, core=a_core(profiles=Failing(UnavailableError())), readiness=dead) as api:
        response = await api.client.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_readiness_tells_how_the_parts_stand(tmp_path: Path) -> None:
    async def broken() -> State:
        return State(ready=False, parts={"database": "down"})

    async with serving(tmp_path) as api:
        assert (await api.client.get("/health/ready")).json() == {
            "ready": True,
            "parts": {"database": "ok", "cache": "off"},
        }
    async with serving(tmp_path, readiness=broken) as api:
        body = problem_of(await api.client.get("/health/ready"), 503, "not_ready")
        assert body["parts"] == {"database": "down"}


async def test_a_copy_that_drains_is_not_ready_but_serves_and_closes_connections(
    tmp_path: Path, read_lane: bool
) -> None:
    async with serving(tmp_path, read_lane=read_lane) as api:
        user = await api.create()
        assert "connection" not in (await api.client.get(f"/v1/users/{user['id']}")).headers
        api.lifecycle.draining = True
        problem_of(await api.client.get("/health/ready"), 503, "not_ready")
        served = await api.client.get(f"/v1/users/{user['id']}")
        assert (served.status_code, served.headers["connection"]) == (200, "close")
        assert (await api.client.get("/health/live")).status_code == 200


async def test_metrics_name_templates_and_never_paths(tmp_path: Path, read_lane: bool) -> None:
    async with serving(tmp_path, read_lane=read_lane, readiness=always_ready) as api:
        user = await api.create()
        for path in (f"/v1/users/{user['id']}", f"/v1/users/{user['id']}/email-preferences", "/secret/path"):
            await api.client.get(path)
        await api.client.request("BREW", "/v1/users")
        text = (await api.client.get("/metrics")).text
    for labels in (
        'method="POST",route="/v1/users",status="201"',
        'method="GET",route="/v1/users/{userId}",status="200"',
        'method="GET",route="/v1/users/{userId}/email-preferences",status="200"',
        'method="GET",route="unmatched",status="404"',
        'method="OTHER",route="unmatched",status="405"',
    ):
        assert f"user_service_http_request_seconds_count{{{labels}}} 1.0" in text
    assert "user_service_http_requests_in_flight 1.0" in text
    assert user["id"] not in text
    assert "secret" not in text


async def test_a_client_that_leaves_in_the_middle_stores_nothing_and_is_counted(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        sent: list[Any] = []
        messages = iter(
            [{"type": "http.request", "body": b'{"email":', "more_body": True}, {"type": "http.disconnect"}]
        )

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"authorization", _token(api))]
        scope: Any = {
            "type": "http",
            "method": "POST",
            "path": "/v1/users",
            "raw_path": b"/v1/users",
            "query_string": b"",
            "headers": headers,
            "state": {},
        }
        await api.app(scope, receive, send)
        assert sent == []
        assert api.footprint() == (0, 0, 0, 0, 0, 0)
        exchange = scope[SCOPE_KEY]
        assert isinstance(exchange, Exchange)
        assert 'route="/v1/users",status="499"' in api.metrics.scrape().decode()


def _token(api: Any) -> bytes:
    return str(api.client.headers["authorization"]).encode()


async def test_what_the_framework_refuses_is_a_problem_too(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        problem_of(await api.client.get("/nothing/here"), 404, "route_not_found")
        refused = await api.client.put(f"/v1/users/{ID}")
        problem_of(refused, 405, "method_not_allowed")
        assert refused.headers["allow"] == "GET, OPTIONS, PATCH"
        options = await api.client.options("/v1/users")
        assert (options.status_code, options.headers["allow"]) == (204, "GET, OPTIONS, POST")
        hostile = await api.client.get("/v1/users", headers={"Host": "a b"})
        problem_of(hostile, 400, "request_malformed")


@pytest.mark.parametrize(
    ("accept", "served"),
    [
        (None, True),
        ("*/*", True),
        ("application/json", True),
        ("application/*;q=0.1, text/html", True),
        ("text/html, application/JSON ; q=0.5", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/xml, */*;q=0.0", False),
    ],
)
async def test_json_is_served_where_it_will_do(
    tmp_path: Path, read_lane: bool, accept: str | None, served: bool
) -> None:
    async with serving(tmp_path, read_lane=read_lane) as api:
        user = await api.create()
        api.client.headers.pop("accept")
        headers = {} if accept is None else {"Accept": accept}
        response = await api.client.get(f"/v1/users/{user['id']}", headers=headers)
        if served:
            assert response.status_code == 200
        else:
            problem_of(response, 406, "not_acceptable")
