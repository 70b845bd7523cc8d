"""`userctl top`: what a running service does, from two looks at it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve

from tests.cli.userctl import Userctl
from tests.http.live import live_server
from user_cli.embedded.process import free_port
from user_cli.top.frames import Backlog, Copy, DeliveryLine, Frame, Pool, RouteLine, StreamLine, frame_of, quantile
from user_cli.top.scrapes import Scrape, read_scrape
from user_cli.top.views import frame_object, frame_text
from usercore.observe.metrics import Metrics, PoolUse

URL = "http://127.0.0.1:8080"
ROUTE = "/v1/users/{userId}"
NOTHING = Backlog(0, None, (), 0, 0, 0)


def near(number: float) -> Any:
    return pytest.approx(number)


def scraped(metrics: Metrics, at: float, url: str = URL) -> Scrape:
    return read_scrape(url, at, metrics.scrape().decode())


def a_busy_copy() -> tuple[Scrape, Scrape]:
    """Give two looks at a copy, ten seconds apart, between which something of everything happened."""
    metrics = Metrics()
    metrics.watch_pools(lambda: [PoolUse("database_read", 8, 8)])
    for _ in range(1000):
        metrics.http_request("GET", ROUTE, 200, 0.004)
    before = scraped(metrics, 100.0)
    for _ in range(98):
        metrics.http_request("GET", ROUTE, 200, 0.004)
    metrics.http_request("GET", ROUTE, 500, 0.3)
    metrics.http_request("GET", ROUTE, 404, 0.3)
    metrics.http_request("POST", "/v1/users", 201, 0.02)
    metrics.http_in_flight(3)
    metrics.cache_reads("hit", 30)
    metrics.cache_reads("miss", 10)
    metrics.rate_limited("read")
    metrics.use_case("get_user", "unavailable", 0.1)
    metrics.use_case("get_user", "user_not_found", 0.1)
    metrics.maintenance_failed("backlog")
    metrics.stream_message("create-user", "applied")
    metrics.stream_lag("create-user", 7)
    metrics.backlog(outbox=5)
    metrics.set_aside(parked=2, dead_letters=1)
    metrics.delivery_breaker("AUDIT", "open")
    return before, scraped(metrics, 110.0)


def a_frame(backlog: Backlog | None = None) -> Frame:
    before, after = a_busy_copy()
    return frame_of([before], [after], backlog)


def test_rates_are_of_the_time_between_two_looks() -> None:
    before, after = a_busy_copy()

    frame = frame_of([before], [after])

    assert frame.seconds == 10
    assert frame.copies == (Copy(URL, None, 3, near(10.1)),)
    assert (frame.per_second, frame.errors_per_second) == (near(10.1), near(0.1))
    assert frame.refused_per_second == near(0.1)
    busiest, other = frame.routes
    assert (busiest.method, busiest.route, busiest.per_second) == ("GET", ROUTE, near(10))
    assert busiest.errors_per_second == near(0.1)
    assert 0.0025 < busiest.p50_s <= 0.005
    assert 0.25 < busiest.p99_s <= 0.5
    assert (other.method, other.per_second) == ("POST", near(0.1))
    assert (frame.cache_hits, frame.cache_misses_per_second) == (near(0.75), near(1))
    assert frame.pools == (Pool("database_read", 8, 8),)
    assert frame.streams == (StreamLine("create-user", near(0.1), 7),)
    assert [what for what, _ in frame.failures] == ["background: backlog", "get_user: unavailable"]
    assert (frame.backlog.outbox, frame.backlog.parked, frame.backlog.dead_letters) == (5, 2, 1)
    assert frame.relay_lag_s is None


def test_copies_are_added_up_and_what_waits_is_not() -> None:
    before, after = a_busy_copy()
    other = [evolve(one, url="http://127.0.0.1:8081") for one in (before, after)]

    frame = frame_of([before, other[0]], [after, other[1]])

    assert frame.per_second == near(20.2)
    assert frame.routes[0].p99_s == near(frame_of([before], [after]).routes[0].p99_s)
    assert frame.pools == (Pool("database_read", 16, 16),)
    assert (frame.backlog.outbox, frame.cache_hits) == (5, near(0.75))


def test_a_copy_that_was_restarted_or_is_silent_gives_no_wrong_rate() -> None:
    before, after = a_busy_copy()
    silent = Scrape(URL, 110.0, trouble="does not answer")

    restarted = frame_of([after], [evolve(before, at=120.0)])
    gone = frame_of([before], [silent])
    back = frame_of([silent], [evolve(after, at=120.0)])

    assert restarted.per_second == near(100)  # the thousand since it began anew
    assert gone.copies == (Copy(URL, "does not answer", 0, 0.0),)
    assert (gone.per_second, gone.routes, gone.cache_hits, back.per_second) == (0, (), None, 0)


def test_what_the_database_says_goes_before_what_copies_counted() -> None:
    told = Backlog(12, 90.0, (DeliveryLine("AUDIT", 3, 1, 4000.0),), 4, 5, 6)

    frame = a_frame(told)

    [delivery] = frame.backlog.deliveries
    assert delivery == DeliveryLine("AUDIT", 3, 1, 4000.0, "open")
    assert evolve(frame.backlog, deliveries=()) == evolve(told, deliveries=())


@pytest.mark.parametrize(
    ("buckets", "part", "expected"),
    [
        ({}, 0.5, 0),
        ({1.0: 0, float("inf"): 0}, 0.5, 0),
        ({1.0: 10, float("inf"): 10}, 0.5, 0.5),
        ({1.0: 5, 2.0: 10, float("inf"): 10}, 0.75, 1.5),
        ({1.0: 5, float("inf"): 10}, 0.99, 1.0),
    ],
)
def test_quantiles_are_prometheus_s(buckets: dict[float, float], part: float, expected: float) -> None:
    assert quantile(buckets, part) == near(expected)


def test_a_frame_is_shown_in_a_hundred_columns_and_cannot_steer_the_terminal() -> None:
    evil = RouteLine("GET\x1b[2J", "/v1/\u202e" + "x" * 200, 1.0, 0.0, 0.01, 0.02)
    frame = a_frame(evolve(NOTHING, overdue=2))

    shown = frame_text(evolve(frame, routes=(*frame.routes, evil)))

    assert "1 of 1 copies answer  10.1 requests/s  0.1 errors/s" in shown
    assert f"GET {ROUTE}" in shown
    assert "privacy overdue  2" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert not any(character in shown for character in "\x1b\u202e\x07")


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[str]:
    """A real server that is asked something all the time."""
    ended = threading.Event()
    with live_server(tmp_path) as url:

        def ask() -> None:
            with httpx.Client(base_url=url, trust_env=False) as http:
                while not ended.wait(0.01):
                    http.get("/v1/users/0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11")

        asking = threading.Thread(target=ask)
        asking.start()
        yield url
        ended.set()
        asking.join()


def test_one_frame_of_a_running_service_and_its_database(userctl: Userctl, busy: str) -> None:
    person = '{"email": "waits@example.com", "firstName": "A", "lastName": "B"}'
    userctl.json("user", "create", "-", stdin=person)
    away = f"http://127.0.0.1:{free_port()}"
    options = ("--once", "--interval", "0.5", "--url", busy, "--url", away)

    frame = userctl.json("top", *options)
    shown = userctl("top", *options)

    [answering, silent] = frame["copies"]
    assert (answering["url"], answering["trouble"]) == (busy, None)
    assert answering["perSecond"] > 1
    assert silent["trouble"] == "does not answer"
    assert ROUTE in {route["route"] for route in frame["routes"]}
    assert frame["backlog"]["outbox"] >= 1
    assert frame["backlog"]["outboxOldestS"] > 0
    assert {one["recipient"]: one["waiting"] for one in frame["backlog"]["deliveries"]}["AUTHENTICATION"] >= 1
    assert (shown.code, shown.err) == (0, "")
    assert "1 of 2 copies answer" in shown.out
    assert "waits@example.com" not in shown.out


def test_without_a_terminal_or_a_usable_url_it_says_what_to_do(alone: Userctl) -> None:
    for arguments in ((), ("--json",), ("--once", "--url", "ftp://x"), ("--once", "--url", "http://u:secret@x")):
        done = alone("top", *arguments)

        assert (done.code, done.error.startswith("userctl: usage: ")) == (64, True)
        assert "secret" not in done.err


def test_without_a_database_the_copies_say_what_waits(alone: Userctl, busy: str) -> None:
    done = alone.json("top", "--once", "--interval", "0.2", "--url", busy)

    assert (done["backlog"]["outbox"], done["backlog"]["outboxOldestS"]) == (0, None)


def test_a_frame_is_json_of_plain_names() -> None:
    frame = a_frame()

    document = frame_object(frame)

    assert document["perSecond"] == 10.1
    assert document["failures"] == [
        {"what": "background: backlog", "perSecond": near(0.1)},
        {"what": "get_user: unavailable", "perSecond": near(0.1)},
    ]
