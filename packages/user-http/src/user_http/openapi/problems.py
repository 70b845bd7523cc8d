"""Error responses: for each operation the statuses it may answer with, and the codes behind each."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from user_http import access
from user_http.limits import UNLIMITED
from user_http.problems import (
    CONTENT_TYPE,
    INSTANCE_PREFIX,
    KINDS,
    TRY_AGAIN_AFTER_S,
    TYPE_PREFIX,
    status_of,
)
from user_http.routes import ROUTES
from usercore.bulk.imports.errors import ImportNotFoundError
from usercore.kernel.errors import UnavailableError, all_errors
from usercore.kernel.reasons import ReasonInvalidError
from usercore.kernel.receipts import KeyInFlightError
from usercore.merging.errors import MergeNotFoundError
from usercore.preferences.errors import PreferencesInvalidError
from usercore.privacy.consents.errors import ConsentInvalidError
from usercore.privacy.mailing.errors import UnsubscribeTokenInvalidError
from usercore.privacy.requests.errors import RequestNotFoundError
from usercore.segments.errors import SegmentInvalidError
from usercore.users.errors import UserErasedError
from usercore.verification.errors import VerificationFailedError

__all__ = ["ALWAYS", "codes_of", "error_responses", "problem_examples"]

_LOADED = (
    ConsentInvalidError,
    ImportNotFoundError,
    KeyInFlightError,
    MergeNotFoundError,
    PreferencesInvalidError,
    UnsubscribeTokenInvalidError,
    UserErasedError,
    UnavailableError,
    ReasonInvalidError,
    RequestNotFoundError,
    SegmentInvalidError,
    VerificationFailedError,
)
"""Their modules define every error that an operation here can raise."""

ALWAYS: Final = ("internal_error",)
API: Final = (
    "request_malformed",
    "header_malformed",
    "query_malformed",
    "unauthenticated",
    "token_invalid",
    "scope_insufficient",
    "not_acceptable",
    "rate_limited",
    "overloaded",
    "request_timed_out",
    "exhausted",
    "unavailable",
)
ABOUT_ONE: Final = ("user_not_found", "user_erased")
BODY: Final = ("body_malformed", "body_too_large", "content_type_unsupported", "body_invalid")
COMMAND: Final = (
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "idempotency_key_in_flight",
    "idempotency_claim_lost",
)
CHANGE: Final = ("user_merged", "user_restricted", "stale_version", "write_contended")
PROFILE: Final = ("profile_invalid", "email_taken", "username_taken", "external_id_taken")
MERGE: Final = (
    "merge_invalid",
    "profile_invalid",
    "user_merged",
    "user_deactivated",
    "user_restricted",
    "stale_version",
    "legal_hold",
    "merge_privacy_request_open",
)
UNDO: Final = (
    "merge_not_found",
    "merge_undo_term_over",
    "user_merged",
    "user_restricted",
    "stale_version",
    "legal_hold",
    "merge_privacy_request_open",
)
IMPORT: Final = ("import_not_found",)
REQUEST: Final = ("privacy_request_not_found",)
DECISION: Final = ("privacy_request_closed", "privacy_request_changed")

_EXAMPLE_ID: Final = "5d1f0c7e9b2a4c3d8e6f7a8b9c0d1e2f"
_FIELD_EXAMPLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "profile_invalid": ("/timeZone", "time_zone_unknown", "name a zone of the IANA database, as in Europe/Berlin"),
    "body_invalid": ("/status", "read_only", "leave it out: the service sets it"),
    "body_malformed": ("", "duplicate_key", "name each member of an object once"),
    "query_malformed": ("/limit", "out_of_range", "give a whole number from 1 to 500"),
    "query_invalid": (
        "/cursor",
        "cursor_invalid",
        "use the cursor of the page before, with the same sort and the same filter",
    ),
    "filter_invalid": (
        "/filter",
        "unknown_field",
        "at character 1: there is no such field; did you mean status?",
    ),
    "consent_invalid": ("/purpose", "purpose_unknown", "name a purpose that the operator registered"),
    "privacy_request_invalid": ("/text", "required", "say what is wrong, or give the values that are right"),
    "merge_invalid": ("/take", "unknown_field", "name fields of a profile"),
    "audit_query_invalid": ("/cursor", "cursor_invalid", "use the cursor of the page before"),
    "segment_invalid": ("/name", "segment_name", "use lower-case words joined by hyphens, at most 64 characters"),
    "verification_invalid": ("/verifiedAt", "in_future", "give a time that has passed"),
    "preferences_invalid": ("/topics", "topic_unknown", "name a topic that the operator registered"),
}


def codes_of(operation_id: str) -> tuple[str, ...]:
    """Return every code that an operation may answer with."""
    if operation_id not in access.RULES:
        limited = () if operation_id in UNLIMITED else ("rate_limited",)
        return (*limited, *_OF_PUBLIC.get(operation_id, ()), *ALWAYS)
    return (*API, *_OWN[operation_id], *ALWAYS)


LINK: Final = (
    "request_malformed",
    "header_malformed",
    "query_malformed",
    "overloaded",
    "request_timed_out",
    "exhausted",
    "unavailable",
)
"""What whoever follows a link in mail may be answered."""
_OF_PUBLIC: Final[Mapping[str, tuple[str, ...]]] = {
    "getReadiness": ("not_ready",),
    "confirmVerificationByLink": (*LINK, *BODY, "verification_failed", "write_contended"),
    "showUnsubscription": (*LINK, "unsubscribe_token_invalid"),
    "unsubscribe": (*LINK, *BODY, "unsubscribe_token_invalid", "write_contended"),
}
"""What an operation that needs no token may answer with besides what all of them may."""

_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "createUser": (*BODY, *COMMAND, *PROFILE, "user_exists"),
    "listUsers": ("query_invalid", "filter_invalid", "segment_not_found"),
    "getUser": ABOUT_ONE,
    "patchUser": (*ABOUT_ONE, *BODY, *COMMAND, *CHANGE, *PROFILE, "user_deactivated", "precondition_required"),
    "deactivateUser": (*ABOUT_ONE, *BODY, *COMMAND, *CHANGE, "profile_invalid"),
    "reactivateUser": (*ABOUT_ONE, *BODY, *COMMAND, *CHANGE, "profile_invalid"),
    "getEmailPreferences": ABOUT_ONE,
    "patchEmailPreferences": (*ABOUT_ONE, *BODY, *COMMAND, *CHANGE, "preferences_invalid", "user_deactivated"),
    "getConsents": ABOUT_ONE,
    "recordConsent": (
        *ABOUT_ONE,
        *BODY,
        *COMMAND,
        *CHANGE,
        "consent_invalid",
        "consent_contradicted",
        "user_deactivated",
    ),
    "getUnsubscribeHeaders": (*ABOUT_ONE, "query_invalid"),
    "checkSuppression": (*BODY, "suppression_invalid"),
    "getHistory": ABOUT_ONE,
    "getActivity": (*ABOUT_ONE, "query_invalid"),
    "createPrivacyRequest": (*ABOUT_ONE, *BODY, "privacy_request_invalid", "profile_invalid"),
    "listPrivacyRequestsOfUser": ABOUT_ONE,
    "getPrivacyRequestOfUser": (*ABOUT_ONE, *REQUEST),
    "cancelPrivacyRequest": (*ABOUT_ONE, *REQUEST, *DECISION, "erasure_under_way"),
    "getPrivacyArchive": (*ABOUT_ONE, *REQUEST, "archive_not_available"),
    "liftRestriction": (*ABOUT_ONE, "user_merged", "write_contended"),
    "listLegalHolds": ABOUT_ONE,
    "placeLegalHold": (*ABOUT_ONE, *BODY, "privacy_request_invalid", "erasure_under_way"),
    "releaseLegalHold": (*ABOUT_ONE, *BODY, "privacy_request_invalid", "legal_hold_not_found"),
    "listPrivacyRequests": (),
    "getPrivacyRequest": REQUEST,
    "verifyRequester": (*REQUEST, *BODY, *DECISION, "privacy_request_invalid"),
    "extendPrivacyRequest": (*REQUEST, *BODY, *DECISION, "privacy_request_invalid", "extension_not_possible"),
    "refusePrivacyRequest": (*REQUEST, *BODY, *DECISION, "privacy_request_invalid", "erasure_under_way"),
    "completePrivacyRequest": (
        *REQUEST,
        *BODY,
        *DECISION,
        "privacy_request_invalid",
        "privacy_request_state",
        "identity_needed",
    ),
    "runPrivacyRequest": (
        *REQUEST,
        *DECISION,
        *PROFILE,
        "identity_needed",
        "legal_hold",
        "erasure_ledger_broken",
        "user_not_found",
        "user_erased",
        "user_merged",
        "write_contended",
        "preferences_invalid",
    ),
    "createImport": ("body_too_large", "content_type_unsupported", "import_moved"),
    "listImports": ("query_invalid",),
    "getImport": IMPORT,
    "listImportErrors": (*IMPORT, "query_invalid"),
    "cancelImport": (*IMPORT, "import_moved"),
    "previewMerge": (*ABOUT_ONE, *BODY, *MERGE),
    "mergeUsers": (*ABOUT_ONE, *BODY, *COMMAND, *MERGE, "reason_invalid", "write_contended", "precondition_required"),
    "listMerges": ABOUT_ONE,
    "getMerge": (*ABOUT_ONE, "merge_not_found"),
    "listMergeCandidates": ("query_invalid",),
    "dismissMergeCandidate": (*ABOUT_ONE, *BODY, "merge_invalid", "reason_invalid", "user_merged"),
    "previewUndoOfMerge": (*ABOUT_ONE, *UNDO),
    "undoMerge": (
        *ABOUT_ONE,
        *BODY,
        *COMMAND,
        *UNDO,
        "reason_invalid",
        "write_contended",
        "email_taken",
        "username_taken",
        "external_id_taken",
    ),
    "listSegments": (),
    "saveSegment": (*BODY, "filter_invalid", "segment_invalid", "segment_exists"),
    "getSegment": ("segment_not_found",),
    "deleteSegment": (*BODY, "segment_not_found", "reason_invalid"),
    "countSegment": ("filter_invalid", "segment_not_found"),
    "countSegmentByBody": (*BODY, "filter_invalid", "segment_not_found"),
    "startVerification": (
        *ABOUT_ONE,
        *BODY,
        *COMMAND,
        *CHANGE,
        "verification_invalid",
        "contact_missing",
        "verification_throttled",
        "user_deactivated",
        "user_restricted",
    ),
    "confirmVerification": (
        *ABOUT_ONE,
        *BODY,
        *COMMAND,
        *CHANGE,
        "verification_failed",
        "user_deactivated",
        "user_restricted",
    ),
    "updateUserByMessage": (*ABOUT_ONE, *BODY, *COMMAND, *CHANGE, *PROFILE, "user_deactivated"),
    "deactivateUserByMessage": (*ABOUT_ONE, *BODY, *COMMAND, *CHANGE, "profile_invalid"),
    "getUserByName": (*ABOUT_ONE, "query_invalid"),
    "getEmailPreferencesByQuery": ABOUT_ONE,
    "getAudit": ("audit_query_invalid",),
}
"""What an operation may answer with besides what all of them may."""


def error_responses(operation_id: str) -> dict[str, Any]:
    """Return an operation's error responses by status."""
    by_status: dict[int, list[tuple[str, str]]] = {}
    known = _known()
    for code in codes_of(operation_id):
        status, title = known[code]
        by_status.setdefault(status, []).append((code, title))
    told = limit_headers(operation_id)
    return {str(status): _response(status, by_status[status], told) for status in sorted(by_status)}


