"""Roles, operations and owners: every combination is tried, on both ways to an answer."""

from typing import Any, Final

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of
from tests.http.states import erase
from tests.http.tokens import bearer
from user_http.access import RULES
from user_http.routes import ROUTES
from usercore.preferences.topics import RegisterTopicCommand

ABSENT: Final = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
ROLES: Final = {
    "nobody": "",
    "reader": "users:read",
    "writer": "users:write",
    "admin": "users:admin",
    "privacy": "privacy:manage",
    "auditor": "audit:read",
    "reader and writer": "users:read users:write",
    "unknown scopes": "users:everything USERS:READ users:readx",
}
READ: Final = {"reader", "admin", "reader and writer"}
WRITE: Final = {"writer", "admin", "reader and writer"}
USERS: Final = READ | WRITE

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
    "getHistory": (READ | {"auditor"}, True),
    "getActivity": (READ | {"auditor"}, True),
    "updateUserByMessage": (WRITE, True),
    "deactivateUserByMessage": (WRITE, True),
    "getUserByName": (READ, True),
    "getEmailPreferencesByQuery": (READ, True),
}
ABOUT_NOBODY: Final = {"createUser", "listUsers"}
OWNERS: Final = ("self", "other", "absent")


def request_of(operation: str, user_id: str) -> dict[str, Any]:
    """Give a request of an operation about a user that would be served if it were allowed."""
    route = next(route for route in ROUTES if route.id == operation)
    asked: dict[str, Any] = {"method": route.method, "url": route.path.replace("{userId}", user_id)}
    bodies: dict[str, object] = {
        "createUser": {"email": "new@example.com", "firstName": "A", "lastName": "B"},
        "patchUser": {"firstName": "Changed"},
        "patchEmailPreferences": {"topics": {"news": {"subscribed": True}}},
        "updateUserByMessage": {"userId": user_id, "firstName": "Changed"},
        "deactivateUserByMessage": {"userId": user_id},
    }
    queries = {"getUserByName": {"id": user_id}, "getEmailPreferencesByQuery": {"userId": user_id}}
    return asked | {"json": bodies.get(operation), "params": queries.get(operation)}


def outcome(operation: str, role: str, owner: str) -> tuple[int, str]:
    """Give what the table says: a status, and the code of a problem."""
    roles, own = EXPECTED[operation]
    if operation in ABOUT_NOBODY:
        return (201 if operation == "createUser" else 200, "") if role in roles else (403, "scope_insufficient")
    if role in roles:
        return (404, "user_not_found") if owner == "absent" else (200, "")
    if owner == "self":
        return (200, "") if own else (403, "scope_insufficient")
    return (403, "scope_insufficient") if role in USERS else (404, "user_not_found")


def test_the_table_names_every_operation_that_needs_a_token() -> None:
    assert set(EXPECTED) == set(RULES)
    open_to_all = {route.id for route in ROUTES} - set(RULES)
    assert all(not route.path.startswith("/v1/") for route in ROUTES if route.id in open_to_all)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", EXPECTED)
async def test_the_answer_is_the_one_of_the_table(api: Api, operation: str, role: str, owner: str) -> None:
    await api.core.register_topic(RegisterTopicCommand("news", "News", "1"))
    someone, other = await api.create(), await api.create()
    target = {"self": someone["id"], "other": other["id"], "absent": ABSENT}[owner]
    before = api.footprint()
    headers = bearer(ROLES[role], someone["id"]) | {"If-Match": "*"}
    response = await api.client.request(**request_of(operation, target), headers=headers)
    status, code = outcome(operation, role, owner)
    if code:
        problem_of(response, status, code)
        assert api.footprint() == before
        assert ("www-authenticate" in response.headers) == (status == 403)
    else:
        assert response.status_code == status, response.text


@pytest.mark.parametrize("operation", [name for name in EXPECTED if name not in ABOUT_NOBODY])
async def test_another_users_id_answers_exactly_as_an_absent_one(api: Api, operation: str) -> None:
    someone, other = await api.create(), await api.create()
    headers = bearer("", someone["id"]) | {"If-Match": "*", "X-Request-Id": "same"}
    answers = [
        await api.client.request(**request_of(operation, user_id), headers=headers) for user_id in (other["id"], ABSENT)
    ]
    assert answers[0].status_code == 404
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


@pytest.mark.parametrize("name", ["email", "username"])
async def test_users_find_themselves_by_name_and_nobody_else(api: Api, name: str) -> None:
    someone, other = await api.create(), await api.create()
    headers = bearer("", someone["id"]) | {"X-Request-Id": "same"}
    own, foreign, absent = [
        await api.client.get("/v1/users/get", params={name: value}, headers=headers)
        for value in (someone[name], other[name], "nobody@example.com")
    ]
    assert own.json() == someone
    assert foreign.content == absent.content
    problem_of(foreign, 404, "user_not_found")


@pytest.mark.parametrize("operation", [name for name in EXPECTED if name not in ABOUT_NOBODY])
async def test_an_erased_user_is_gone_for_those_who_manage_privacy_and_unknown_to_others(
    api: Api, operation: str
) -> None:
    user = await api.create()
    erase(api.database, user["id"])
    before = api.footprint()
    headers = {"If-Match": "*", "X-Request-Id": "same"}
    everything = "users:read users:write users:admin audit:read"
    asked = request_of(operation, user["id"])
    gone = await api.client.request(**asked, headers=headers | bearer(f"{everything} privacy:manage"))
    problem_of(gone, 410, "user_erased")
    unknown = await api.client.request(**asked, headers=headers | bearer(everything))
    absent = await api.client.request(**request_of(operation, ABSENT), headers=headers | bearer(everything))
    assert unknown.content == absent.content
    own = await api.client.request(**asked, headers=headers | bearer("", user["id"]))
    assert own.status_code in {403, 404}
    assert api.footprint() == before


@pytest.mark.parametrize("operation", EXPECTED)
async def test_without_a_token_nothing_is_served_or_read(api: Api, operation: str) -> None:
    asked = request_of(operation, ABSENT)
    for value in (None, "", "Basic YTpi", "Bearer", "Bearer ", "bearer x.y.z", "Token x"):
        api.client.headers.pop("authorization", None)
        headers = {} if value is None else {"authorization": value}
        response = await api.client.request(**asked, headers=headers)
        code = "token_invalid" if (value or "").lower().startswith("bearer") else "unauthenticated"
        problem_of(response, 401, code)
        assert response.headers["www-authenticate"].startswith('Bearer realm="user-service"')
