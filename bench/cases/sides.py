"""What cases have in common: from a load to a measurement."""

import random
from collections.abc import Awaitable, Callable

from attrs import evolve

from bench.load import LoadPlan, LoadResult, run_load
from bench.measure import Measure, Sample
from bench.rows import id_of

_SEED = 20_240_229


def loading(plan: Callable[[], Awaitable[LoadPlan]]) -> Measure:
    """Return what measures a load; the plan is made anew for each sample."""

    async def measured(seconds: float) -> Sample:
        return sample_of(await run_load(evolve(await plan(), seconds=seconds)))

    return measured


def loading_always(plan: LoadPlan) -> Measure:
    """Return what measures the same load each time."""

    async def same() -> LoadPlan:
        return plan

    return loading(same)


def sample_of(result: LoadResult) -> Sample:
    """Return what a load gave, as a sample."""
    return Sample(result.per_second, result.p50_ms, result.p99_ms, result.count)


def some_ids(count: int, first: int, last: int) -> tuple[str, ...]:
    """Return ids of different users, picked evenly from a range of numbers; the same in each run."""
    numbers = range(first, last + 1)
    return tuple(id_of(n) for n in random.Random(_SEED).sample(numbers, min(count, len(numbers))))
