"""One trace runs from a caller through every part of a deployment, to whoever listens, and back."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from tests.e2e.harness.copies import World
from tests.e2e.harness.deployment import Deployment, deployed
from tests.e2e.harness.neighbours import Neighbours, done, neighbours
from tests.e2e.harness.waiting import until_so
from tests.stream.harness.people import new_user, order
from tests.stream.harness.wire import header
from tests.traces import CALLER, TRACE, Collector, Received

SECOND = "af7651916cd43dd8448eb211c80319c2"
TRACES = {"TRACES_SAMPLE_RATIO": "0", "DELIVERY_INTERVAL_S": "0.1"}
STEPS = {
    ("POST /v1/users", ""),
    ("create_user", "POST /v1/users"),
    ("commit changes", "create_user"),
    ("EVALSHA fence", "commit changes"),
    ("transaction", "commit changes"),
    ("send user-created", "create_user"),
    ("deliver to authentication", "create_user"),
    ("PUT", "deliver to authentication"),
    ("process update-user", "send user-created"),
    ("update_user", "process update-user"),
    ("send user-updated", "update_user"),
    ("commit changes", "update_user"),
    ("read profiles", "read_profile"),
}
"""Spans of one trace, each with the one that it stands within."""


@pytest.fixture
def around() -> Iterator[Neighbours]:
    with neighbours() as found:
        yield found


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector().listening() as found:
        yield found


async def traced_event(deployment: Deployment, topic: str, trace: str) -> str:
    """Return the header of the only event in a topic, once it is there, which must be of a trace."""
    [record] = await deployment.wire.until_records(topic, 1)
    said = header(record, "traceparent")
    assert said is not None
    assert said.split("-")[1] == trace
    return said


def steps(spans: Iterable[Received], trace: str) -> set[tuple[str, str]]:
    """Return the names of a trace's spans, each with that of the span that it stands within."""
    own = [span for span in spans if span.trace == trace]
    by_id = {span.id: span.name for span in own}
    return {(span.name, by_id.get(span.parent, "")) for span in own}


async def test_one_trace_holds_a_request_its_event_and_what_a_consumer_makes_of_it(
    world: World, kafka_bootstrap: str, around: Neighbours, collector: Collector
) -> None:
    settings: Mapping[str, Any] = around.settings() | TRACES | {"TRACES_ENDPOINT": collector.url}
    async with deployed(world, kafka_bootstrap, **settings) as deployment, deployment.copy.client() as client:
        body = new_user() | {"lastName": "Canary"}
        created = await client.request("POST", "/v1/users", body, headers={"traceparent": CALLER})
        user_id = created.json()["id"]
        assert created.status == 201
        # A neighbour hears of the user, and goes on with the trace by sending a command.
        heard = await traced_event(deployment, "user-created", TRACE)
        go_on = [("traceparent", heard.encode())]
        command = {"userId": user_id, "firstName": "Amazing"}
        await deployment.wire.send("update-user", command, key=user_id, headers=go_on)
        await traced_event(deployment, "user-updated", TRACE)
        # Another trace, begun by messages: one that is refused, and one that is a fact.
        begun = [("traceparent", f"00-{SECOND}-00f067aa0ba902b7-01".encode())]
        refused = {"userId": user_id, "email": "nobody"}
        await deployment.wire.send("update-user", refused, key=user_id, headers=begun)
        await deployment.wire.send("order-placed", order(user_id), headers=begun)
        await traced_event(deployment, "user-command-rejected", SECOND)
        await until_so(lambda: len(done(around.audit, user_id)) == 2, "the neighbours were told of both changes")
        cached = await client.request("GET", f"/v1/users/{user_id}", headers={"traceparent": CALLER})
        assert cached.status == 200
        await deployment.wire.until_done(["order-placed", "update-user"])
    found = steps(collector.spans, TRACE)
    assert found >= STEPS, STEPS - found
    assert {"MGET", "SELECT users"} <= collector.names
    assert any(name.startswith("INSERT users INSERT outbox") and by == "transaction" for name, by in found)
    told = {one.headers.get("traceparent", "")[3:35] for one in around.requests()}
    assert told == {TRACE}
    assert steps(collector.spans, SECOND) >= {
        ("send user-command-rejected", "process update-user"),
        ("record_facts.many", "process order-placed"),
    }
    assert {span.trace for span in collector.spans} == {TRACE, SECOND}, "nothing else was to be recorded"
    assert {span.service for span in collector.spans} == {"user-service"}
    for word in (user_id, "Amazing", "Canary", body["email"]):
        assert word not in collector.text
    assert f'"trace_id": "{TRACE}"' in deployment.logs()
