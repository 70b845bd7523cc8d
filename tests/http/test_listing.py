"""Lists, pages and searches."""

import re
from typing import Any

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.states import erase
from tests.http.tokens import bearer


async def pages(api: Api, **parameters: Any) -> list[list[str]]:
    """Follow the Link headers from the first page to the last and give the ids of each."""
    found = []
    url = f"/v1/users?{'&'.join(f'{name}={value}' for name, value in parameters.items())}"
    while url:
        response = await api.client.get(url)
        assert response.status_code == 200, response.text
        found.append([user["id"] for user in response.json()["items"]])
        link = re.search(r'<([^>]+)>; rel="next"', response.headers["link"])
        assert (link is not None) == (response.json()["nextCursor"] is not None)
        assert 'rel="first"' in response.headers["link"]
        url = link[1] if link else ""
    return found


async def test_pages_show_each_user_once_in_the_order_asked_for(lane_api: Api) -> None:
    created = [(await lane_api.create())["id"] for _ in range(7)]
    assert await pages(lane_api, limit=3, sort="createdAt") == [created[:3], created[3:6], created[6:]]
    newest = created[::-1]
    assert await pages(lane_api, limit=4) == [newest[:4], newest[4:]]


async def test_an_empty_list_is_a_page_without_items(lane_api: Api) -> None:
    response = await lane_api.client.get("/v1/users")
    assert response.json() == {"items": [], "nextCursor": None}
    assert response.headers["link"] == '</v1/users>; rel="first"'


async def test_items_are_the_profiles_as_they_are_read(lane_api: Api) -> None:
    user = await lane_api.create()
    response = await lane_api.client.get("/v1/users")
    assert response.json()["items"] == [user]


async def test_filters_find_and_combine(lane_api: Api) -> None:
    ada = await lane_api.create(email="ada@example.com", firstName="Ada", username="countess", externalId="crm-1")
    bob = await lane_api.create(email="bob@example.com", firstName="Bob")
    await lane_api.client.post(f"/v1/users/{bob['id']}/deactivate")
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"email": "ADA@example.com"}, [ada["id"]]),
        ({"username": "Countess"}, [ada["id"]]),
        ({"username": "Bob@example.com"}, [bob["id"]]),
        ({"externalId": "crm-1"}, [ada["id"]]),
        ({"externalId": "CRM-1"}, []),
        ({"status": "DEACTIVATED"}, [bob["id"]]),
        ({"status": "ACTIVE,DEACTIVATED"}, [bob["id"], ada["id"]]),
        ({"q": "ad hop"}, [ada["id"]]),
        ({"q": "HOPPER"}, [bob["id"], ada["id"]]),
        ({"q": "hop", "status": "ACTIVE"}, [ada["id"]]),
        ({"createdAfter": ada["createdAt"]}, [bob["id"]]),
        ({"createdBefore": bob["createdAt"]}, [ada["id"]]),
        ({"updatedAfter": bob["updatedAt"]}, [bob["id"]]),
        ({"updatedBefore": "1999-12-31T23:59:59Z"}, []),
    ]
    for parameters, expected in cases:
        response = await lane_api.client.get("/v1/users", params=parameters)
        assert [user["id"] for user in response.json()["items"]] == expected, parameters


async def test_erased_users_are_listed_for_those_who_manage_privacy_alone(lane_api: Api) -> None:
    user = await erased(lane_api)
    for scope, expected in (("users:read", []), ("users:read privacy:manage", [user])):
        for states in ("ERASED", "ERASED,MERGED"):
            response = await lane_api.client.get("/v1/users", params={"status": states}, headers=bearer(scope))
            assert [one["id"] for one in response.json()["items"]] == expected


async def erased(api: Api) -> str:
    """Put a user into the state that an erasure leaves behind, and give the id."""
    user = await api.create()
    erase(api.database, user["id"])
    return str(user["id"])


@pytest.mark.parametrize(
    ("query", "broken"),
    [
        ("limit=0", ("/limit", "out_of_range")),
        ("limit=501", ("/limit", "out_of_range")),
        ("limit=ten", ("/limit", "out_of_range")),
        ("limit=%D9%A3", ("/limit", "out_of_range")),
        ("limit=1e2", ("/limit", "out_of_range")),
        ("limit=", ("/limit", "out_of_range")),
        ("limit=1&limit=2", ("/limit", "repeated_parameter")),
        ("sort=name", ("/sort", "not_allowed")),
        ("status=GONE", ("/status", "not_allowed")),
        ("status=", ("/status", "not_allowed")),
        ("createdAfter=yesterday", ("/createdAfter", "not_a_time")),
        ("createdAfter=2026-01-01", ("/createdAfter", "not_a_time")),
        ("createdAfter=2026-01-01T00:00:00", ("/createdAfter", "not_a_time")),
        ("createdAfter=2026-13-01T00:00:00Z", ("/createdAfter", "not_a_time")),
        ("createdAfter=0001-01-01T00:00:00%2B01:00", ("/createdAfter", "not_a_time")),
        ("q=", ("/q", "too_short")),
        ("q=---", ("/q", "search_without_words")),
        ("q=" + "+".join("abcdefghijk"), ("/q", "search_too_long")),
        ("externalId=" + "x" * 129, ("/externalId", "too_long")),
        ("offset=7", ("", "unknown_parameter")),
        ("=", ("", "unknown_parameter")),
        ("limit=5&&sort=createdAt", ("", "unknown_parameter")),
    ],
)
async def test_a_broken_parameter_is_named(lane_api: Api, query: str, broken: tuple[str, str]) -> None:
    response = await lane_api.client.get(f"/v1/users?{query}")
    assert rules_broken(problem_of(response, 400, "query_malformed")) == {broken}


@pytest.mark.parametrize("query", ["q=%zz", "q=%ff", "q=%00", "q=%ed%a0%80", "q=" + "x" * 9000])
async def test_a_query_that_is_no_text_is_refused(lane_api: Api, query: str) -> None:
    problem_of(await lane_api.client.get(f"/v1/users?{query}"), 400, "query_malformed")


async def test_a_cursor_that_is_not_ours_or_of_another_order_is_refused(lane_api: Api) -> None:
    for _ in range(2):
        await lane_api.create()
    cursor = (await lane_api.client.get("/v1/users?limit=1")).json()["nextCursor"]
    for query in ("cursor=bm9uc2Vuc2U", f"cursor={cursor}&sort=updatedAt", "cursor=%F0%9F%92%A9", f"cursor={cursor}x"):
        response = await lane_api.client.get(f"/v1/users?{query}")
        broken = rules_broken(problem_of(response, 400, "query_invalid"))
        assert broken == {("/cursor", "cursor_invalid")}, query
