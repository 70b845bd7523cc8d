"""A frame on a terminal, and as JSON."""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import asdict
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from user_cli.output import clean
from user_cli.top.frames import DeliveryLine, Frame
from usercore.codec.scalars import camel

__all__ = ["frame_object", "frame_text", "frame_view"]

_NOTHING: Final = "–"  # noqa: RUF001 - a dash is what stands for no number
_ALARM: Final = "bold red"
_ROUTES_MAX: Final = 12
_FAILURES_MAX: Final = 8
_PIPED_WIDTH: Final = 100
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def frame_object(frame: Frame) -> dict[str, object]:
    """Return a frame as a JSON object."""
    return {**_camel(asdict(frame)), "failures": [{"what": what, "perSecond": rate} for what, rate in frame.failures]}


def _camel(value: dict[str, object]) -> dict[str, object]:
    return {camel(name): _inner(inner) for name, inner in value.items()}


def _inner(value: object) -> object:
    match value:
        case dict():
            return _camel(value)
        case list() | tuple():
            return [_inner(one) for one in value]
        case float():
            return round(value, 6)
        case _:
            return value


def frame_text(frame: Frame) -> str:
    """Return a frame as lines of text without colours."""
    console = Console(width=_PIPED_WIDTH, highlight=False, markup=False, emoji=False, color_system=None, record=True)
    with console.capture() as captured:
        console.print(frame_view(frame))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def frame_view(frame: Frame) -> RenderableType:
    """Return what shows a frame, as wide as there is room."""
    parts: list[RenderableType] = [_head(frame), Text()]
    parts.append(Columns([_waiting(frame), _standing(frame)], padding=(0, 4)))
    parts += [Text(), _deliveries(frame.backlog.deliveries), Text(), _copies(frame), Text(), _routes(frame)]
    if frame.streams:
        rows = ([one.topic, _rate(one.per_second), f"{one.lag:,}"] for one in frame.streams)
        parts += [Text(), _table(("TOPIC", "MESSAGES/S", "LAG"), rows)]
    if frame.failures:
        failed = ([Text(clean(what), style=_ALARM), _rate(rate)] for what, rate in frame.failures[:_FAILURES_MAX])
        parts += [Text(), _table(("FAILS", "/S"), failed)]
    return Group(*parts)


def _head(frame: Frame) -> Text:
    answering = sum(copy.trouble is None for copy in frame.copies)
    copies = f"{answering} of {len(frame.copies)} copies answer"
    head = Text("User Service", style="bold")
    head.append(f"  {copies}", style="" if answering == len(frame.copies) else _ALARM)
    head.append(f"  {_rate(frame.per_second)} requests/s")
    head.append(f"  {_rate(frame.errors_per_second)} errors/s", style=_ALARM if frame.errors_per_second else "")
    head.append(f"  {_rate(frame.refused_per_second)} refused/s  over {frame.seconds:.1f} s")
    return head


def _waiting(frame: Frame) -> Table:
    backlog = frame.backlog
    oldest = "" if backlog.outbox_oldest_s is None else f", the oldest {_age(backlog.outbox_oldest_s)}"
    return _pairs(
        ("outbox", f"{backlog.outbox:,} waiting{oldest}", False),
        ("published", f"{_rate(frame.published_per_second)}/s, lag p99 {_ms(frame.relay_lag_s)}", False),
        ("dead letters", f"{backlog.dead_letters:,}", backlog.dead_letters > 0),
        ("parked", f"{backlog.parked:,}", False),
        ("privacy overdue", f"{backlog.overdue:,}", backlog.overdue > 0),
    )


def _standing(frame: Frame) -> Table:
    hits = _NOTHING if frame.cache_hits is None else f"{100 * frame.cache_hits:.1f} %"
    pools = [
        (f"pool {one.name.replace('_', ' ')}", f"{one.in_use} of {one.size}", 0 < one.size <= one.in_use)
        for one in frame.pools
    ]
    misses = f"{hits}, {_rate(frame.cache_misses_per_second)} missed/s"
    return _pairs(("cache hits", misses, False), *pools)


def _deliveries(lines: Sequence[DeliveryLine]) -> Table:
    rows = (
        [
            one.recipient,
            f"{one.waiting:,}",
            _age(one.oldest_s),
            Text(f"{one.failed:,}", style=_ALARM if one.failed else ""),
            Text(one.breaker or _NOTHING, style=_ALARM if one.breaker in {"open", "half open"} else ""),
        ]
        for one in lines
    )
    return _table(("DELIVERIES TO", "WAITING", "OLDEST", "FAILED", "BREAKER"), rows)


def _copies(frame: Frame) -> Table:
    rows = (
        [one.url, f"{one.in_flight:,}", _rate(one.per_second), Text(one.trouble or "ok", _ALARM if one.trouble else "")]
        for one in frame.copies
    )
    return _table(("COPY", "IN FLIGHT", "REQUESTS/S", "STATE"), rows)


def _routes(frame: Frame) -> Table:
    rows = (
        [
            f"{one.method} {one.route}",
            _rate(one.per_second),
            Text(_rate(one.errors_per_second), style=_ALARM if one.errors_per_second else ""),
            _ms(one.p50_s),
            _ms(one.p99_s),
        ]
        for one in frame.routes[:_ROUTES_MAX]
    )
    return _table(("ROUTE", "REQUESTS/S", "ERRORS/S", "P50", "P99"), rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
    return table


def _pairs(*pairs: tuple[str, str, bool]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, value, alarming in pairs:
        table.add_row(Text(clean(name)), Text(clean(value), style=_ALARM if alarming else ""))
    return table


def _rate(per_second: float) -> str:
    return f"{per_second:,.1f}"


def _ms(seconds: float | None) -> str:
    return _NOTHING if seconds is None else f"{seconds * 1000:,.1f} ms"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < _HOUR_S else f"{seconds / _HOUR_S:.1f} h"
