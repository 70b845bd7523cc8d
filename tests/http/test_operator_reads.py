"""What operators look at is recorded before they are shown it; nobody else pays for that."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from tests.http.api import Api, a_core, serving
from tests.http.problems import problem_of
from tests.http.tokens import bearer
from user_http.routes import ROUTES
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import UserId

ADMIN: Final = "users:admin privacy:manage"
READER: Final = "users:read"
ABSENT: Final = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"

# What each operation that shows personal data calls what it shows.
FACETS: Final[dict[str, tuple[str, ...]]] = {
    "listUsers": (),
    "getUser": ("profile",),
    "getEmailPreferences": ("email_preferences",),
    "getConsents": ("consents",),
    "getHistory": ("history",),
    "getActivity": ("activity",),
    "getUserByName": ("profile",),
    "getEmailPreferencesByQuery": ("email_preferences",),
    "listPrivacyRequestsOfUser": ("privacy_requests",),
    "getPrivacyRequestOfUser": ("privacy_requests",),
    "getPrivacyArchive": ("archive",),
    "listLegalHolds": ("legal_holds",),
    "listPrivacyRequests": ("privacy_requests",),
    "getPrivacyRequest": ("privacy_requests",),
    "listMerges": ("merges",),
    "getMerge": ("merges",),
    "listMergeCandidates": ("merge_candidates",),
}
LISTS: Final = {"listUsers", "listPrivacyRequests", "listMergeCandidates"}
MERGES: Final = {"listMerges", "getMerge"}
PHONE: Final = {"phoneNumber": "+4930111"}
SHOWN_TO_READERS: Final = [
    "listUsers",
    "getUser",
    "getEmailPreferences",
    "getConsents",
    "getHistory",
    "getActivity",
    "getUserByName",
    "getEmailPreferencesByQuery",
]
SEGMENTS: Final = ("listSegments", "getSegment", "countSegment")
IMPORTS: Final = {"listImports", "getImport", "listImportErrors"}
NOT_PERSONAL: Final = {"getAudit", "getUnsubscribeHeaders", "showUnsubscription", *SEGMENTS, *IMPORTS}
"""Names of fields without their values, and links for the mail of one user; filters that name nobody, and a number:
that it was asked for is kept under a name of its own. Of imports counts, lines and codes."""


class BrokenTrail:
    """A trail that takes no entry."""

    async def append(self, _: object) -> None:
        raise UnavailableError("no")

    async def append_listing(self, *_: object) -> None:
        raise UnavailableError("no")


@pytest.fixture(params=[True, False], ids=["lane", "router"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    async with serving(tmp_path, read_lane=request.param) as api:
        yield api


async def asking(api: Api, user: dict[str, Any], operation: str) -> dict[str, Any]:
    """Give a request of an operation about a user, who has an archive to be fetched, and a second account."""
    path = f"/v1/users/{user['id']}/privacy-requests"
    asked = await api.client.post(path, json={"kind": "ACCESS"}, headers=bearer("", user["id"]))
    run = await api.client.post(f"/v1/privacy-requests/{asked.json()['id']}/run", headers=bearer(ADMIN, "eve"))
    assert run.json()["state"] == "COMPLETED"
    twin = await api.create(**PHONE)
    await api.core.find_duplicates.scan()
    ids = {"userId": user["id"], "requestId": asked.json()["id"]}
    if operation in MERGES:
        ids["mergeId"] = await merged(api, user, twin)
    route = next(one for one in ROUTES if one.id == operation)
    queries = {"getUserByName": {"email": user["email"]}, "getEmailPreferencesByQuery": {"userId": user["id"]}}
    url = re.sub(r"{(\w+)}", lambda name: ids[name[1]], route.path)
    return {"method": route.method, "url": url, "params": queries.get(operation)}


async def merged(api: Api, user: dict[str, Any], twin: dict[str, Any]) -> str:
    """Merge somebody's second account into the first, and give the merge's id."""
    body, headers = {"mergedUserId": twin["id"], "reason": "one person"}, bearer("users:admin", "eve")
    done = await api.client.post(f"/v1/users/{user['id']}/merges", json=body, headers=headers | {"If-Match": "*"})
    assert done.status_code == 201, done.text
    return str(done.json()["id"])


def looks(api: Api, user_id: str) -> list[AuditEntry]:
    """Give what the trail says of who looked at a user, or at lists."""
    chain = api.database.audit.get(UserId(user_id), [])
    return [one.entry for one in chain if one.entry.action in {"UserRead", "UsersListed"}]


def test_every_operation_that_shows_personal_data_is_tried_here() -> None:
    reading = {route.id for route in ROUTES if route.method == "GET" and route.path.startswith("/v1/")}
    assert reading == {*FACETS, *NOT_PERSONAL}


@pytest.mark.parametrize("operation", FACETS)
async def test_an_operator_leaves_an_entry_and_nobody_else_does(either: Api, operation: str) -> None:
    user = await either.create(**PHONE)
    request = await asking(either, user, operation)
    owner = SERVICE_CHAIN if operation in LISTS else user["id"]
    for scopes, subject in ((READER, "shop"), ("", user["id"])):
        await either.client.request(**request, headers=bearer(scopes, subject))
    assert looks(either, owner) == []

    answer = await either.client.request(**request, headers=bearer(ADMIN, "ada") | {"X-Request-Id": "r-1"})

    assert answer.status_code == 200, answer.text
    [entry] = looks(either, owner)
    assert (str(entry.actor), entry.fields, entry.correlation_id) == ("OPERATOR:ada", FACETS[operation], "r-1")
    if operation in LISTS:
        assert entry.action == "UsersListed"
        assert user["id"] in either.database.listed[entry.event_id]


@pytest.mark.parametrize("operation", FACETS)
async def test_an_operator_whose_look_cannot_be_recorded_is_shown_nothing(tmp_path: Path, operation: str) -> None:
    core = a_core()
    async with serving(tmp_path, core=core) as api:
        user = await api.create(**PHONE)
        request = await asking(api, user, operation)
    broken = a_core_over(core)
    async with serving(tmp_path, core=broken) as api:
        refused = await api.client.request(**request, headers=bearer(ADMIN, "ada"))
        problem_of(refused, 503, "unavailable")
        assert user["email"] not in refused.text
        if operation in SHOWN_TO_READERS:
            served = await api.client.request(**request, headers=bearer(READER, "shop"))
            assert served.status_code == 200


def a_core_over(core: Any) -> Any:
    """Give a core on the same data whose trail takes nothing."""
    reads = evolve(core.record_reads, trail=BrokenTrail(), listings=BrokenTrail())
    return evolve(core, record_reads=reads)


async def test_what_is_put_into_a_profile_is_recorded_with_it(api: Api) -> None:
    user = await api.create()
    await api.client.get(
        f"/v1/users/{user['id']}?include=activity,emailPreferences", headers=bearer("users:admin", "ada")
    )
    [entry] = looks(api, user["id"])
    assert entry.fields == ("profile", "activity", "email_preferences")


async def test_a_copy_that_is_still_current_shows_nothing_new(api: Api) -> None:
    user = await api.create()
    headers = bearer("users:admin", "ada") | {"If-None-Match": '"1"'}
    assert (await api.client.get(f"/v1/users/{user['id']}", headers=headers)).status_code == 304
    assert looks(api, user["id"]) == []


async def test_a_list_is_recorded_by_what_it_was_chosen_and_not_by_which_values(api: Api) -> None:
    user = await api.create(email="canary@example.com")
    found = await api.client.get("/v1/users?q=canary&limit=5", headers=bearer("users:admin", "ada"))
    assert [one["id"] for one in found.json()["items"]] == [user["id"]]
    [entry] = looks(api, SERVICE_CHAIN)
    assert entry.fields == ("limit", "q")
    assert "canary" not in repr(api.database.audit)


async def test_nobody_is_recorded_where_nobody_is_found(api: Api) -> None:
    problem_of(await api.client.get(f"/v1/users/{ABSENT}", headers=bearer("users:admin", "ada")), 404, "user_not_found")
    assert api.database.audit == {}


async def test_auditors_page_through_what_was_done(api: Api) -> None:
    user = await api.create()
    for _ in range(3):
        await api.client.get(f"/v1/users/{user['id']}", headers=bearer("users:admin", "ada"))
    auditor = bearer("audit:read", "auditor")
    first = await api.client.get("/v1/audit", params={"actor": "OPERATOR:ada", "limit": 2}, headers=auditor)
    assert [one["action"] for one in first.json()["items"]] == ["UserRead", "UserRead"]
    assert 'rel="next"' in first.headers["link"]
    assert first.headers["cache-control"] == "no-store"
    more = {"actor": "OPERATOR:ada", "limit": 2, "cursor": first.json()["nextCursor"]}
    last = (await api.client.get("/v1/audit", params=more, headers=auditor)).json()
    assert ([one["sequence"] for one in last["items"]], last["nextCursor"]) == ([2], None)
    own = (
        await api.client.get("/v1/audit", params={"user": user["id"], "action": "UserCreated"}, headers=auditor)
    ).json()
    [born] = own["items"]
    assert (born["userId"], born["version"], born["sequence"]) == (user["id"], 1, 1)
    assert user["email"] not in str(own)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("user=x", "/user"),
        ("actor=ada", "/actor"),
        ("actor=ROBOT:x", "/actor"),
        ("since=yesterday", "/since"),
        ("limit=501", "/limit"),
        ("unknown=1", ""),
    ],
)
async def test_a_broken_condition_is_named(api: Api, query: str, name: str) -> None:
    refused = await api.client.get(f"/v1/audit?{query}", headers=bearer("audit:read", "auditor"))
    assert [one["pointer"] for one in problem_of(refused, 400, "query_malformed")["errors"]] == [name]


async def test_a_cursor_of_something_else_is_refused(api: Api) -> None:
    refused = await api.client.get("/v1/audit?cursor=abc", headers=bearer("audit:read", "auditor"))
    problem_of(refused, 400, "audit_query_invalid")
