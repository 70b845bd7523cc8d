"""Who may do what: every operation, with every scope, about every sort of user, is tried and held against a table.

The table here is written apart from the one in the code. A new operation needs a row in both, and whatever is said
of it there is tried: nothing more than its row in `EXPECTED` and, where it takes one, a body or query in `request_of`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import combinations, product
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.http.api import Api, serving
from tests.http.problems import problem_of
from tests.http.states import erase, put
from tests.http.tokens import bearer
from user_http.access import PUBLIC, RULES, rule_of
from user_http.auth.callers import Scope
from user_http.lane import LANE_ROUTES
from user_http.routes import ROUTES
from usercore.preferences.topics import RegisterTopicCommand
from usercore.users.values import AccountState

ABSENT: Final = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
ROLES: Final = {
    "reader": "users:read",
    "writer": "users:write",
    "admin": "users:admin",
    "privacy": "privacy:manage",
    "auditor": "audit:read",
}
READ: Final = {"reader", "admin"}
WRITE: Final = {"writer", "admin"}
USERS: Final = READ | WRITE
PRIVACY: Final = {"privacy"}
ABOUT_REQUESTS: Final = (
    "listPrivacyRequests",
    "getPrivacyRequest",
    "verifyRequester",
    "extendPrivacyRequest",
    "refusePrivacyRequest",
    "completePrivacyRequest",
    "runPrivacyRequest",
)

# Operation → who may call it about anybody, and whether users may about themselves.
EXPECTED: Final[dict[str, tuple[set[str], bool]]] = {
    "createUser": (WRITE, False),
    "listUsers": (READ, False),
    "getUser": (READ, True),
    "patchUser": (WRITE, True),
    "deactivateUser": (WRITE, True),
    "reactivateUser": (WRITE, False),
    "getEmailPreferences": (READ, True),
    "patchEmailPreferences": (WRITE, True),
    "getConsents": (READ | {"privacy"}, True),
    "recordConsent": (WRITE | {"privacy"}, True),
    "getUnsubscribeHeaders": (READ, False),
    "checkSuppression": ({"privacy"}, False),
    "getHistory": (READ | {"auditor"}, True),
    "getActivity": (READ | {"auditor"}, True),
    "createPrivacyRequest": (PRIVACY, True),
    "listPrivacyRequestsOfUser": (PRIVACY, True),
    "getPrivacyRequestOfUser": (PRIVACY, True),
    "cancelPrivacyRequest": (PRIVACY, True),
    "getPrivacyArchive": (PRIVACY, True),
    "liftRestriction": (PRIVACY, False),
    "listLegalHolds": (PRIVACY, False),
    "placeLegalHold": (PRIVACY, False),
    "releaseLegalHold": (PRIVACY, False),
    **dict.fromkeys(ABOUT_REQUESTS, (PRIVACY, False)),
    **dict.fromkeys(
        ("previewMerge", "mergeUsers", "listMerges", "getMerge", "previewUndoOfMerge", "undoMerge"), ({"admin"}, False)
    ),
    **dict.fromkeys(
        ("createImport", "listImports", "getImport", "listImportErrors", "cancelImport"), ({"admin"}, False)
    ),
    **dict.fromkeys(("listMergeCandidates", "dismissMergeCandidate"), ({"admin"}, False)),
    **dict.fromkeys(("listSegments", "getSegment", "countSegment", "countSegmentByBody"), (READ, False)),
    **dict.fromkeys(("saveSegment", "deleteSegment"), ({"admin"}, False)),
    "startVerification": (WRITE, True),
    "confirmVerification": (WRITE, True),
    "updateUserByMessage": (WRITE, True),
    "deactivateUserByMessage": (WRITE, True),
    "getUserByName": (READ, True),
    "getEmailPreferencesByQuery": (READ, True),
    "getAudit": ({"auditor"}, False),
}
ABOUT_NOBODY: Final = {
    "createUser",
    "listUsers",
    "getAudit",
    "checkSuppression",
    "createImport",
    "listImports",
    "getImport",
    "listImportErrors",
    "cancelImport",
    "listMergeCandidates",
    "dismissMergeCandidate",
    "listSegments",
    "saveSegment",
    "getSegment",
    "deleteSegment",
    "countSegment",
    "countSegmentByBody",
    *ABOUT_REQUESTS,
}
OWNERS: Final = ("self", "other", "absent", "deactivated", "deactivated self", "erased", "erased self")

# What those who may do it are answered where it is not 200: by operation, or by operation and owner.
NO_REQUEST: Final = (404, "privacy_request_not_found")
SERVED: Final[dict[str | tuple[str, str], tuple[int, str]]] = {
    "createUser": (201, ""),
    "createImport": (415, "content_type_unsupported"),  # the request there brings no file
    **dict.fromkeys(("getImport", "listImportErrors", "cancelImport"), (404, "import_not_found")),
    "createPrivacyRequest": (201, ""),
    # There is no request of the id that the path names, nor a hold of that name.
    **dict.fromkeys(ABOUT_REQUESTS[1:], NO_REQUEST),
    **dict.fromkeys(("getPrivacyRequestOfUser", "cancelPrivacyRequest", "getPrivacyArchive"), NO_REQUEST),
    "releaseLegalHold": (404, "legal_hold_not_found"),
    # It is to be merged with itself, and there is no merge of the id that the path names.
    "previewMerge": (422, "merge_invalid"),
    "mergeUsers": (422, "merge_invalid"),
    "dismissMergeCandidate": (422, "merge_invalid"),
    **dict.fromkeys(("getMerge", "previewUndoOfMerge", "undoMerge"), (404, "merge_not_found")),
    "startVerification": (201, ""),
    "saveSegment": (201, ""),
    **dict.fromkeys(("getSegment", "deleteSegment"), (404, "segment_not_found")),
    "confirmVerification": (422, "verification_failed"),  # the request there names one that nobody knows
}
SERVED.update(
    {
        (operation, owner): (409, "user_deactivated")
        for operation in (
            "patchUser",
            "patchEmailPreferences",
            "updateUserByMessage",
            "startVerification",
            "confirmVerification",
            "previewMerge",
            "mergeUsers",
        )
        for owner in ("deactivated", "deactivated self")
    }
)

NO_SCOPE: Final[tuple[str, ...]] = ()
UNKNOWN_SCOPES: Final = "users:everything USERS:READ users:readx users:read,users:write"


def role_sets() -> Iterator[tuple[str, ...]]:
    """Give no role, each alone, each pair, all but one, and all."""
    for size in (0, 1, 2, len(ROLES) - 1, len(ROLES)):
        yield from combinations(ROLES, size)


def owners_for(operation: str) -> tuple[str, ...]:
    """Give every sort of user that an operation may be about."""
    return OWNERS[:1] if operation in ABOUT_NOBODY else OWNERS


@asynccontextmanager
async def served_by_each(folder: Path, operation: str) -> AsyncIterator[list[Api]]:
    """Serve an operation by the router, and on the lane where that takes it."""
    lanes = (True, False) if operation in {route.id for route in LANE_ROUTES} else (False,)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(folder, read_lane=lane)) for lane in lanes]


def request_of(operation: str, user_id: str) -> dict[str, Any]:
    """Give a request of an operation about a user that would be served if it were allowed."""
    route = next(route for route in ROUTES if route.id == operation)
    path = route.path.replace("{userId}", user_id).replace("{matter}", "case-1")
    path = path.replace("{name}", "nobody")
    path = path.replace("{mergeId}", ABSENT).replace("{importId}", ABSENT)
    path = path.replace("{requestId}", ABSENT).replace("{verificationId}", ABSENT)
    asked: dict[str, Any] = {"method": route.method, "url": path}
    bodies: dict[str, object] = {
        "createUser": {"email": f"{uuid4().hex}@example.com", "firstName": "A", "lastName": "B"},
        "patchUser": {"firstName": "Changed"},
        "patchEmailPreferences": {"topics": {"news": {"subscribed": True}}},
        "recordConsent": {"purpose": "sale", "given": False},
        "createPrivacyRequest": {"kind": "ACCESS"},
        "placeLegalHold": {"matter": "case-1", "reason": "a claim"},
        "releaseLegalHold": {"reason": "settled"},
        "verifyRequester": {"note": "passport seen"},
        "extendPrivacyRequest": {"reason": "many systems"},
        "refusePrivacyRequest": {"ground": "EXCESSIVE", "text": "too often"},
        "completePrivacyRequest": {"outcome": "done"},
        "checkSuppression": {"email": "a@example.com"},
        "previewMerge": {"mergedUserId": user_id},
        "mergeUsers": {"mergedUserId": user_id, "reason": "the same person"},
        "undoMerge": {"reason": "two people"},
        "dismissMergeCandidate": {"userId": ABSENT, "otherUserId": ABSENT, "reason": "two people"},
        "countSegmentByBody": {"filter": "version = 1"},
        "saveSegment": {"name": "everybody", "filter": "version >= 1"},
        "deleteSegment": {"reason": "not needed"},
        "startVerification": {"channel": "email"},
        "confirmVerification": {"code": "271828"},
        "updateUserByMessage": {"userId": user_id, "firstName": "Changed"},
        "deactivateUserByMessage": {"userId": user_id},
    }
    queries = {
        "countSegment": {"filter": "version = 1"},
        "getUnsubscribeHeaders": {"topic": "news"},
        "getUserByName": {"id": user_id},
        "getEmailPreferencesByQuery": {"userId": user_id},
    }
    return asked | {"json": bodies.get(operation), "params": queries.get(operation)}


def outcome(operation: str, roles: tuple[str, ...], owner: str) -> tuple[int, str]:
    """Give what the table says: a status, and the code of a problem."""
    allowed, own = EXPECTED[operation]
    about_self = owner.endswith("self")
    forbidden = (403, "scope_insufficient")
    if operation in ABOUT_NOBODY:
        return served(operation, owner) if allowed.intersection(roles) else forbidden
    if not allowed.intersection(roles) and not (about_self and own):
        return forbidden if about_self or USERS.intersection(roles) else (404, "user_not_found")
    if owner == "absent":
        return (404, "user_not_found")
    if owner.startswith("erased") and (operation, owner) not in SERVED:
        return (410, "user_erased") if "privacy" in roles else (404, "user_not_found")
    return served(operation, owner)


def served(operation: str, owner: str) -> tuple[int, str]:
    """Give what is answered to those who may do it."""
    return SERVED.get((operation, owner), SERVED.get(operation, (200, "")))


async def users_of(api: Api, owner: str) -> tuple[str, str]:
    """Give who asks, and whom it is about."""
    someone = await api.enrol()
    if owner == "absent":
        return someone, ABSENT
    target = someone if owner.endswith("self") else await api.enrol()
    if owner.startswith("deactivated"):
        put(api.database, target, AccountState.DEACTIVATED)
    if owner.startswith("erased"):
        erase(api.database, target)
    return someone, target


def essence(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Give all of an answer that may tell one user from another: how much of a quota is left is about the caller."""
    headers = {name: value for name, value in response.headers.items() if name != "ratelimit"}
    return response.status_code, response.content, headers


