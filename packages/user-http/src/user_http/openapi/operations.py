"""Each operation as the document describes it."""

from collections.abc import Mapping
from typing import Any, Final

from user_http.decoding.form import FORMS
from user_http.decoding.media import JSON, MERGE_PATCH
from user_http.openapi import examples, importing, merging, privacy, segments
from user_http.openapi.describing import Body, Description, Success

_ID: Final = "$response.body#/id"
_TAG: Final = "$response.header.ETag"


def _link(operation_id: str, text: str, **parameters: str) -> dict[str, Any]:
    return {"operationId": operation_id, "parameters": parameters, "description": text}


def _next_steps() -> dict[str, Any]:
    """Return what can be done with a user that an answer shows."""
    tagged: dict[str, str] = {"path.userId": _ID, "header.If-Match": _TAG}
    return {
        "GetUser": _link("getUser", "Read the user.", userId=_ID),
        "PatchUser": _link("patchUser", "Change what was read.", **tagged),
        "DeactivateUser": _link("deactivateUser", "Deactivate the user.", userId=_ID),
        "ReactivateUser": _link("reactivateUser", "Reactivate the user.", userId=_ID),
        "GetEmailPreferences": _link("getEmailPreferences", "Read the email preferences.", userId=_ID),
        "GetConsents": _link("getConsents", "Read the consents.", userId=_ID),
        "StartVerification": _link("startVerification", "Verify a contact.", userId=_ID),
        "GetHistory": _link("getHistory", "Read what happened.", userId=_ID),
        "GetActivity": _link("getActivity", "Read what the user did elsewhere.", userId=_ID),
        "UpdateUserByMessage": _link("updateUserByMessage", "Change the user.", **{"query.userId": _ID}),
    }


def _user(status: int = 200, *headers: str, also: str | None = None) -> Success:
    return Success("User", examples.user, ("ETag", *headers), status, _next_steps(), also)


_KEY: Final = "idempotencyKey"
_LIST: Final = (
    "limit",
    "cursor",
    "sort",
    "email",
    "username",
    "externalId",
    "status",
    "createdAfter",
    "createdBefore",
    "updatedAfter",
    "updatedBefore",
    "q",
    "filter",
    "segment",
)
_BOTH: Final = (MERGE_PATCH, JSON)
_PAGE: Final = Success("", dict, media="text/html")
_PREFERENCES: Final = Success("EmailPreferences", examples.preferences, ("ETag",))

DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "createUser": Description(
        "Users",
        "Create a user",
        "Without a password the user is sent an invitation to choose one.",
        (_KEY,),
        _user(201, "Location"),
        Body("CreateUser", examples.CREATE),
    ),
    "listUsers": Description(
        "Users",
        "List and search users",
        "Filters combine. Pages are found by key, so that the ten-thousandth is as quick as the first. `filter` "
        "chooses by profile, activity, email preferences and consents, as `docs/segments.md` describes it; users whose "
        "data is restricted satisfy it only where it names `restricted`, merged and erased users never.",
        _LIST,
        Success(
            "UserPage",
            examples.user_page,
            ("Link",),
            links={
                "GetUser": _link("getUser", "Read the first user.", userId="$response.body#/items/0/id"),
                "NextPage": _link("listUsers", "Read the next page.", cursor="$response.body#/nextCursor"),
            },
        ),
    ),
    "getUser": Description(
        "Users",
        "Read a user",
        "Users may read themselves.",
        ("userId", "include", "ifNoneMatch"),
        _user(also="UserWithIncluded"),
    ),
    "patchUser": Description(
        "Users",
        "Change a user",
        "A JSON Merge Patch (RFC 7396): null empties a field, what is missing stays. Users may change themselves.",
        ("userId", "ifMatchRequired", _KEY),
        _user(),
        Body("UserPatch", examples.PATCH, media=_BOTH),
    ),
    "deactivateUser": Description(
        "Users",
        "Deactivate a user",
        "Doing it twice is doing it once. Users may deactivate themselves.",
        ("userId", "ifMatch", _KEY),
        _user(),
        Body("Deactivation", examples.DEACTIVATION, required=False),
    ),
    "reactivateUser": Description(
        "Users",
        "Reactivate a user",
        "Doing it twice is doing it once.",
        ("userId", "ifMatch", _KEY),
        _user(),
        Body("Reactivation", examples.REACTIVATION, required=False),
    ),
    "getEmailPreferences": Description(
        "Email preferences",
        "Read email preferences",
        "Every registered topic, with what the user said of it or the default. Users may read their own.",
        ("userId",),
        _PREFERENCES,
    ),
    "patchEmailPreferences": Description(
        "Email preferences",
        "Change email preferences",
        "Topics that are not named stay as they are. Users may change their own.",
        ("userId", "ifMatch", _KEY),
        _PREFERENCES,
        Body("EmailPreferencesPatch", examples.PREFERENCES_PATCH, media=_BOTH),
    ),
    "getConsents": Description(
        "Consents",
        "Read a user's consents and their ledger",
        "For every registered purpose, and for the sale of data in any case, what holds; and line by line how it came "
        "to be, the newest first. Users may read their own.",
        ("userId", "limit", "below"),
        Success("ConsentPage", examples.consents, ("ETag", "Link")),
    ),
    "recordConsent": Description(
        "Consents",
        "Give or withdraw a consent",
        "Adds a line to the ledger; what was said already adds none. Withdrawing takes no more than giving, and is "
        "taken of deactivated users as well. Users may speak for themselves. A request of a user about themselves with "
        "`Sec-GPC: 1`, whichever it is, withdraws the consent to the sale of data.",
        ("userId", "ifMatch", _KEY),
        Success("RecordedConsent", examples.consent, ("ETag",)),
        Body("ConsentInput", examples.CONSENT),
    ),
    "getUnsubscribeHeaders": Description(
        "Email preferences",
        "Ask before mail on a topic is sent",
        "Whether the user may be written to, and the headers List-Unsubscribe and List-Unsubscribe-Post (RFC 8058) for "
        "the mail. Ask for each mail and each user: preferences and suppressions change.",
        ("userId", "topic"),
        Success("MailPermission", examples.mail_permission),
    ),
    "showUnsubscription": Description(
        "Email preferences",
        "Show an unsubscription link to people",
        "A page that asks, and changes nothing.",
        ("token",),
        _PAGE,
    ),
    "unsubscribe": Description(
        "Email preferences",
        "Unsubscribe by one click",
        "What mail software posts (RFC 8058): without a bearer token or a cookie, and without being sent elsewhere. "
        "Doing it twice is doing it once. A token that is not valid is answered the same, however it is wrong; a valid "
        "one is answered the same, whatever has become of the user.",
        ("token",),
        _PAGE,
        Body("OneClick", examples.ONE_CLICK, media=FORMS),
    ),
    "checkSuppression": Description(
        "Email preferences",
        "Ask whether an address must not be written to",
        "The address is posted so that no log of URLs keeps it; nothing changes.",
        (),
        Success("SuppressionAnswer", examples.suppressions),
        Body("AddressToCheck", examples.ADDRESS),
    ),
    "getHistory": Description(
        "History",
        "Read a user's history, or the profile as it was",
        "Who changed what, when, before and after, the newest first; with `at` the profile as it was then.",
        ("userId", "at", "limit", "below"),
        Success("HistoryPage", examples.history, ("Link",), also="User"),
    ),
    "getActivity": Description(
        "Activity",
        "Read a user's orders, payments and loyalty points",
        "What other services told of the user, the newest first, and what all of it amounts to. It is no part of the "
        "profile, and does not change its version. Users may read their own.",
        ("userId", "limit", "cursor", "kind"),
        Success("ActivityPage", examples.activity, ("Link",)),
    ),
    **importing.DESCRIPTIONS,
    **merging.DESCRIPTIONS,
    **privacy.DESCRIPTIONS,
    **segments.DESCRIPTIONS,
    "startVerification": Description(
        "Verification",
        "Verify a contact, or take note of a verified identity",
        "For `email` and `phone` the NotificationService sends a code of six digits and a link; what was sent before "
        "no longer serves. Users may verify their own. What another has verified, the channel `identity`, is recorded "
        "with verifier and reference, and needs a scope.",
        ("userId", _KEY),
        Success(
            "StartedVerification",
            examples.verification,
            status=201,
            links={
                "ConfirmVerification": _link(
                    "confirmVerification",
                    "Confirm it.",
                    **{"path.userId": "$response.body#/userId", "path.verificationId": _ID},
                ),
            },
        ),
        Body("NewVerification", examples.NEW_VERIFICATION),
    ),
    "confirmVerification": Description(
        "Verification",
        "Confirm a verification",
        "By the code, or by the token of the link. Guesses are counted. Whatever is wrong, with the code, its age, the "
        "verification or whose it is, is answered alike. Users may confirm their own.",
        ("userId", "verificationId", _KEY),
        _user(),
        Body("Confirmation", examples.CONFIRMATION),
    ),
    "confirmVerificationByLink": Description(
        "Verification",
        "Confirm a verification by its link alone",
        "For the page that the link leads to: it sends the token once the person has agreed. No bearer token is "
        "needed; the link's own is the proof.",
        (),
        Success("ConfirmedContact", examples.confirmed_contact),
        Body("LinkConfirmation", examples.LINK_CONFIRMATION),
    ),
    "updateUserByMessage": Description(
        "Catalogue",
        "Change a user, as the catalogue's UpdateUser",
        "The user is named in the body or in the query. If-Match may be left out.",
        ("aliasUserId", "ifMatch", _KEY),
        _user(),
        Body("UpdateUser", examples.UPDATE),
    ),
    "deactivateUserByMessage": Description(
        "Catalogue",
        "Deactivate a user, as the catalogue's DeactivateUser",
        "The user is named in the body or in the query.",
        ("aliasUserId", "ifMatch", _KEY),
        _user(),
        Body("DeactivateUser", examples.DEACTIVATE),
    ),
    "getUserByName": Description(
        "Catalogue",
        "Find a user, as the catalogue's GetUser",
        "Name the user by exactly one of the three.",
        ("byId", "email", "username"),
        _user(),
    ),
    "getEmailPreferencesByQuery": Description(
        "Catalogue",
        "Read email preferences, as the catalogue's GetUserEmailPreferences",
        "The same as the path of the user.",
        ("byUserId",),
        _PREFERENCES,
    ),
    "getAudit": Description(
        "Audit",
        "Read the audit trail",
        "Who did what to whom, the newest first: changes, and what operators looked at. Conditions combine. A page on "
        "which little is found may be short and still have a `nextCursor`.",
        ("auditUser", "auditActor", "auditAction", "since", "until", "limit", "cursor"),
        Success(
            "AuditPage",
            examples.audit,
            ("Link",),
            links={"NextPage": _link("getAudit", "Read the next page.", cursor="$response.body#/nextCursor")},
        ),
    ),
    "getLiveness": Description(
        "Service",
        "Whether the process runs",
        "No other part is asked.",
        (),
        Success("Liveness", lambda: {"status": "alive"}),
    ),
    "getReadiness": Description(
        "Service",
        "Whether this copy can serve",
        "The database is asked. A copy that is stopping says no before it stops.",
        (),
        Success("Readiness", lambda: {"ready": True, "parts": {"database": "ok", "cache": "ok"}}),
    ),
}

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "getMetrics": ("Metrics in Prometheus' text format", "text/plain"),
    "getOpenapiJson": ("This document as JSON", "application/json"),
    "getOpenapiYaml": ("This document as YAML", "application/yaml"),
    "getDocs": ("This document for people", "text/html"),
    "getDocsScript": ("The script of that page", "text/javascript"),
    "getDocsStyle": ("The style sheet of that page", "text/css"),
}
"""Operations that answer with something else than JSON of ours: what it is, and its media type."""
