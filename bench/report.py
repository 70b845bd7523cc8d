"""The table for people and the JSON for programs."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import asdict, frozen

from bench.measure import By, Outcome

_SWITCHED_ON = (
    "One server process with everything switched on: authentication, audit, history, outbox, deliveries, metrics, "
    "and the background work. synchronous_commit is on."
)


@frozen
class Conditions:
    """Under which conditions a run was made.

    Args:
        users: rows in the users table.
        rounds: of each case.
        seconds: of each sample.
        cores: that this process may use.
        processor: its name.
        python: version.
        system: operating system.
        at: when the run began, UTC.
    """

    users: int
    rounds: int
    seconds: float
    cores: int
    processor: str
    python: str
    system: str
    at: str

    @classmethod
    def here(cls, *, users: int, rounds: int, seconds: float) -> "Conditions":
        """Return the conditions of this machine, now."""
        return cls(
            users=users,
            rounds=rounds,
            seconds=seconds,
            cores=_cores(),
            processor=_processor(),
            python=platform.python_version(),
            system=f"{platform.system()} {platform.release()}",
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def lines(self) -> list[str]:
        """Return what a reader of the table must know."""
        return [
            f"{self.cores} cores ({self.processor}), {self.system}, Python {self.python}; {self.users:,} users.",
            f"{self.rounds} rounds of {self.seconds:g} s a side, the two sides in turn.",
            "Load generator, server, PostgreSQL and Valkey share the machine: compare ratios, not absolute figures.",
            _SWITCHED_ON,
        ]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


_HEAD = ("case", "ours", "p50/p99 ms", "floor", "ratio (min - max)", "goal", "met")


def table(outcomes: Sequence[Outcome], conditions: Conditions) -> str:
    """Return the table with what a reader must know above it."""
    rows = [_HEAD, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    failures = [f"{one.case.name} could not run: {one.failure}" for one in outcomes if one.failure is not None]
    return "\n".join([*conditions.lines(), "", *lines, *failures])


def _row(outcome: Outcome) -> tuple[str, ...]:
    case = outcome.case
    goal = str(case.goal) if case.goal else ""
    if not outcome.rounds:
        return (case.name, "-", "", "-", "-", goal, "failed")
    times = "" if case.by in {By.SECONDS, By.MEMORY} else f"{outcome.p50_ms:.2f}/{outcome.p99_ms:.2f}"
    floor = "" if outcome.floor is None else _value(outcome.floor, case.by)
    met = {True: "yes", False: "no", None: ""}[outcome.met]
    return (case.name, _value(outcome.ours, case.by), times, floor, _ratio(outcome), goal, met)


def _ratio(outcome: Outcome) -> str:
    if outcome.floor is None:
        return ""
    return f"{outcome.figure:.2f} ({min(outcome.figures):.2f} - {max(outcome.figures):.2f})"


def _value(value: float, by: By) -> str:
    match by:
        case By.RATE:
            return f"{value:,.0f} {by}"
        case By.SECONDS:
            return f"{value:.3f} {by}"
        case _:
            return f"{value:,.2f} {by}"


def write_json(path: Path, outcomes: Sequence[Outcome], conditions: Conditions) -> None:
    """Write everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"conditions": asdict(conditions), "cases": [_object(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _object(outcome: Outcome) -> dict[str, object]:
    case = outcome.case
    found: dict[str, object] = {"name": case.name, "title": case.title, "floor": case.floor, "unit": case.by.value}
    if case.goal is not None:
        found["goal"] = asdict(case.goal)
    if outcome.failure is not None:
        return found | {"failure": outcome.failure}
    return found | {
        "ours": outcome.ours,
        "oursP99Ms": outcome.p99_ms,
        "floorValue": outcome.floor,
        "figure": outcome.figure,
        "figures": outcome.figures,
        "met": outcome.met,
        "rounds": [asdict(one) for one in outcome.rounds],
    }