def test_the_tables_name_every_operation_once_and_need_a_token_for_all_about_users() -> None:
    assert set(EXPECTED) == set(RULES), "an operation needs a row in EXPECTED, and its request in request_of"
    assert sorted([*RULES, *PUBLIC]) == sorted(route.id for route in ROUTES)
    assert all(PUBLIC.values())
    with pytest.raises(LookupError):
        rule_of("getNothing")


def test_the_roles_are_the_scopes() -> None:
    assert set(ROLES.values()) == {scope.value for scope in Scope}


def test_the_table_allows_what_the_code_allows() -> None:
    for operation, (allowed, own) in EXPECTED.items():
        assert RULES[operation].scopes == {ROLES[role] for role in allowed}, operation
        assert RULES[operation].own == own, operation


@pytest.mark.parametrize("operation", EXPECTED)
async def test_the_answer_is_the_one_of_the_table(tmp_path: Path, operation: str) -> None:
    async with served_by_each(tmp_path, operation) as apis:
        for api in apis:
            await api.core.register_topic(RegisterTopicCommand("news", "News", "1"))
            for owner, roles in product(owners_for(operation), role_sets()):
                await _try(api, operation, roles, owner)


async def _try(api: Api, operation: str, roles: tuple[str, ...], owner: str) -> None:
    someone, target = await users_of(api, owner)
    before = api.footprint()
    headers = bearer(" ".join(map(ROLES.__getitem__, roles)), someone) | {"If-Match": "*", "X-Request-Id": "same"}
    response = await api.client.request(**request_of(operation, target), headers=headers)
    status, code = outcome(operation, roles, owner)
    if not code:
        assert response.status_code == status, (owner, roles, response.text)
        return
    assert response.status_code == status, (owner, roles, response.text)
    problem_of(response, status, code)
    assert api.footprint() == before
    assert ("www-authenticate" in response.headers) == (status == 403)
    if code == "user_not_found" and target != someone:
        absent = await api.client.request(**request_of(operation, ABSENT), headers=headers)
        assert essence(absent) == essence(response)


