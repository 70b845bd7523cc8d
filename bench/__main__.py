"""Run the cases: `python -m bench`, or `nox -s bench -- --case create`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.cases import ALL
from bench.lab import Lab
from bench.measure import Case, Outcome, measure
from bench.report import Conditions, table, write_json

_DEFAULT_JSON = Path("bench-results/latest.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every case could run, whatever it measured; else 1."""
    options = _parser().parse_args(arguments)
    if options.list:
        print("\n".join(_listing()))
        return 0
    cases = [case for case in ALL if not options.case or case.name in options.case]
    conditions = Conditions.here(users=options.users, rounds=options.rounds, seconds=options.seconds)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # servers that run as another account must get through to theirs
        outcomes = asyncio.run(_run(cases, options, folder))
    write_json(options.json, outcomes, conditions)
    print(table(outcomes, conditions))
    return 1 if any(outcome.failure is not None for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the service against floors, each case as a ratio."
    )
    parser.add_argument("--list", action="store_true", help="show the cases and stop")
    names = [case.name for case in ALL]
    parser.add_argument("--case", action="append", choices=names, metavar="NAME", help="run this one; may be repeated")
    parser.add_argument("--rounds", type=_positive_int, default=5, help="of each case (%(default)s)")
    parser.add_argument("--seconds", type=_positive, default=1.0, help="of each sample (%(default)s)")
    parser.add_argument(
        "--users", type=_positive_int, default=200_000, help="in the large database; 2000000 for the full run"
    )
    parser.add_argument("--json", type=Path, default=_DEFAULT_JSON, metavar="FILE", help="(%(default)s)")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        message = "it must be more than nothing"
        raise argparse.ArgumentTypeError(message)
    return value


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        message = "it must be 1 or more"
        raise argparse.ArgumentTypeError(message)
    return value


def _listing() -> list[str]:
    width = max(len(case.name) for case in ALL)
    return [f"{case.name:<{width}}  {case.title}\n{'':<{width}}  against {case.floor}" for case in ALL]


async def _run(cases: Sequence[Case], options: argparse.Namespace, folder: Path) -> list[Outcome]:
    outcomes = []
    async with Lab.open(options.users, folder) as lab:
        for case in cases:
            print(f"{case.name}: {case.title}", file=sys.stderr, flush=True)
            outcomes.append(await _outcome(lab, case, options.rounds, options.seconds))
    return outcomes


async def _outcome(lab: Lab, case: Case, rounds: int, seconds: float) -> Outcome:
    try:
        async with case.sides(lab) as sides:
            return await measure(case, sides, rounds=rounds, seconds=seconds)
    except Exception as error:  # noqa: BLE001 -- what one case cannot do must not keep the others from running
        return Outcome(case, (), failure=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
