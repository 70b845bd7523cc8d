"""How merges look: as wire objects for programs, as rows for people."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from user_cli.output import say, show_json, show_json_page, show_pairs, show_table
from user_cli.views import flat, show_next, to_seconds
from usercore.codec.merging import candidate_object, merge_object, planned_merge_object, planned_undo_object
from usercore.kernel.paging import Page
from usercore.merging.candidates import Candidate
from usercore.merging.merge_users import PlannedMerge
from usercore.merging.undo_merge import PlannedUndo
from usercore.merging.values import Kept, Merge, MergePolicy

__all__ = ["show_candidates", "show_merge", "show_merges", "show_preview", "show_undo_preview"]

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


def show_undo_preview(planned: PlannedUndo, *, as_json: bool) -> None:
    """Write what undoing a merge would bring about, and what not."""
    shown: dict[str, Any] = planned_undo_object(planned)
    if as_json:
        show_json(shown)
        return
    show_table(
        ("FIELD", "NOW", "RESULT"),
        ((one["field"], _value(one["now"]), _value(one["result"])) for one in shown["fields"]),
        empty="No field of the survivor's goes back.",
    )
    say("")
    show_pairs(_returns(shown))
    say("")
    show_table(
        ("STAYS", "WHY"),
        ((one["what"], _WHY[Kept(one["why"])]) for one in shown["kept"]),
        empty="Nothing stays of the merge.",
    )


def _returns(shown: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "merged account", shown["status"]
    yield "facts that go back", shown["returnedFacts"]
    yield "subscribed again", ", ".join(shown["resubscribedTopics"]) or _NOTHING
    yield "consents that hold again", ", ".join(shown["restoredConsents"]) or _NOTHING


_WHY: Final = {
    Kept.CHANGED_SINCE: "it was changed after the merge",
    Kept.NO_EARLIER_WORD: "nothing had been said of it before the merge",
    Kept.STRICTER_STAYS: "lift it by a decision of its own: userctl privacy",
    Kept.CREDENTIAL_REMOVED: "it went with the sign-in name; an invitation is sent to choose a new password",
}


def show_merge(merge: Merge, policy: MergePolicy, *, as_json: bool) -> None:
    """Write one merge."""
    shown = merge_object(merge, policy.undoable_until(merge))
    if as_json:
        show_json(shown)
    else:
        show_pairs(flat(shown))


def show_merges(merges: Iterable[Merge], policy: MergePolicy, *, as_json: bool) -> None:
    """Write merges, one a line."""
    if as_json:
        show_json_page((merge_object(one, policy.undoable_until(one)) for one in merges), None)
        return
    show_table(
        ("ID", "MERGED AT", "SURVIVOR", "MERGED", "BY", "UNDOABLE UNTIL", "REASON"),
        (_line(one, policy) for one in merges),
        empty="No merges.",
    )


def _line(merge: Merge, policy: MergePolicy) -> tuple[object, ...]:
    shown: dict[str, Any] = merge_object(merge, policy.undoable_until(merge))
    until = "undone" if merge.undone else to_seconds(shown["undoableUntil"])
    return (merge.id, to_seconds(shown["mergedAt"]), merge.survivor, merge.merged, str(merge.by), until, merge.reason)


def show_candidates(page: Page[Candidate], *, as_json: bool) -> None:
    """Write pairs of accounts, one a line, and how to go on."""
    if as_json:
        show_json_page(map(candidate_object, page.items), page.next_cursor)
        return
    show_table(
        ("SCORE", "ACCOUNT", "OTHER", "IN COMMON", "DISMISSED"),
        (
            (
                f"{one.score:.3f}",
                one.first,
                one.second,
                ", ".join(sign.value for sign in one.signs) or _NOTHING,
                one.dismissal.reason if one.dismissal else _NOTHING,
            )
            for one in page.items
        ),
        empty="No pairs.",
    )
    show_next(page.next_cursor)


def _value(value: object) -> str:
    if value is None:
        return _NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
