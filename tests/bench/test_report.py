"""The table and the JSON say what was measured, and no more."""

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bench.lab import Lab
from bench.measure import By, Case, Goal, Outcome, Round, Sample, Sides, measure
from bench.report import Conditions, table, write_json

CONDITIONS = Conditions(
    users=2_000,
    rounds=3,
    seconds=0.5,
    cores=2,
    processor="a processor",
    python="3.13.0",
    system="Linux",
    at="2026-01-01T00:00:00+00:00",
)


def never(_: Lab) -> AbstractAsyncContextManager[Sides]:
    raise AssertionError


def case(by: By = By.RATE, goal: Goal | None = None) -> Case:
    return Case("read", "reading", "a floor", by, goal, never)


def sample(per_second: float, p99_ms: float = 2.0) -> Sample:
    return Sample(per_second, p50_ms=1.0, p99_ms=p99_ms, count=10)


def rounds(*pairs: tuple[float, float]) -> tuple[Round, ...]:
    return tuple(Round(sample(ours), sample(floor)) for ours, floor in pairs)


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    outcome = Outcome(case(), rounds((50, 100), (90, 100), (10, 100)))
    assert outcome.figure == 0.5
    assert (min(outcome.figures), max(outcome.figures)) == (0.1, 0.9)


def test_cost_is_the_inverse_of_the_rate() -> None:
    outcome = Outcome(case(By.COST), rounds((1_000, 2_000)))
    assert outcome.ours == 1_000.0
    assert outcome.figure == 2.0


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(at_least=0.5), True),
        (Goal(at_least=0.51), False),
        (Goal(at_most=0.5), True),
        (Goal(at_most=0.49), False),
        (Goal(at_least=0.5, p99_ms=2), True),
        (Goal(at_least=0.5, p99_ms=1.9), False),
        (None, None),
    ],
)
def test_a_goal_is_met_within_all_its_bounds(goal: Goal | None, met: bool | None) -> None:
    assert Outcome(case(goal=goal), rounds((50, 100))).met is met


def test_without_a_floor_the_value_itself_is_held_against_the_goal() -> None:
    outcome = Outcome(case(By.SECONDS, Goal(at_most=5)), (Round(sample(0.25), None),))
    assert outcome.figure == 4.0
    assert outcome.met is True
    assert outcome.floor is None


def test_the_table_has_a_line_for_each_case_and_says_which_failed() -> None:
    failed = Outcome(case(), (), failure="no server")
    text = table([Outcome(case(goal=Goal(at_least=0.4)), rounds((50, 100), (50, 100))), failed], CONDITIONS)
    lines = text.splitlines()
    assert lines[0] == "2 cores (a processor), Linux, Python 3.13.0; 2,000 users."
    assert "read  50 /s  1.00/2.00   100 /s  0.50 (0.50 - 0.50)  ≥ 0.4  yes" in lines
    assert any(line.startswith("read") and line.endswith("failed") for line in lines)
    assert lines[-1] == "read could not run: no server"


def test_the_json_has_every_sample(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    write_json(path, [Outcome(case(goal=Goal(at_least=0.4)), rounds((50, 100)))], CONDITIONS)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["conditions"]["cores"] == 2
    [one] = found["cases"]
    assert (one["name"], one["figure"], one["met"], one["unit"]) == ("read", 0.5, True, "/s")
    assert one["rounds"][0]["floor"] == {
        "per_second": 100,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "count": 10,
        "more_mib": 0.0,
    }


async def test_the_two_sides_take_turns_in_going_first() -> None:
    taken: list[str] = []

    async def ours(_: float) -> Sample:
        taken.append("ours")
        return sample(1)

    async def floor(_: float) -> Sample:
        taken.append("floor")
        return sample(2)

    outcome = await measure(case(), Sides(ours, floor), rounds=3, seconds=0.1)
    assert taken == ["ours", "floor", "floor", "ours", "ours", "floor"]
    assert outcome.figures == [0.5, 0.5, 0.5]