def limit_headers(operation_id: str) -> tuple[str, ...]:
    """Return the headers that tell of the caller's quota."""
    return () if operation_id in UNLIMITED else ("RateLimit-Policy", "RateLimit")


def problem_examples() -> dict[str, Any]:
    """Return a problem document for each code that an operation may answer with."""
    used = {code for route in ROUTES for code in codes_of(route.id)}
    found = ((code, *known) for code, known in sorted(_known().items()) if code in used)
    return {code: {"summary": title, "value": _example(status, code, title)} for code, status, title in found}


def _known() -> dict[str, tuple[int, str]]:
    """Return status and title of every code."""
    found = {kind.code: (kind.status, kind.title) for kind in KINDS}
    found |= {error.code: (status_of(error()), error.summary) for error in all_errors()}
    return found


def _response(status: int, codes: Iterable[tuple[str, str]], told: Iterable[str]) -> dict[str, Any]:
    listed = list(codes)
    media: dict[str, Any] = {
        "schema": {"$ref": f"#/components/schemas/{'NotReady' if listed[0][0] == 'not_ready' else 'Problem'}"},
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code, _ in listed},
    }
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    for name in (*_headers(status, [code for code, _ in listed]), *told):
        headers[name] = {"$ref": f"#/components/headers/{name}"}
    return {
        "description": " ".join(f"`{code}`: {title}." for code, title in listed),
        "headers": headers,
        "content": {CONTENT_TYPE.decode(): media},
    }


def _headers(status: int, codes: list[str]) -> Iterable[str]:
    if status in {401, 403}:
        yield "WWW-Authenticate"
    if status in {429, 503} or not TRY_AGAIN_AFTER_S.keys().isdisjoint(codes):
        yield "Retry-After"


def _example(status: int, code: str, title: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": title,
        "instance": INSTANCE_PREFIX + _EXAMPLE_ID,
        "code": code,
        "requestId": _EXAMPLE_ID,
    }
    if code in _FIELD_EXAMPLES:
        pointer, rule, detail = _FIELD_EXAMPLES[code]
        body["errors"] = [{"pointer": pointer, "code": rule, "detail": detail}]
    if code == "filter_invalid":
        body["position"] = 1
    if code == "not_ready":
        body["parts"] = {"database": "down", "cache": "ok"}
    return body
