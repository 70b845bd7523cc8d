"""Schemas, parameters and headers that operations share."""

from typing import Any, Final

import msgspec

from user_http.controllers.audit import ACTION_MAX_CHARS, ACTOR_MAX_CHARS
from user_http.controllers.listing import SEARCH_MAX_CHARS
from user_http.controllers.users import INCLUDED
from user_http.schemas.activity import ActivityPage
from user_http.schemas.audit import AuditPage
from user_http.schemas.consents import ConsentInput, ConsentPage, RecordedConsent
from user_http.schemas.history import HistoryPage
from user_http.schemas.imports import Import, ImportCounts, ImportErrorPage, ImportPage, ImportRowError
from user_http.schemas.included import UserWithIncluded
from user_http.schemas.mailing import AddressToCheck, MailPermission, OneClick, SuppressionAnswer
from user_http.schemas.merging import (
    Merge,
    MergeCandidate,
    MergeCandidatePage,
    MergeList,
    MergePreview,
    MergeToPreview,
    NewMerge,
    TwoPeople,
    UndoInput,
    UndoPreview,
)
from user_http.schemas.preferences import EmailPreferencesPatch
from user_http.schemas.privacy import (
    IdentityNote,
    LegalHold,
    LegalHolds,
    NewLegalHold,
    NewPrivacyRequest,
    Outcome,
    PrivacyRequest,
    PrivacyRequestPage,
    RefusalInput,
    WithReason,
)
from user_http.schemas.segments import (
    FILTER_EXAMPLE,
    NAME_PATTERN,
    NewSegment,
    Segment,
    SegmentCount,
    SegmentDeletion,
    SegmentList,
    SegmentToCount,
)
from user_http.schemas.service import Liveness, NotReady, Problem, Readiness
from user_http.schemas.users import (
    CreateUser,
    DeactivateUser,
    Deactivation,
    Reactivation,
    UpdateUser,
    UserPage,
    UserPatch,
)
from user_http.schemas.verifications import (
    Confirmation,
    ConfirmedContact,
    LinkConfirmation,
    NewVerification,
    StartedVerification,
)
from usercore.activity.values import FactKind
from usercore.bulk.imports.values import ERRORS_PAGE_MAX, ImportKey, ImportMode
from usercore.codec.documents import EmailPreferences, User
from usercore.preferences.values import TOPIC_MAX_CHARS
from usercore.privacy.mailing.tokens import TOKEN_MAX_CHARS
from usercore.privacy.requests.values import MATTER_MAX_CHARS, RequestKind, RequestState
from usercore.segments.naming import NAME_MAX_CHARS
from usercore.segments.syntax import FILTER_MAX_CHARS
from usercore.users.queries import CURSOR_MAX_CHARS, PAGE_DEFAULT, PAGE_MAX, Sort
from usercore.users.values import EMAIL_MAX_CHARS, EXTERNAL_ID_MAX_CHARS, USERNAME_MAX_CHARS, AccountState

SCHEMAS: Final = (
    CreateUser,
    UserPatch,
    UpdateUser,
    Deactivation,
    DeactivateUser,
    Reactivation,
    EmailPreferencesPatch,
    ConsentInput,
    ConsentPage,
    RecordedConsent,
    MailPermission,
    OneClick,
    AddressToCheck,
    SuppressionAnswer,
    User,
    UserWithIncluded,
    UserPage,
    EmailPreferences,
    HistoryPage,
    ActivityPage,
    NewPrivacyRequest,
    IdentityNote,
    WithReason,
    RefusalInput,
    Outcome,
    NewLegalHold,
    PrivacyRequest,
    PrivacyRequestPage,
    LegalHold,
    LegalHolds,
    Import,
    ImportCounts,
    ImportPage,
    ImportRowError,
    ImportErrorPage,
    MergeToPreview,
    NewMerge,
    MergePreview,
    Merge,
    MergeList,
    UndoInput,
    UndoPreview,
    MergeCandidate,
    MergeCandidatePage,
    TwoPeople,
    SegmentToCount,
    SegmentCount,
    NewSegment,
    Segment,
    SegmentList,
    SegmentDeletion,
    AuditPage,
    NewVerification,
    StartedVerification,
    Confirmation,
    LinkConfirmation,
    ConfirmedContact,
    Problem,
    NotReady,
    Liveness,
    Readiness,
)