@pytest.mark.parametrize("operation", EXPECTED)
async def test_scopes_that_nobody_knows_allow_nothing(tmp_path: Path, operation: str) -> None:
    async with served_by_each(tmp_path, operation) as apis:
        for api, scope in product(apis, (UNKNOWN_SCOPES, "")):
            someone, other = await users_of(api, "other")
            headers = bearer(scope, someone) | {"If-Match": "*"}
            response = await api.client.request(**request_of(operation, other), headers=headers)
            problem_of(response, *outcome(operation, NO_SCOPE, "other"))


@pytest.mark.parametrize("operation", [name for name in EXPECTED if name not in ABOUT_NOBODY])
async def test_another_users_id_answers_exactly_as_an_absent_one(tmp_path: Path, operation: str) -> None:
    """Whatever has become of them: users can find out nothing about others."""
    async with served_by_each(tmp_path, operation) as apis:
        for api in apis:
            targets = [await users_of(api, owner) for owner in ("other", "absent", "deactivated", "erased")]
            headers = bearer("", await api.enrol()) | {"If-Match": "*", "X-Request-Id": "same"}
            answers = [
                essence(await api.client.request(**request_of(operation, target), headers=headers))
                for _, target in targets
            ]
            assert answers[0][0] == 404
            assert answers == answers[:1] * len(targets)


