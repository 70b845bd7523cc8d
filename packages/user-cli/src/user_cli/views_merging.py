"""How merges look: as wire objects for programs, as rows for people."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from user_cli.output import say, show_json, show_json_page, show_pairs, show_table
from user_cli.views import flat, to_seconds
from usercore.codec.merging import merge_object, planned_merge_object
from usercore.merging.merge_users import PlannedMerge
from usercore.merging.values import Merge

__all__ = ["show_merge", "show_merges", "show_preview"]

_NOTHING: Final = "—"


def show_preview(planned: PlannedMerge, *, as_json: bool) -> None:
    """Write what a merge would bring about."""
    shown: dict[str, Any] = planned_merge_object(planned)
    if as_json:
        show_json(shown)
        return
    show_table(
        ("FIELD", "FROM", "SURVIVOR", "MERGED", "RESULT"),
        (
            (one["field"], one["from"], *(_value(one[which]) for which in ("own", "other", "result")))
            for one in shown["fields"]
        ),
        empty="The two profiles say the same.",
    )
    say("")
    show_pairs(_consequences(planned))


def _consequences(planned: PlannedMerge) -> Iterator[tuple[str, object]]:
    plan = planned.plan
    yield "facts that move", planned.facts
    yield "unsubscribed from", ", ".join(one.said.topic for one in plan.unsubscribed) or _NOTHING
    yield "consents that end", ", ".join(one.said.purpose for one in plan.withdrawn) or _NOTHING
    yield "restricted", "yes" if plan.restricted else "no"


def show_merge(merge: Merge, *, as_json: bool) -> None:
    """Write one merge."""
    shown = merge_object(merge)
    if as_json:
        show_json(shown)
    else:
        show_pairs(flat(shown))


def show_merges(merges: Iterable[Merge], *, as_json: bool) -> None:
    """Write merges, one a line."""
    if as_json:
        show_json_page(map(merge_object, merges), None)
        return
    show_table(
        ("ID", "MERGED AT", "SURVIVOR", "MERGED", "BY", "UNDONE", "REASON"),
        (_line(one) for one in merges),
        empty="No merges.",
    )


def _line(merge: Merge) -> tuple[object, ...]:
    shown: dict[str, Any] = merge_object(merge)
    undone = to_seconds(shown["undone"]["at"]) if shown["undone"] else _NOTHING
    return (merge.id, to_seconds(shown["mergedAt"]), merge.survivor, merge.merged, str(merge.by), undone, merge.reason)


def _value(value: object) -> str:
    if value is None:
        return _NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