def schemas() -> dict[str, Any]:
    """Return the JSON Schemas of everything that stands on the wire."""
    _, found = msgspec.json.schema_components(SCHEMAS, ref_template="#/components/schemas/{name}")
    return {name: found[name] for name in sorted(found)}


def _parameter(name: str, place: str, schema: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any OpenAPI member
    return {"name": name, "in": place, "description": description, "schema": schema, **more}


def _text(most: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON Schema keyword
    return {"type": "string", "minLength": 1, "maxLength": most, **more}


_TIME: Final = {"type": "string", "format": "date-time"}
_UUID: Final = {"type": "string", "format": "uuid"}
_TOKEN_EXAMPLE: Final = "AQGTL26NPHxKnQ4rXxx6bj1Zc2Fr8nKQ1V0d3mT7yq0nbmV3cw"  # noqa: S105 -- nobody's
_ID_EXAMPLE: Final = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"


def parameters() -> dict[str, Any]:
    """Return the parameters by the name under which operations refer to them."""
    return {
        **_path_and_headers(),
        **_of_mailing(),
        **_of_lists(),
        **_of_history(),
        **_of_activity(),
        **_of_audit(),
        **_of_names(),
        **_of_privacy(),
        **_of_imports(),
    }


def _path_and_headers() -> dict[str, Any]:
    return {
        "userId": _parameter("userId", "path", _UUID, "The user's id.", required=True, example=_ID_EXAMPLE),
        "verificationId": _parameter(
            "verificationId", "path", _UUID, "The verification's id.", required=True, example=_ID_EXAMPLE
        ),
        "mergeId": _parameter("mergeId", "path", _UUID, "The merge's id.", required=True, example=_ID_EXAMPLE),
        "include": _parameter(
            "include",
            "query",
            {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(INCLUDED)}},
            "What to put into the profile besides, with commas between: the email preferences, the summary of the "
            "activity.",
            style="form",
            explode=False,
        ),
        "ifMatch": _parameter(
            "If-Match",
            "header",
            {"type": "string", "pattern": _TAG},
            "The ETag of what was read; refused with 412 if the user has changed since.",
            example='"1"',
        ),
        "ifMatchRequired": _parameter(
            "If-Match",
            "header",
            {"type": "string", "pattern": _TAG},
            "The ETag of what was read, or `*` for whatever is there; 428 without it, 412 if the user has changed "
            "since.",
            required=True,
            example='"1"',
        ),
        "ifNoneMatch": _parameter(
            "If-None-Match",
            "header",
            {"type": "string"},
            "The ETag of what the caller has; 304 if it is the current one.",
        ),
        "idempotencyKey": _parameter(
            "Idempotency-Key",
            "header",
            {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
            "A word of the caller's for this request, kept for 24 hours: the same request again gets the same answer "
            "and has no further effect.",
            example="sign-up-7f3c",
        ),
        "consistencyToken": _parameter(
            "Consistency-Token",
            "header",
            {"type": "string"},
            "What the caller was last given in this header: the answer is at least as new. `latest` asks for what is "
            "so now. Without it a caller's own writes are seen all the same, for as long as replicas may lag.",
            example=_CONSISTENCY_EXAMPLE,
        ),
    }


_CONSISTENCY_EXAMPLE: Final = "AQAAAAAXcfvo"


_TAG: Final = r'^(\*|"[1-9][0-9]{0,8}")$'


def _of_imports() -> dict[str, Any]:
    def flag(name: str, text: str) -> dict[str, Any]:
        return _parameter(name, "query", {"type": "string", "enum": ["true", "false"], "default": "false"}, text)

    errors = {"type": "integer", "minimum": 1, "maximum": ERRORS_PAGE_MAX, "default": 100}
    modes = {"type": "string", "enum": [one.value for one in ImportMode], "default": ImportMode.INSERT.value}
    keys = {"type": "string", "enum": [one.value for one in ImportKey], "default": ImportKey.EMAIL.value}
    said = "What becomes of a row whose user exists: it is an error, a merge patch, or passed over."
    return {
        "importId": _parameter("importId", "path", _UUID, "The import's id.", required=True, example=_ID_EXAMPLE),
        "importMode": _parameter("mode", "query", modes, said),
        "importBy": _parameter("by", "query", keys, "By what a row's user is known."),
        "importQuietEvents": flag("quietEvents", "Publish one event for all of it, in place of one for each user."),
        "importInvite": flag("invite", "Send new users the mail that single ones are sent."),
        "importRestart": flag("restart", "Begin anew even where the same bytes were imported before."),
        "importErrorsLimit": _parameter("limit", "query", errors, "How many errors at most."),
    }


def _of_lists() -> dict[str, Any]:
    states = [state.value for state in AccountState]
    times = {
        name: _parameter(name, "query", _TIME, f"{event} {side} this time, exclusively.")
        for name, event, side in (
            ("createdAfter", "Created", "after"),
            ("createdBefore", "Created", "before"),
            ("updatedAfter", "Last changed", "after"),
            ("updatedBefore", "Last changed", "before"),
        )
    }
    limit = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}
    return {
        "limit": _parameter("limit", "query", limit, "How many items at most."),
        "cursor": _parameter("cursor", "query", _text(CURSOR_MAX_CHARS), "`nextCursor` of the page before."),
        "sort": _parameter(
            "sort",
            "query",
            {"type": "string", "enum": [sort.value for sort in Sort], "default": Sort.CREATED_DOWN.value},
            "The order; a minus sign means the newest first.",
        ),
        "email": _parameter("email", "query", _text(EMAIL_MAX_CHARS, format="email"), "The user with this email."),
        "username": _parameter("username", "query", _text(USERNAME_MAX_CHARS), "The user with this username."),
        "externalId": _parameter(
            "externalId", "query", _text(EXTERNAL_ID_MAX_CHARS), "The user with this id in another system."
        ),
        "status": _parameter(
            "status",
            "query",
            {"type": "array", "minItems": 1, "items": {"type": "string", "enum": states}},
            "Account states, with commas between them; active and deactivated ones if left out.",
            style="form",
            explode=False,
        ),
        **times,
        "q": _parameter(
            "q",
            "query",
            _text(SEARCH_MAX_CHARS),
            "Words, each the beginning of a word of the name, the username or the email.",
        ),
        "filter": _parameter(
            "filter",
            "query",
            _text(FILTER_MAX_CHARS),
            "What must hold of a user, in the language of `docs/segments.md`.",
            example=FILTER_EXAMPLE,
        ),
        "segment": _parameter(
            "segment",
            "query",
            _text(NAME_MAX_CHARS, pattern=NAME_PATTERN),
            "The name of a filter that is kept; together with `filter`, both must hold.",
            example="german-gold",
        ),
        "segmentName": _parameter(
            "name",
            "path",
            _text(NAME_MAX_CHARS, pattern=NAME_PATTERN),
            "The segment's name.",
            required=True,
            example="german-gold",
        ),
    }


def _of_mailing() -> dict[str, Any]:
    token = {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{44,{TOKEN_MAX_CHARS}}}$"}
    return {
        "topic": _parameter("topic", "query", _text(TOPIC_MAX_CHARS), "A registered email topic.", required=True),
        "token": _parameter("token", "path", token, "The token of the link.", required=True, example=_TOKEN_EXAMPLE),
    }


def _of_history() -> dict[str, Any]:
    return {
        "at": _parameter("at", "query", _TIME, "Serve the profile as it was at this time instead."),
        "below": _parameter(
            "cursor", "query", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}, "`nextCursor` of the page before."
        ),
    }


