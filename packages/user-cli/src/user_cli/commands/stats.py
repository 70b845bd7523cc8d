"""`userctl stats`: how many users there are, since when, and of what kind."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from cyclopts import Parameter, validators

from user_cli.bars import Line, show_bars
from user_cli.commands.options import AsJson, WithDefault
from user_cli.failures import UsageError
from user_cli.output import say, show_json
from user_cli.session import open_session
from usercore.codec.scalars import timestamp
from usercore.codec.statistics import statistics_object
from usercore.statistics.read_statistics import PERIODS_MAX, Precision, StatisticsQuery
from usercore.statistics.values import Counted, Period, Statistics
from usercore.users.values import AccountState

__all__ = ["stats"]

_TOP_MAX: Final = 100
_NONE: Final = "(none)"


async def stats(
    *,
    by: Annotated[WithDefault[Period], Parameter(show_choices=False)] = Period.DAY,
    last: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=PERIODS_MAX), show_default=True)] = 14,
    top: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=_TOP_MAX), show_default=True)] = 8,
    exact: bool = False,
    estimate: bool = False,
    as_json: AsJson = False,
) -> None:
    """Show growth, account status, verification, loyalty tiers, email preferences, countries and locales.

    Up to half a million users are counted; of more, some thousands are looked at and the rest is estimated, which the
    first line says. Growth is always counted. Nothing here tells of anybody.

    ```
    userctl stats
    userctl stats --by month --last 12
    userctl stats --exact --json
    ```

    Args:
        by: what growth is told by: day, week or month, in UTC.
        last: how many of them, the current one among them.
        top: how many countries and locales to name.
        exact: count every user, however long that takes, within the database's statement timeout.
        estimate: estimate however few there are.
        as_json: write {"status": {...}, "growth": {...}, ...}.
    """
    if exact and estimate:
        raise UsageError("--exact or --estimate: one of them")
    precision = Precision.EXACT if exact else Precision.ESTIMATE if estimate else Precision.AUTO
    async with open_session() as session:
        with session.from_replicas():
            found = await session.core.read_statistics(StatisticsQuery(by, last, precision, top))
    if as_json:
        show_json(statistics_object(found))
    else:
        _show(found)


def _show(found: Statistics) -> None:
    about = "counted" if found.sampled is None else f"estimated from {found.sampled:,} of them"
    total = sum(found.states.values())
    say(f"{total:,} users at {timestamp(found.at).partition('.')[0]}Z, {about}.")
    say("")
    growth = [Line(begin.isoformat(), users) for begin, users in found.growth]
    show_bars(f"Created by {found.period.value}", growth)
    states = [(state.value, found.states.get(state, 0)) for state in AccountState]
    show_bars("Status", _shares(states, total))
    present = found.present
    verified = [
        *((channel.value, users) for channel, users in found.verified.items()),
        ("restricted", found.restricted),
    ]
    show_bars(f"Verified, of {present:,} who are active or deactivated", _shares(verified, present))
    show_bars("Loyalty tiers", _counts(found.tiers, present))
    if found.topics:
        said = (Line(one.topic, one.subscribed, _percent(one.subscribed, present)) for one in found.topics)
        show_bars("Email topics, subscribed", said, longest=present)
    show_bars("Countries", _counts(found.countries, present))
    show_bars("Locales", _counts(found.locales, present))


def _counts(counts: Iterable[Counted], whole: int) -> list[Line]:
    return list(_shares(((_NONE if one.name is None else one.name, one.users) for one in counts), whole))


def _shares(numbers: Iterable[tuple[str, int]], whole: int) -> Iterator[Line]:
    return (Line(name, number, _percent(number, whole)) for name, number in numbers)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"  # noqa: RUF001 - a dash is what stands for no number
