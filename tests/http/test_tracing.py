"""A request is a span within its caller's trace, on the lane and on the router; nobody's path shows in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.api import Api, a_core, serving
from tests.traces import CALLER, TRACE, UNCHOSEN, Recording, traceparent, words
from usercore.observe.metrics import Metrics
from usercore.wiring.observing import observe_core

ABSENT = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
NAMED = {"traceparent": CALLER, "tracestate": "vendor=grace@example.com"}


@pytest.fixture
def recording() -> Recording:
    return Recording.begun(ratio=0)


@pytest.fixture(params=[True, False], ids=["lane", "router"])
async def api(request: pytest.FixtureRequest, tmp_path: Path, recording: Recording) -> AsyncIterator[Api]:
    core = observe_core(a_core(), Metrics(), traces=True)
    async with serving(tmp_path, core=core, tracer=recording.tracer, read_lane=request.param) as one:
        yield one


async def test_a_request_goes_on_with_its_callers_trace_down_to_its_event(api: Api, recording: Recording) -> None:
    body = {"email": "grace@example.com", "firstName": "Grace", "lastName": "Hopper"}
    created = await api.client.post("/v1/users", json=body, headers=NAMED)
    assert created.status_code == 201
    server, use_case = recording.one("POST /v1/users"), recording.one("create_user")
    assert server.parent is not None
    assert (f"{server.parent.trace_id:032x}", server.parent.is_remote) == (TRACE, True)
    assert use_case.parent == server.context
    assert (server.kind.name, server.status.is_unset) == ("SERVER", True)
    assert words(server) == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/v1/users",
        "http.response.status_code": 201,
    }
    [event] = await api.core.ports.outbox.messages(after=0, limit=10)
    assert dict(event.headers)["traceparent"] == traceparent(use_case)
    due = api.database.deliveries.values()
    assert {row.delivery.traceparent for row in due} == {traceparent(use_case)}
    assert "grace" not in recording.text()
    assert created.json()["id"] not in recording.text()


async def test_a_read_shows_its_route_and_what_was_refused(api: Api, recording: Recording) -> None:
    missing = await api.client.get(f"/v1/users/{ABSENT}", headers=NAMED)
    assert missing.status_code == 404
    server, use_case = recording.one("GET /v1/users/{userId}"), recording.one("read_profile")
    assert words(server)["http.response.status_code"] == 404
    assert words(use_case) == {"user_service.refusal": "user_not_found"}
    assert (server.status.is_unset, use_case.status.is_unset) == (True, True)
    assert ABSENT not in recording.text()


async def test_a_trace_that_the_caller_does_not_record_is_not_recorded_here_and_goes_on(
    api: Api, recording: Recording
) -> None:
    api.client.headers["traceparent"] = UNCHOSEN
    await api.create()
    [event] = await api.core.ports.outbox.messages(after=0, limit=10)
    told = dict(event.headers)["traceparent"]
    assert (told[3:35], told[-3:]) == (TRACE, "-00")
    assert recording.spans == ()


async def test_of_two_traces_for_one_request_neither_is_believed(api: Api, recording: Recording) -> None:
    both = [("traceparent", CALLER), ("traceparent", CALLER.replace(TRACE, "a" * 32))]
    missing = await api.client.get(f"/v1/users/{ABSENT}", headers=both)
    assert missing.status_code == 404
    assert recording.spans == ()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_what_looks_after_the_service_leaves_no_spans(api: Api, recording: Recording, path: str) -> None:
    await api.client.get(path, headers=NAMED)
    assert recording.spans == ()


async def test_what_the_api_does_not_know_is_told_without_its_words(api: Api, recording: Recording) -> None:
    await api.client.request("BREW", "/grace@example.com?grace=1", headers=NAMED)
    [span] = recording.spans
    assert (span.name, words(span)["http.request.method"]) == ("HTTP", "_OTHER")
    assert "http.route" not in words(span)
    assert "grace" not in recording.text().lower()
