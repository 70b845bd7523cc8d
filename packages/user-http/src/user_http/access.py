"""Who may do what: one table, and the rule that reads it. `docs/access.md` is made from here.

A caller passes with one of an operation's scopes, or, where the operation allows it, as the very user it is
about. Everyone else is refused: callers who handle no users learn nothing about other people, so that another
user's id answers exactly as an absent one. An operation that stands in neither table is not served at all.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from user_http.auth.callers import Caller, Scope
from user_http.problems import SCOPE_INSUFFICIENT, RequestRefusedError
from usercore.kernel.context import Actor, ActorKind
from usercore.users.errors import UserNotFoundError


@frozen
class Rule:
    """Who may call one operation.

    Args:
        scopes: any one of them is enough.
        own: whether users may call it about themselves.
    """

    scopes: frozenset[Scope]
    own: bool = False


_READ: Final = frozenset({Scope.USERS_READ, Scope.USERS_ADMIN})
_WRITE: Final = frozenset({Scope.USERS_WRITE, Scope.USERS_ADMIN})
_PRIVACY: Final = frozenset({Scope.PRIVACY_MANAGE})
_ADMIN: Final = frozenset({Scope.USERS_ADMIN})

RULES: Final[Mapping[str, Rule]] = {
    "createUser": Rule(_WRITE),
    "listUsers": Rule(_READ),
    "getUser": Rule(_READ, own=True),
    "patchUser": Rule(_WRITE, own=True),
    "deactivateUser": Rule(_WRITE, own=True),
    "reactivateUser": Rule(_WRITE),
    "getEmailPreferences": Rule(_READ, own=True),
    "patchEmailPreferences": Rule(_WRITE, own=True),
    "getConsents": Rule(_READ | {Scope.PRIVACY_MANAGE}, own=True),
    "recordConsent": Rule(_WRITE | {Scope.PRIVACY_MANAGE}, own=True),
    "getUnsubscribeHeaders": Rule(_READ),
    "checkSuppression": Rule(frozenset({Scope.PRIVACY_MANAGE})),
    "getHistory": Rule(_READ | {Scope.AUDIT_READ}, own=True),
    "getActivity": Rule(_READ | {Scope.AUDIT_READ}, own=True),
    "createPrivacyRequest": Rule(_PRIVACY, own=True),
    "listPrivacyRequestsOfUser": Rule(_PRIVACY, own=True),
    "getPrivacyRequestOfUser": Rule(_PRIVACY, own=True),
    "cancelPrivacyRequest": Rule(_PRIVACY, own=True),
    "getPrivacyArchive": Rule(_PRIVACY, own=True),
    "liftRestriction": Rule(_PRIVACY),
    "listLegalHolds": Rule(_PRIVACY),
    "placeLegalHold": Rule(_PRIVACY),
    "releaseLegalHold": Rule(_PRIVACY),
    "listPrivacyRequests": Rule(_PRIVACY),
    "getPrivacyRequest": Rule(_PRIVACY),
    "verifyRequester": Rule(_PRIVACY),
    "extendPrivacyRequest": Rule(_PRIVACY),
    "refusePrivacyRequest": Rule(_PRIVACY),
    "completePrivacyRequest": Rule(_PRIVACY),
    "runPrivacyRequest": Rule(_PRIVACY),
    **dict.fromkeys(("createImport", "listImports", "getImport", "listImportErrors", "cancelImport"), Rule(_ADMIN)),
    "previewMerge": Rule(_ADMIN),
    "mergeUsers": Rule(_ADMIN),
    "listMerges": Rule(_ADMIN),
    "getMerge": Rule(_ADMIN),
    "previewUndoOfMerge": Rule(_ADMIN),
    "undoMerge": Rule(_ADMIN),
    "listMergeCandidates": Rule(_ADMIN),
    "dismissMergeCandidate": Rule(_ADMIN),
    "listSegments": Rule(_READ),
    "saveSegment": Rule(_ADMIN),
    "getSegment": Rule(_READ),
    "deleteSegment": Rule(_ADMIN),
    "countSegment": Rule(_READ),
    "countSegmentByBody": Rule(_READ),
    "startVerification": Rule(_WRITE, own=True),
    "confirmVerification": Rule(_WRITE, own=True),
    "updateUserByMessage": Rule(_WRITE, own=True),
    "deactivateUserByMessage": Rule(_WRITE, own=True),
    "getUserByName": Rule(_READ, own=True),
    "getEmailPreferencesByQuery": Rule(_READ, own=True),
    "getAudit": Rule(frozenset({Scope.AUDIT_READ})),
}
"""Operation → who may call it, with a token."""

RECORD_IDENTITY: Final = Rule(_WRITE)
"""Who may say by `startVerification` that an identity has been verified: nobody of themselves."""

PUBLIC: Final[Mapping[str, str]] = {
    "showUnsubscription": "Whoever has the mail has the link; the page changes nothing.",
    "unsubscribe": "One click must do (RFC 8058): the token in the path is the proof, and says nothing of anybody.",
    "confirmVerificationByLink": "The token in the link is the proof; whoever holds it was sent it.",
    "getLiveness": "Probes carry no token, and learn only that the process runs.",
    "getReadiness": "Probes carry no token, and learn only which parts answer.",
    "getMetrics": "Metrics hold nothing of anybody; keep the path from the outside by the proxy.",
    "getOpenapiJson": "The description of the API is no secret.",
    "getOpenapiYaml": "The description of the API is no secret.",
    "getDocs": "The description of the API is no secret.",
    "getDocsScript": "Part of the description.",
    "getDocsStyle": "Part of the description.",
}
"""Operation that anybody may call, without a token → why."""


def rule_of(operation: str) -> Rule | None:
    """Return who may call an operation with a token, or None where no token is needed.

    Raises:
        LookupError: nobody has said who may call it.
    """
    rule = RULES.get(operation)
    if (rule is None) != (operation in PUBLIC):
        message = f"the access tables must name the operation {operation} once"
        raise LookupError(message)
    return rule


def authorise(rule: Rule, caller: Caller, target: str | None) -> None:
    """Pass a caller who may do it.

    Args:
        rule: the operation's.
        caller: who asks.
        target: the user's id it is about, or None where it is about nobody in particular.

    Raises:
        UserNotFoundError: it is about another user, and the caller may not know who exists.
        RequestRefusedError: the token lacks a scope.
    """
    if not rule.scopes.isdisjoint(caller.scopes):
        return
    own = target is not None and target == caller.subject
    if own and rule.own:
        return
    if target is not None and not own and not caller.handles_users:
        raise UserNotFoundError
    scopes = " ".join(sorted(rule.scopes))
    challenge = f'Bearer realm="user-service", error="insufficient_scope", scope="{scopes}"'
    raise RequestRefusedError(
        SCOPE_INSUFFICIENT,
        f"one of these scopes is needed: {scopes}",
        headers=((b"www-authenticate", challenge.encode()),),
    )


def is_privileged(rule: Rule, caller: Caller) -> bool:
    """Return whether the caller may do it to anybody."""
    return not rule.scopes.isdisjoint(caller.scopes)


_OPERATORS: Final = frozenset({Scope.USERS_ADMIN, Scope.PRIVACY_MANAGE})


def actor_of(caller: Caller, target: str | None) -> Actor:
    """Return as whom a caller acts on a user."""
    if not _OPERATORS.isdisjoint(caller.scopes):
        return Actor(ActorKind.OPERATOR, caller.subject)
    if caller.subject == target and Scope.USERS_WRITE not in caller.scopes:
        return Actor(ActorKind.USER, caller.subject)
    return Actor(ActorKind.SERVICE, caller.subject)
