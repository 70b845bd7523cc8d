"""The load generator sends what it should, looks at every answer, and counts right."""

import itertools

import pytest

from bench.load import LoadFailedError, LoadPlan, LoadResult, run_load
from bench.load.client import percentile, result_of
from tests.bench.servers import answering, ok

REQUEST = "GET /users/@ID@ HTTP/1.1\r\nHost: here\r\n\r\n"


async def test_every_answer_is_counted_once() -> None:
    async with answering(lambda _head, _n: ok(b"seven b")) as asked:
        result = await run_load(LoadPlan(asked.port, REQUEST, connections=4, seconds=0.2, warmup_s=0))
    assert result.count == len(asked.heads)
    assert result.body_bytes == 7 * result.count
    assert asked.connections == 4


async def test_warming_up_is_not_counted() -> None:
    async with answering(lambda _head, _n: ok()) as asked:
        result = await run_load(LoadPlan(asked.port, REQUEST, connections=2, seconds=0.1, warmup_s=0.1))
    assert 0 < result.count < len(asked.heads)


@pytest.mark.parametrize("status", [b"500 Internal Server Error", b"404 Not Found", b"201 Created"])
async def test_an_answer_with_another_status_fails_the_load(status: bytes) -> None:
    bad = b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\nquick"
    async with answering(lambda _head, n: bad if n == 20 else ok()) as asked:
        with pytest.raises(LoadFailedError, match=status.decode()):
            await run_load(LoadPlan(asked.port, REQUEST, connections=2, seconds=5))


async def test_a_connection_that_is_closed_fails_the_load() -> None:
    def answer(_head: bytes, n: int) -> bytes:
        if n == 5:
            raise ConnectionError
        return ok()

    async with answering(answer) as asked:
        with pytest.raises(LoadFailedError, match="closed a connection"):
            await run_load(LoadPlan(asked.port, REQUEST, connections=2, seconds=5))


async def test_more_bytes_than_the_answer_has_fail_the_load() -> None:
    async with answering(lambda _head, _n: ok() + b"!") as asked:
        with pytest.raises(LoadFailedError, match="nobody asked for"):
            await run_load(LoadPlan(asked.port, REQUEST, connections=1, seconds=5))


async def test_an_answer_without_a_length_fails_the_load() -> None:
    async with answering(lambda _head, _n: b"HTTP/1.1 200 OK\r\n\r\n{}") as asked:
        with pytest.raises(LoadFailedError, match="no Content-Length"):
            await run_load(LoadPlan(asked.port, REQUEST, connections=1, seconds=5))


async def test_nobody_listening_fails_the_load() -> None:
    async with answering(lambda _head, _n: ok()) as asked:
        port = asked.port
    with pytest.raises(LoadFailedError, match="nobody listens"):
        await run_load(LoadPlan(port, REQUEST, seconds=0.1))


def test_connections_share_the_ids_and_each_goes_round_its_own() -> None:
    plan = LoadPlan(1, "@ID@", ids=("a", "b", "c", "d", "e"), connections=2)
    assert list(itertools.islice(plan.requests(0), 6)) == [b"a", b"c", b"e", b"a", b"c", b"e"]
    assert list(itertools.islice(plan.requests(1), 5)) == [b"b", b"d", b"b", b"d", b"b"]


def test_the_version_of_an_id_grows_by_one_with_each_request_for_it() -> None:
    plan = LoadPlan(1, '@ID@ "@VERSION@"', ids=("a", "b", "c"), versions=(1, 5, 7), connections=2)
    assert list(itertools.islice(plan.requests(0), 4)) == [b'a "1"', b'c "7"', b'a "2"', b'c "8"']
    assert list(itertools.islice(plan.requests(1), 2)) == [b'b "5"', b'b "6"']


def test_no_number_comes_twice() -> None:
    plan = LoadPlan(1, "@NUMBER@,@NUMBER@", first_number=100, connections=3)
    taken = [one for connection in range(3) for one in itertools.islice(plan.requests(connection), 50)]
    assert len(set(taken)) == 150
    assert taken[1] == b"000000000103,000000000103"


def test_a_plan_and_a_result_survive_the_way_to_the_process_and_back() -> None:
    plan = LoadPlan(8080, REQUEST, status=201, ids=("a", "ü"), versions=(3, 4), first_number=7, seconds=0.5)
    assert LoadPlan.read(plan.write()) == plan
    result = LoadResult(3, 0.5, 1.0, 2.0, 3.0, 40)
    assert LoadResult.read(result.write()) == result


def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert percentile(hundred, 0.50) == 50.0
    assert percentile(hundred, 0.99) == 99.0
    assert percentile([4.0], 0.99) == 4.0
    assert percentile([1.0, 2.0, 3.0], 0.50) == 2.0


def test_a_result_has_rates_and_times_in_their_units() -> None:
    result = result_of([0.001, 0.002, 0.004], seconds=0.5, body_bytes=9)
    assert (result.per_second, result.p50_ms, result.longest_ms) == (6.0, 2.0, 4.0)
