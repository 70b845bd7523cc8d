"""No personal data in logs, metrics or problem documents, whatever goes wrong."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.http.api import JSON, Api, a_core, serving
from tests.http.tokens import token
from usercore.observe.logs import configure_logs
from usercore.settings import TelemetrySettings
from usercore.settings.sections import LogFormat, LogLevel

CANARY = "canary4711"
ID = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, down to debug level."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    configure_logs(TelemetrySettings(log_level=LogLevel.DEBUG, log_format=LogFormat.JSON), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def body(**more: Any) -> dict[str, Any]:
    return {"email": f"{CANARY}@example.com", "firstName": CANARY, "lastName": CANARY} | more


def hostile() -> list[dict[str, Any]]:
    """Give requests that fail in every way there is, each with the canary somewhere."""
    user = f"/v1/users/{ID}"
    match = {"If-Match": "*"}
    patches: list[Any] = [
        {"email": CANARY},
        {CANARY: 1},
        {"firstName": CANARY * 10},
        {"firstName": [CANARY]},
        {"address": {CANARY: CANARY}},
        {"attributes": {CANARY: CANARY}},
        {"timeZone": CANARY, "locale": f"{CANARY}-{CANARY}", "phoneNumber": CANARY, "birthDate": CANARY},
        [CANARY],
        CANARY,
    ]
    raw = [f'{{"{CANARY}":1,"{CANARY}":2}}', f'"{CANARY}', f'{{"{CANARY}":"\\u0000"}}', f'["{CANARY}\xff"]']
    return [
        *({"method": "PATCH", "url": user, "json": one, "headers": match} for one in patches),
        *({"method": "POST", "url": "/v1/users", "json": one} for one in patches),
        *({"method": "POST", "url": "/v1/users", "content": one.encode("latin-1"), "headers": JSON} for one in raw),
        {"method": "POST", "url": "/v1/users", "json": body(password=CANARY[:7])},
        {"method": "POST", "url": "/v1/users", "json": body(username=f"x {CANARY}")},
        {"method": "POST", "url": "/v1/users", "content": CANARY, "headers": {"Content-Type": f"text/{CANARY}"}},
        {"method": "POST", "url": "/v1/users", "json": body(), "headers": {"Idempotency-Key": f"{CANARY} {CANARY}"}},
        {"method": "POST", "url": "/v1/users/update", "json": {"userId": CANARY}},
        {"method": "POST", "url": "/v1/users/deactivate", "json": {"userId": CANARY, "reason": CANARY * 60}},
        {"method": "PATCH", "url": f"{user}/email-preferences", "json": {"topics": {CANARY: {"subscribed": True}}}},
        {"method": "PATCH", "url": f"{user}/email-preferences", "json": {"topics": {CANARY: {CANARY: 1}}}},
        {"method": "PATCH", "url": user, "json": {}, "headers": {"If-Match": CANARY}},
        {"method": "GET", "url": f"/v1/users/{CANARY}"},
        {"method": "GET", "url": f"/v1/users/{CANARY}@example.com/history"},
        {"method": "GET", "url": f"/v1/users/{CANARY}@example.com/activity?kind={CANARY}&cursor={CANARY}"},
        {"method": "GET", "url": f"/{CANARY}"},
        {"method": "DELETE", "url": f"/v1/users/{CANARY}"},
        {"method": "GET", "url": "/v1/users", "params": {CANARY: CANARY}},
        {"method": "GET", "url": "/v1/users", "params": {"email": CANARY}},
        {"method": "GET", "url": "/v1/users", "params": {"cursor": CANARY, "sort": CANARY}},
        {"method": "GET", "url": "/v1/users", "params": {"cursor": CANARY}},
        {"method": "GET", "url": "/v1/users", "params": {"createdAfter": CANARY}},
        {"method": "GET", "url": f"/v1/users?q={CANARY}%ff"},
        {"method": "GET", "url": "/v1/users/get", "params": {"email": CANARY}},
        {"method": "GET", "url": "/v1/users/get", "params": {"username": CANARY}},
        {"method": "GET", "url": "/v1/users?x=1", "headers": {"X-Request-Id": f"{CANARY}@example.com"}},
        {"method": "GET", "url": "/v1/users", "headers": {"Authorization": f"Bearer {CANARY}"}},
        {"method": "GET", "url": user, "headers": {"Authorization": f"Bearer {token('', CANARY)}"}},
        {"method": "GET", "url": "/v1/users", "headers": {"Authorization": f"Bearer {token('', CANARY)}"}},
        {"method": "GET", "url": "/v1/users", "headers": {"Accept": f"text/{CANARY}"}},
        {"method": "GET", "url": "/v1/users", "headers": {"Host": f"{CANARY} x"}},
    ]


async def test_no_refusal_repeats_what_was_sent(api: Api, logs: io.StringIO) -> None:
    for asked in hostile():
        response = await api.client.request(**asked)
        assert 400 <= response.status_code < 500, (asked, response.text)
        assert CANARY not in response.text, asked
        assert CANARY not in str(response.headers), asked
    metrics = (await api.client.get("/metrics")).text
    assert CANARY not in metrics
    assert CANARY not in logs.getvalue()
    assert logs.getvalue().count('"event": "request"') == len(hostile()) + 1


async def test_no_success_and_no_conflict_reaches_the_logs(api: Api, logs: io.StringIO) -> None:
    user = (await api.client.post("/v1/users", json=body(password=f"{CANARY}{CANARY}"))).json()
    conflict = await api.client.post("/v1/users", json=body())
    assert conflict.status_code == 409
    assert CANARY not in conflict.text
    path = f"/v1/users/{user['id']}"
    await api.client.get(path)
    await api.client.get("/v1/users", params={"q": CANARY})
    await api.client.post(f"{path}/deactivate", json={"reason": CANARY})
    lines = [json.loads(line) for line in logs.getvalue().splitlines()]
    assert {line["route"] for line in lines if line["event"] == "request"} == {
        "/v1/users",
        "/v1/users/{userId}",
        "/v1/users/{userId}/deactivate",
    }
    assert CANARY not in logs.getvalue()
    assert user["id"] not in logs.getvalue()


class Leaky:
    """A writer whose errors quote what was to be written, as a driver's do."""

    async def commit(self, changes: Any) -> Any:
        message = f"Key (email)=({changes[0].user.profile.email.address}) already exists"
        raise RuntimeError(message)


async def test_a_crash_shows_where_and_not_what(tmp_path: Path, logs: io.StringIO) -> None:
    async with serving(tmp_path, core=a_core(writer=Leaky())) as api:
        response = await api.client.post("/v1/users", json=body(), headers={"X-Request-Id": "request-1"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert CANARY not in response.text
    assert CANARY not in logs.getvalue()
    crash = next(json.loads(line) for line in logs.getvalue().splitlines() if "request crashed" in line)
    assert (crash["error"], crash["request_id"]) == ("RuntimeError", "request-1")
