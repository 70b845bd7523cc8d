"""Every operation of the API: its name, method and path. What is not listed does not exist."""

from typing import Final

from attrs import frozen


@frozen
class Route:
    """One operation.

    Args:
        id: its name in the OpenAPI document, in the access table and in the code that binds it.
        method: the HTTP method.
        path: the path's template, as metrics and logs show it.
    """

    id: str
    method: str
    path: str


CREATE_USER = Route("createUser", "POST", "/v1/users")
LIST_USERS = Route("listUsers", "GET", "/v1/users")
GET_USER = Route("getUser", "GET", "/v1/users/{userId}")
PATCH_USER = Route("patchUser", "PATCH", "/v1/users/{userId}")
DEACTIVATE_USER = Route("deactivateUser", "POST", "/v1/users/{userId}/deactivate")
REACTIVATE_USER = Route("reactivateUser", "POST", "/v1/users/{userId}/reactivate")
GET_EMAIL_PREFERENCES = Route("getEmailPreferences", "GET", "/v1/users/{userId}/email-preferences")
PATCH_EMAIL_PREFERENCES = Route("patchEmailPreferences", "PATCH", "/v1/users/{userId}/email-preferences")
GET_CONSENTS = Route("getConsents", "GET", "/v1/users/{userId}/consents")
RECORD_CONSENT = Route("recordConsent", "POST", "/v1/users/{userId}/consents")
GET_UNSUBSCRIBE_HEADERS = Route(
    "getUnsubscribeHeaders", "GET", "/v1/users/{userId}/email-preferences/unsubscribe-headers"
)
SHOW_UNSUBSCRIPTION = Route("showUnsubscription", "GET", "/v1/unsubscribe/{token}")
UNSUBSCRIBE = Route("unsubscribe", "POST", "/v1/unsubscribe/{token}")
CHECK_SUPPRESSION = Route("checkSuppression", "POST", "/v1/suppressions/check")
GET_HISTORY = Route("getHistory", "GET", "/v1/users/{userId}/history")
GET_ACTIVITY = Route("getActivity", "GET", "/v1/users/{userId}/activity")
CREATE_PRIVACY_REQUEST = Route("createPrivacyRequest", "POST", "/v1/users/{userId}/privacy-requests")
LIST_PRIVACY_REQUESTS_OF_USER = Route("listPrivacyRequestsOfUser", "GET", "/v1/users/{userId}/privacy-requests")
GET_PRIVACY_REQUEST_OF_USER = Route("getPrivacyRequestOfUser", "GET", "/v1/users/{userId}/privacy-requests/{requestId}")
CANCEL_PRIVACY_REQUEST = Route("cancelPrivacyRequest", "POST", "/v1/users/{userId}/privacy-requests/{requestId}/cancel")
GET_PRIVACY_ARCHIVE = Route("getPrivacyArchive", "GET", "/v1/users/{userId}/privacy-requests/{requestId}/archive")
LIFT_RESTRICTION = Route("liftRestriction", "POST", "/v1/users/{userId}/lift-restriction")
LIST_LEGAL_HOLDS = Route("listLegalHolds", "GET", "/v1/users/{userId}/legal-holds")
PLACE_LEGAL_HOLD = Route("placeLegalHold", "POST", "/v1/users/{userId}/legal-holds")
RELEASE_LEGAL_HOLD = Route("releaseLegalHold", "POST", "/v1/users/{userId}/legal-holds/{matter}/release")
LIST_PRIVACY_REQUESTS = Route("listPrivacyRequests", "GET", "/v1/privacy-requests")
GET_PRIVACY_REQUEST = Route("getPrivacyRequest", "GET", "/v1/privacy-requests/{requestId}")
VERIFY_REQUESTER = Route("verifyRequester", "POST", "/v1/privacy-requests/{requestId}/verify-identity")
EXTEND_PRIVACY_REQUEST = Route("extendPrivacyRequest", "POST", "/v1/privacy-requests/{requestId}/extend")
REFUSE_PRIVACY_REQUEST = Route("refusePrivacyRequest", "POST", "/v1/privacy-requests/{requestId}/refuse")
COMPLETE_PRIVACY_REQUEST = Route("completePrivacyRequest", "POST", "/v1/privacy-requests/{requestId}/complete")
RUN_PRIVACY_REQUEST = Route("runPrivacyRequest", "POST", "/v1/privacy-requests/{requestId}/run")
PREVIEW_MERGE = Route("previewMerge", "POST", "/v1/users/{userId}/merges/preview")
MERGE_USERS = Route("mergeUsers", "POST", "/v1/users/{userId}/merges")
CREATE_IMPORT = Route("createImport", "POST", "/v1/imports")
LIST_IMPORTS = Route("listImports", "GET", "/v1/imports")
GET_IMPORT = Route("getImport", "GET", "/v1/imports/{importId}")
LIST_IMPORT_ERRORS = Route("listImportErrors", "GET", "/v1/imports/{importId}/errors")
CANCEL_IMPORT = Route("cancelImport", "POST", "/v1/imports/{importId}/cancel")
LIST_MERGES = Route("listMerges", "GET", "/v1/users/{userId}/merges")
GET_MERGE = Route("getMerge", "GET", "/v1/users/{userId}/merges/{mergeId}")
PREVIEW_UNDO_OF_MERGE = Route("previewUndoOfMerge", "POST", "/v1/users/{userId}/merges/{mergeId}/undo/preview")
UNDO_MERGE = Route("undoMerge", "POST", "/v1/users/{userId}/merges/{mergeId}/undo")
LIST_MERGE_CANDIDATES = Route("listMergeCandidates", "GET", "/v1/merge-candidates")
DISMISS_MERGE_CANDIDATE = Route("dismissMergeCandidate", "POST", "/v1/merge-candidates/dismiss")
LIST_SEGMENTS = Route("listSegments", "GET", "/v1/segments")
SAVE_SEGMENT = Route("saveSegment", "POST", "/v1/segments")
GET_SEGMENT = Route("getSegment", "GET", "/v1/segments/{name}")
DELETE_SEGMENT = Route("deleteSegment", "POST", "/v1/segments/{name}/delete")
COUNT_SEGMENT = Route("countSegment", "GET", "/v1/segments/count")
COUNT_SEGMENT_BY_BODY = Route("countSegmentByBody", "POST", "/v1/segments/count")
START_VERIFICATION = Route("startVerification", "POST", "/v1/users/{userId}/verifications")
CONFIRM_VERIFICATION = Route("confirmVerification", "POST", "/v1/users/{userId}/verifications/{verificationId}/confirm")
CONFIRM_BY_LINK = Route("confirmVerificationByLink", "POST", "/v1/verifications/confirm")
UPDATE_BY_MESSAGE = Route("updateUserByMessage", "POST", "/v1/users/update")
DEACTIVATE_BY_MESSAGE = Route("deactivateUserByMessage", "POST", "/v1/users/deactivate")
GET_BY_NAME = Route("getUserByName", "GET", "/v1/users/get")
GET_EMAIL_PREFERENCES_BY_QUERY = Route("getEmailPreferencesByQuery", "GET", "/v1/users/get-email-preferences")
GET_AUDIT = Route("getAudit", "GET", "/v1/audit")
LIVE = Route("getLiveness", "GET", "/health/live")
READY = Route("getReadiness", "GET", "/health/ready")
METRICS = Route("getMetrics", "GET", "/metrics")
OPENAPI_JSON = Route("getOpenapiJson", "GET", "/openapi.json")
OPENAPI_YAML = Route("getOpenapiYaml", "GET", "/openapi.yaml")
DOCS = Route("getDocs", "GET", "/docs")
DOCS_SCRIPT = Route("getDocsScript", "GET", "/docs/page.js")
DOCS_STYLE = Route("getDocsStyle", "GET", "/docs/page.css")