def _of_audit() -> dict[str, Any]:
    return {
        "auditUser": _parameter(
            "user", "query", _UUID, "What was done to this user, and lists that showed them.", example=_ID_EXAMPLE
        ),
        "auditActor": _parameter(
            "actor",
            "query",
            _text(ACTOR_MAX_CHARS, pattern="^(USER|SERVICE|OPERATOR|SYSTEM):.*$"),
            "Who did it: `USER`, `SERVICE`, `OPERATOR` or `SYSTEM`, a colon, and the id.",
            example="OPERATOR:ada",
        ),
        "auditAction": _parameter("action", "query", _text(ACTION_MAX_CHARS), "What was done.", example="UserRead"),
        "since": _parameter("since", "query", _TIME, "What happened at this time or later."),
        "until": _parameter("until", "query", _TIME, "What happened before this time."),
    }


def _of_activity() -> dict[str, Any]:
    kinds = [kind.value for kind in FactKind]
    return {
        "kind": _parameter(
            "kind",
            "query",
            {"type": "array", "minItems": 1, "items": {"type": "string", "enum": kinds}},
            "Kinds of facts, with commas between them; all of them if left out.",
            style="form",
            explode=False,
        ),
    }


def _of_names() -> dict[str, Any]:
    return {
        "byId": _parameter("id", "query", _UUID, "The user's id."),
        "byUserId": _parameter("userId", "query", _UUID, "The user's id.", required=True),
        "aliasUserId": _parameter("userId", "query", _UUID, "The user's id, unless the body has it."),
    }


