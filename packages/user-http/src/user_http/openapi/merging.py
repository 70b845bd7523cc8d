"""The operations on merges as the document describes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from attrs import evolve

from user_http.openapi.describing import Body, Description, Success
from usercore.codec.merging import candidate_object, merge_object
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.merging.candidates import Candidate, Sign, score_of
from usercore.merging.values import Merge, MergePolicy, Undoing

_SURVIVOR: Final = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")
_MERGED: Final = UserId("01932f70-4e21-7b6d-8a3f-6c1d9e0b2a47")
_MERGE: Final = Merge(
    id=EventId("01932f74-9c1b-7a35-b1d0-5e8f2a6c4d97"),
    survivor=_SURVIVOR,
    merged=_MERGED,
    survivor_before=3,
    survivor_version=5,
    merged_version=2,
    at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    by=Actor(ActorKind.OPERATOR, "ada"),
    reason="the same person, ticket 17",
)


def merge() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a merge."""
    return merge_object(_MERGE, MergePolicy().undoable_until(_MERGE))


def merges() -> Any:  # noqa: ANN401 -- any JSON value
    """Return the merges of an account."""
    return {"items": [merge()], "nextCursor": None}


def preview() -> Any:  # noqa: ANN401 -- any JSON value
    """Return what a merge would bring about."""
    return {
        "userId": _SURVIVOR,
        "mergedUserId": _MERGED,
        "version": 3,
        "fields": [
            {
                "field": "phoneNumber",
                "from": "MERGED",
                "own": "+4930123456",
                "other": "+4930654321",
                "result": "+4930654321",
            }
        ],
        "unsubscribedTopics": ["news"],
        "withdrawnConsents": ["sale"],
        "restricted": False,
        "movedFacts": 12,
    }


def candidate() -> Any:  # noqa: ANN401 -- any JSON value
    """Return two accounts that may be one person's."""
    signs = (Sign.SAME_NAME_AND_BIRTH_DATE, Sign.SAME_PHONE)
    return candidate_object(Candidate(_SURVIVOR, _MERGED, signs, score_of(signs), _MERGE.at))


def candidates() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of such pairs."""
    return {"items": [candidate()], "nextCursor": None}


def dismissed() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a pair that somebody found to be two people's."""
    return {**candidate(), "dismissed": {"at": "2026-03-02T08:30:00.000000Z", "by": merge()["by"], "reason": "sisters"}}


def undone() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a merge that was undone."""
    at = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    return merge_object(evolve(_MERGE, undone=Undoing(at, _MERGE.by, "two sisters, ticket 18")), None)


def undo_preview() -> Any:  # noqa: ANN401 -- any JSON value
    """Return what undoing a merge would bring about."""
    return {
        "userId": _SURVIVOR,
        "mergedUserId": _MERGED,
        "version": 6,
        "fields": [{"field": "phoneNumber", "now": "+4930654321", "result": "+4930123456"}],
        "resubscribedTopics": ["news"],
        "restoredConsents": [],
        "status": "ACTIVE",
        "returnedFacts": 12,
        "kept": [{"what": "firstName", "why": "CHANGED_SINCE"}],
    }


_TAG: Final = "Merges"
_WHICH: Final = {"mergedUserId": _MERGED, "take": ["phoneNumber"]}
_REASON: Final = {"reason": "the same person, ticket 17"}

DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "previewMerge": Description(
        _TAG,
        "See what a merge would bring about",
        "Nothing is changed. What the merge would refuse is refused here as well.",
        ("userId", "ifMatch"),
        Success("MergePreview", preview, ("ETag",)),
        Body("MergeToPreview", _WHICH),
    ),
    "mergeUsers": Description(
        _TAG,
        "Merge another account into this one",
        "The account of the path stays. It keeps its own values and takes those that it lacks, and the ones named in "
        "`take`; what was unsubscribed or refused on either side stays so; orders, payments and points move. From then "
        "on the other id leads here. Doing it twice is doing it once.",
        ("userId", "ifMatchRequired", "idempotencyKey"),
        Success("Merge", merge, ("ETag", "Location"), 201),
        Body("NewMerge", {**_WHICH, **_REASON}),
    ),
    "listMerges": Description(
        _TAG,
        "List the merges that an account was part of",
        "Whether it stayed or went; the newest first, those that were undone too.",
        ("userId",),
        Success("MergeList", merges),
    ),
    "getMerge": Description(
        _TAG, "Read one merge", "Under the id of either account.", ("userId", "mergeId"), Success("Merge", merge)
    ),
    "listMergeCandidates": Description(
        _TAG,
        "List accounts that may be one person's",
        "What the last scan found, the likeliest first. A pair is a reason to look, never one to merge.",
        ("ofUser", "dismissed", "limit", "cursor"),
        Success("MergeCandidatePage", candidates, ("Link",)),
    ),
    "dismissMergeCandidate": Description(
        _TAG,
        "Remember that two accounts are two people's",
        "They are not brought up again. Doing it twice is doing it once.",
        (),
        Success("MergeCandidate", dismissed),
        Body("TwoPeople", {"userId": _SURVIVOR, "otherUserId": _MERGED, "reason": "two sisters, ticket 18"}),
    ),
    "previewUndoOfMerge": Description(
        _TAG,
        "See what undoing a merge would bring about, and what not",
        "Nothing is changed. What the undo would refuse is refused here as well.",
        ("userId", "mergeId", "ifMatch"),
        Success("UndoPreview", undo_preview, ("ETag",)),
    ),
    "undoMerge": Description(
        _TAG,
        "Take a merge back",
        "The merged account is what it was; the survivor gets back what the merge changed, unless it was changed "
        "since; what was told of the merged account goes back to it. It can be done until `undoableUntil`. Doing it "
        "twice is doing it once.",
        ("userId", "mergeId", "ifMatch", "idempotencyKey"),
        Success("Merge", undone),
        Body("UndoInput", {"reason": "two sisters, ticket 18"}),
    ),
}
