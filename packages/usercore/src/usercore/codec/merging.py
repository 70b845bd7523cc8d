"""Merges on the wire."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from usercore.codec.facets import wire_field, wire_value
from usercore.codec.scalars import actor, optional_timestamp, timestamp
from usercore.merging.candidates import Candidate
from usercore.merging.merge_users import PlannedMerge
from usercore.merging.planning import TAKEABLE
from usercore.merging.undo_merge import PlannedUndo
from usercore.merging.values import FieldChoice, Merge, Undoing

TAKEABLE_FIELDS: Final = tuple(map(wire_field, TAKEABLE))
"""What may be taken from a merged account, as callers name it."""
_DOMAIN: Final = dict(zip(TAKEABLE_FIELDS, TAKEABLE, strict=True))


def domain_fields(names: Iterable[str]) -> frozenset[str]:
    """Return the domain's names of fields; one that is none stays as it is, and is refused where it is used."""
    return frozenset(_DOMAIN.get(name, name) for name in names)


def merge_object(merge: Merge, undoable_until: datetime | None) -> dict[str, object]:
    """Return a merge as a JSON object.

    Args:
        merge: which.
        undoable_until: until when it can be undone; None where it was.
    """
    return {
        "id": merge.id,
        "userId": merge.survivor,
        "mergedUserId": merge.merged,
        "version": merge.survivor_version,
        "mergedAt": timestamp(merge.at),
        "by": actor(merge.by),
        "reason": merge.reason,
        "undoableUntil": optional_timestamp(undoable_until),
        "undone": None if merge.undone is None else _undoing(merge.undone),
    }


def _undoing(undone: Undoing) -> dict[str, object]:
    return {"at": timestamp(undone.at), "by": actor(undone.by), "reason": undone.reason}


def planned_merge_object(planned: PlannedMerge) -> dict[str, object]:
    """Return what a merge would bring about as a JSON object."""
    plan = planned.plan
    return {
        "userId": plan.survivor.id,
        "mergedUserId": plan.merged.id,
        "version": plan.survivor.version,
        "fields": [_choice(one) for one in plan.fields],
        "unsubscribedTopics": [one.said.topic for one in plan.unsubscribed],
        "withdrawnConsents": [one.said.purpose for one in plan.withdrawn],
        "restricted": plan.restricted,
        "movedFacts": planned.facts,
    }


def _choice(choice: FieldChoice) -> dict[str, object]:
    return {
        "field": wire_field(choice.name),
        "from": choice.origin.value,
        "own": wire_value(choice.own),
        "other": wire_value(choice.other),
        "result": wire_value(choice.chosen),
    }


def planned_undo_object(planned: PlannedUndo) -> dict[str, object]:
    """Return what undoing a merge would bring about as a JSON object."""
    plan = planned.plan
    return {
        "userId": plan.survivor.id,
        "mergedUserId": plan.merged.id,
        "version": plan.survivor.version,
        "fields": [
            {
                "field": wire_field(name),
                "now": wire_value(getattr(plan.survivor.profile, name)),
                "result": wire_value(getattr(plan.profile, name)),
            }
            for name in plan.fields
        ],
        "resubscribedTopics": [one.before.topic for one in plan.preferences if one.before.subscribed],
        "restoredConsents": [one.before.purpose for one in plan.consents if one.before.given],
        "status": plan.status.state.value,
        "returnedFacts": planned.facts,
        "kept": [{"what": wire_field(one.name), "why": one.why.value} for one in plan.kept],
    }


def candidate_object(candidate: Candidate) -> dict[str, object]:
    """Return two accounts that may be one person's as a JSON object."""
    dismissed = candidate.dismissal
    return {
        "userId": candidate.first,
        "otherUserId": candidate.second,
        "score": candidate.score,
        "signs": [sign.value for sign in candidate.signs],
        "foundAt": timestamp(candidate.found_at),
        "dismissed": None
        if dismissed is None
        else {"at": timestamp(dismissed.at), "by": actor(dismissed.by), "reason": dismissed.reason},
    }


def merge_row(merge: Merge) -> dict[str, object]:
    """Return a merge as a row of ``user_merges``."""
    undone = merge.undone
    return {
        "id": merge.id,
        "survivor_id": merge.survivor,
        "merged_id": merge.merged,
        "survivor_before": merge.survivor_before,
        "survivor_version": merge.survivor_version,
        "merged_version": merge.merged_version,
        "merged_at": timestamp(merge.at),
        "merged_by_kind": merge.by.kind.value,
        "merged_by_id": merge.by.id,
        "reason": merge.reason,
        "undone_at": None if undone is None else timestamp(undone.at),
        "undone_by_kind": undone and undone.by.kind.value,
        "undone_by_id": undone and undone.by.id,
        "undo_reason": undone and undone.reason,
    }