ROUTES: Final = (
    CREATE_USER,
    LIST_USERS,
    GET_USER,
    PATCH_USER,
    DEACTIVATE_USER,
    REACTIVATE_USER,
    GET_EMAIL_PREFERENCES,
    PATCH_EMAIL_PREFERENCES,
    GET_CONSENTS,
    RECORD_CONSENT,
    GET_UNSUBSCRIBE_HEADERS,
    SHOW_UNSUBSCRIPTION,
    UNSUBSCRIBE,
    CHECK_SUPPRESSION,
    GET_HISTORY,
    GET_ACTIVITY,
    CREATE_PRIVACY_REQUEST,
    LIST_PRIVACY_REQUESTS_OF_USER,
    GET_PRIVACY_REQUEST_OF_USER,
    CANCEL_PRIVACY_REQUEST,
    GET_PRIVACY_ARCHIVE,
    LIFT_RESTRICTION,
    LIST_LEGAL_HOLDS,
    PLACE_LEGAL_HOLD,
    RELEASE_LEGAL_HOLD,
    LIST_PRIVACY_REQUESTS,
    GET_PRIVACY_REQUEST,
    VERIFY_REQUESTER,
    EXTEND_PRIVACY_REQUEST,
    REFUSE_PRIVACY_REQUEST,
    COMPLETE_PRIVACY_REQUEST,
    RUN_PRIVACY_REQUEST,
    CREATE_IMPORT,
    LIST_IMPORTS,
    GET_IMPORT,
    LIST_IMPORT_ERRORS,
    CANCEL_IMPORT,
    PREVIEW_MERGE,
    MERGE_USERS,
    LIST_MERGES,
    GET_MERGE,
    PREVIEW_UNDO_OF_MERGE,
    UNDO_MERGE,
    LIST_MERGE_CANDIDATES,
    DISMISS_MERGE_CANDIDATE,
    LIST_SEGMENTS,
    SAVE_SEGMENT,
    GET_SEGMENT,
    DELETE_SEGMENT,
    COUNT_SEGMENT,
    COUNT_SEGMENT_BY_BODY,
    START_VERIFICATION,
    CONFIRM_VERIFICATION,
    CONFIRM_BY_LINK,
    UPDATE_BY_MESSAGE,
    DEACTIVATE_BY_MESSAGE,
    GET_BY_NAME,
    GET_EMAIL_PREFERENCES_BY_QUERY,
    GET_AUDIT,
    LIVE,
    READY,
    METRICS,
    OPENAPI_JSON,
    OPENAPI_YAML,
    DOCS,
    DOCS_SCRIPT,
    DOCS_STYLE,
)

UNMATCHED: Final = "unmatched"
"""The route that metrics and logs show for a request that has none."""