@pytest.mark.parametrize("name", ["email", "username"])
async def test_users_find_themselves_by_name_and_nobody_else(api: Api, name: str) -> None:
    someone, other = await api.create(), await api.create()
    headers = bearer("", someone["id"]) | {"X-Request-Id": "same"}
    own, foreign, absent = [
        await api.client.get("/v1/users/get", params={name: value}, headers=headers)
        for value in (someone[name], other[name], "nobody@example.com")
    ]
    assert own.json() == someone
    assert essence(foreign) == essence(absent)
    problem_of(foreign, 404, "user_not_found")


@pytest.mark.parametrize("operation", EXPECTED)
async def test_without_a_token_nothing_is_served_or_read(tmp_path: Path, operation: str) -> None:
    async with served_by_each(tmp_path, operation) as apis:
        for api in apis:
            user_id = await api.enrol()
            before = api.footprint()
            for value in (None, "", "Basic YTpi", "Bearer", "Bearer ", "bearer x.y.z", "Token x"):
                await _try_without_a_token(api, operation, user_id, value)
            assert api.footprint() == before


async def _try_without_a_token(api: Api, operation: str, user_id: str, value: str | None) -> None:
    api.client.headers.pop("authorization", None)
    headers = {"X-Request-Id": "same"} | ({} if value is None else {"authorization": value})
    code = "token_invalid" if (value or "").lower().startswith("bearer") else "unauthenticated"
    answers = []
    for target in (user_id, ABSENT):
        response = await api.client.request(**request_of(operation, target), headers=headers)
        problem_of(response, 401, code)
        assert response.headers["www-authenticate"].startswith('Bearer realm="user-service"')
        answers.append(essence(response))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("operation", PUBLIC)
async def test_what_is_public_asks_nobody_for_a_token(api: Api, operation: str) -> None:
    route = next(route for route in ROUTES if route.id == operation)
    answers = []
    for headers in ({}, {"authorization": "Bearer x.y.z"}):
        api.client.headers.pop("authorization", None)
        answers.append((await api.client.request(route.method, route.path, headers=headers)).status_code)
    assert 401 not in answers
    assert answers[0] == answers[1]