def _of_privacy() -> dict[str, Any]:
    states, kinds = [state.value for state in RequestState], [kind.value for kind in RequestKind]
    return {
        "requestId": _parameter("requestId", "path", _UUID, "The request's id.", required=True, example=_ID_EXAMPLE),
        "matter": _parameter(
            "matter",
            "path",
            _text(MATTER_MAX_CHARS),
            "What the hold is for.",
            required=True,
            example="case-2026-17",
        ),
        "ofUser": _parameter("userId", "query", _UUID, "About this user."),
        "dismissed": _parameter(
            "dismissed",
            "query",
            {"type": "string", "enum": ["true", "false"]},
            "`true`: those that somebody found to be two people's, in place of the others.",
        ),
        "overdue": _parameter(
            "overdue",
            "query",
            {"type": "string", "enum": ["true", "false"]},
            "`true`: only those that were not answered in time.",
        ),
        **{
            f"request{name.title()}": _parameter(
                name,
                "query",
                {"type": "array", "minItems": 1, "items": {"type": "string", "enum": words}},
                f"One {name} or several, with commas between them; all if left out.",
                style="form",
                explode=False,
            )
            for name, words in (("state", states), ("kind", kinds))
        },
    }


def headers() -> dict[str, Any]:
    """Return the response headers."""
    texts = {
        "ETag": ("The user's version in quotes.", {"type": "string", "pattern": '^"[1-9][0-9]*"$'}, '"1"'),
        "Location": ("Where it is to be found.", {"type": "string"}, f"/v1/users/{_ID_EXAMPLE}"),
        "Content-Disposition": (
            "A name for the file.",
            {"type": "string"},
            f'attachment; filename="{_ID_EXAMPLE}.zip"',
        ),
        "Link": (
            "The first page and, where there is one, the next (RFC 8288).",
            {"type": "string"},
            '</v1/users?limit=50>; rel="first"',
        ),
        "Retry-After": ("Seconds after which to try again.", {"type": "integer", "minimum": 1}, 1),
        "RateLimit": (
            "What is left of it, and the seconds until it is whole again (draft-ietf-httpapi-ratelimit-headers-10).",
            {"type": "string"},
            '"reads";r=599999;t=1',
        ),
        "RateLimit-Policy": (
            "The caller's quota: requests, and seconds of the window (draft-ietf-httpapi-ratelimit-headers-10).",
            {"type": "string"},
            '"reads";q=600000;w=60',
        ),
        "Consistency-Token": (
            "Where replicas answer reads: to be sent back with the next one, so that it is at least as new.",
            {"type": "string"},
            _CONSISTENCY_EXAMPLE,
        ),
        "WWW-Authenticate": ("What is wrong with the token (RFC 6750).", {"type": "string"}, "Bearer"),
        "X-Request-Id": (
            "Names the request in logs: the caller's own, where it sent a sane one.",
            {"type": "string", "minLength": 1, "maxLength": 64},
            "5d1f0c7e9b2a4c3d8e6f7a8b9c0d1e2f",
        ),
    }
    return {
        name: {"description": text, "schema": schema, "example": example}
        for name, (text, schema, example) in texts.items()
    }
