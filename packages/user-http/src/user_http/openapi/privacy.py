"""The operations on privacy requests and legal holds as the document describes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from user_http.openapi.describing import Body, Description, Success
from user_http.openapi.examples import user
from usercore.codec.privacy import hold_object, request_object
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.privacy.requests.holds import LegalHold
from usercore.privacy.requests.model import Asked, PrivacyRequest, RequestId
from usercore.privacy.requests.values import IdentityCheck, IdentityMethod, Jurisdiction, RequestKind

_USER: Final = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")
_AT: Final = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
_SELF: Final = Actor(ActorKind.USER, _USER)
_REQUEST: Final = PrivacyRequest.receive(
    RequestId("01932f71-0b5e-7f1d-8c2a-4e6d9b1a3c58"),
    _USER,
    RequestKind.ACCESS,
    Jurisdiction.GDPR,
    now=_AT,
    zone=UTC,
    actor=_SELF,
    asked=Asked("What do you know of me?"),
).checked(IdentityCheck(IdentityMethod.SIGNED_IN, _AT, _SELF))
_HOLD: Final = LegalHold(_USER, "case-2026-17", "claim of 12 January", _AT, Actor(ActorKind.OPERATOR, "ada"))


def request() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a privacy request."""
    return request_object(_REQUEST, _AT)


def page() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of privacy requests."""
    return {"items": [request()], "nextCursor": None}


def hold() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a legal hold."""
    return hold_object(_HOLD)


def holds() -> Any:  # noqa: ANN401 -- any JSON value
    """Return somebody's legal holds."""
    return {"items": [hold()], "nextCursor": None}


_TAG: Final = "Privacy"
_ONE: Final = Success("PrivacyRequest", request)
_PAGE: Final = Success("PrivacyRequestPage", page, ("Link",))
_TWICE: Final = "Doing it twice is doing it once."


def _decision(summary: str, text: str, body: Body | None = None) -> Description:
    return Description(_TAG, summary, f"{text} {_TWICE}", ("requestId",), _ONE, body)


DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "createPrivacyRequest": Description(
        _TAG,
        "Ask something of a person's data",
        "Users may ask about themselves: a token for which they signed in just before proves who they are. Of one "
        "kind one request is open, but for rectifications; asking again answers with the one that is open.",
        ("userId",),
        Success("PrivacyRequest", request, ("Location",), 201),
        Body("NewPrivacyRequest", {"kind": "ACCESS", "text": "What do you know of me?"}),
    ),
    "listPrivacyRequestsOfUser": Description(
        _TAG,
        "List what was asked of a person's data",
        "The newest first. Users may read their own.",
        ("userId", "limit", "cursor"),
        _PAGE,
    ),
    "getPrivacyRequestOfUser": Description(
        _TAG, "Read one request", "Users may read their own.", ("userId", "requestId"), _ONE
    ),
    "cancelPrivacyRequest": Description(
        _TAG,
        "Take a request back",
        f"Users may take back their own, but for an erasure that has begun. {_TWICE}",
        ("userId", "requestId"),
        _ONE,
    ),
    "getPrivacyArchive": Description(
        _TAG,
        "Fetch the archive of an access or portability request",
        "A ZIP file with JSON and CSV, until `archiveUntil`. Users may fetch their own.",
        ("userId", "requestId"),
        Success("PrivacyRequest", request, ("Content-Disposition",), media="application/zip"),
    ),
    "liftRestriction": Description(
        _TAG,
        "Let data that was restricted be used again",
        f"The person is told before (GDPR, Art. 18(3)). {_TWICE}",
        ("userId",),
        Success("User", user, ("ETag",)),
    ),
    "listLegalHolds": Description(
        _TAG,
        "List a person's legal holds",
        "Ended ones too, the oldest first.",
        ("userId",),
        Success("LegalHolds", holds),
    ),
    "placeLegalHold": Description(
        _TAG,
        "Keep a person's data for a legal matter",
        f"While a hold lasts, neither erasure nor retention touch the data. {_TWICE}",
        ("userId",),
        Success("LegalHold", hold),
        Body("NewLegalHold", {"matter": "case-2026-17", "reason": "claim of 12 January"}),
    ),
    "releaseLegalHold": Description(
        _TAG,
        "End a legal hold",
        f"An erasure that waited for it goes on. {_TWICE}",
        ("userId", "matter"),
        Success("LegalHold", hold),
        Body("WithReason", {"reason": "settled on 3 March"}),
    ),
    "listPrivacyRequests": Description(
        _TAG,
        "List what was asked of anybody's data",
        "The newest first; filters combine.",
        ("limit", "cursor", "ofUser", "requestState", "requestKind", "overdue"),
        _PAGE,
    ),
    "getPrivacyRequest": Description(
        _TAG, "Read one request, whoever's it is", "Requests of erased users too.", ("requestId",), _ONE
    ),
    "verifyRequester": _decision(
        "Note how it was found who asks",
        "The request is accepted.",
        Body("IdentityNote", {"note": "passport seen at the desk"}),
    ),
    "extendPrivacyRequest": _decision(
        "Put the deadline off",
        "Once, and within the first period (GDPR, Art. 12(3)); the person is written why.",
        Body("WithReason", {"reason": "the data lies in many systems"}),
    ),
    "refusePrivacyRequest": _decision(
        "Answer that nothing is done",
        "The person is written why, and by what law.",
        Body("RefusalInput", {"ground": "EXCESSIVE", "text": "The same was asked nine times this week."}),
    ),
    "completePrivacyRequest": _decision(
        "Answer what an operator has done",
        "An erasure is completed by the service alone.",
        Body("Outcome", {"outcome": "the name was corrected by hand"}),
    ),
    "runPrivacyRequest": _decision("Go on with a request now", "What the service would do by itself within seconds."),
}
