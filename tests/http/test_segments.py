"""Counts, and filters that are kept under names."""

from typing import Any

import httpx
import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.test_filters import restrict
from tests.http.test_limits import left, limited
from tests.http.tokens import bearer
from usercore.audit.entry import SERVICE_CHAIN

ADMIN = bearer("users:admin", "ada")
GERMANS = {"name": "germans", "filter": "address.country='DE'", "about": "for the letter"}


async def count(api: Api, **asked: str) -> dict[str, Any]:
    """Count by the query and by the body, which tell the same, and give it."""
    by_query = await api.client.get("/v1/segments/count", params=asked)
    by_body = await api.client.post("/v1/segments/count", json=asked)
    assert (by_query.status_code, by_body.status_code) == (200, 200), by_query.text + by_body.text
    assert by_query.json() == by_body.json()
    counted: dict[str, Any] = by_query.json()
    return counted


async def save(api: Api, **segment: str) -> httpx.Response:
    """Keep a filter."""
    return await api.client.post("/v1/segments", json=segment, headers=ADMIN)


async def test_a_count_tells_of_the_same_users_as_the_list(lane_api: Api) -> None:
    users = [await lane_api.create(address={"country": country}) for country in ("DE", "de", "DE", "FR")]
    restrict(lane_api, users[2])

    assert await count(lane_api, filter="address.country='DE'") == {
        "filter": 'address.country = "DE"',
        "users": 2,
        "exact": True,
        "restricted": False,
    }
    assert (await count(lane_api, filter="restricted = true"))["users"] == 1
    assert (await count(lane_api, filter="version = 7"))["users"] == 0


async def test_a_kept_filter_stands_in_for_its_text_and_may_be_narrowed(lane_api: Api) -> None:
    ids = [(await lane_api.create(address={"country": country}, locale="de"))["id"] for country in ("DE", "FR", "DE")]
    made = await save(lane_api, **GERMANS)
    assert (made.status_code, made.headers["location"]) == (201, "/v1/segments/germans")
    kept = made.json()
    assert (kept["filter"], kept["about"], kept["savedBy"]) == (
        'address.country = "DE"',
        "for the letter",
        "OPERATOR:ada",
    )

    assert (await lane_api.client.get("/v1/segments/germans")).json() == kept
    assert (await lane_api.client.get("/v1/segments")).json() == {"items": [kept], "nextCursor": None}
    page = await lane_api.client.get("/v1/users", params={"segment": "germans", "limit": 1})
    assert [user["id"] for user in page.json()["items"]] == [ids[2]]
    cursor = page.json()["nextCursor"]
    rest = await lane_api.client.get("/v1/users", params={"segment": "germans", "cursor": cursor})
    assert [user["id"] for user in rest.json()["items"]] == [ids[0]]
    problem_of(await lane_api.client.get("/v1/users", params={"cursor": cursor}), 400, "query_invalid")
    assert (await count(lane_api, segment="germans"))["users"] == 2
    assert (await count(lane_api, segment="germans", filter="locale = 'en'"))["users"] == 0
    assert (await count(lane_api, segment="germans", filter="locale = 'de' or version = 9"))["users"] == 2


async def test_a_name_keeps_its_filter_until_it_is_deleted(lane_api: Api) -> None:
    first = await save(lane_api, **GERMANS)
    other = await save(lane_api, **(GERMANS | {"filter": "version = 1"}))
    assert (await save(lane_api, **GERMANS)).json() == first.json()
    problem_of(other, 409, "segment_exists")

    path = "/v1/segments/germans/delete"
    problem_of(await lane_api.client.post(path, json={"reason": " "}, headers=ADMIN), 422, "body_invalid")
    gone = await lane_api.client.post(path, json={"reason": "sent"}, headers=ADMIN)

    assert (gone.status_code, gone.json()) == (200, first.json())
    problem_of(await lane_api.client.post(path, json={"reason": "sent"}, headers=ADMIN), 404, "segment_not_found")
    for url in ("/v1/segments/germans", "/v1/users?segment=germans", "/v1/segments/count?segment=germans"):
        problem_of(await lane_api.client.get(url), 404, "segment_not_found")
    told = [one.entry for one in lane_api.database.audit[SERVICE_CHAIN]]
    assert [(one.action, one.fields) for one in told] == [
        ("SegmentSaved", ("segment:germans", "filter:address.country")),
        ("SegmentDeleted", ("segment:germans",)),
    ]


@pytest.mark.parametrize(
    ("change", "status", "code", "broken"),
    [
        ({"name": "Germans"}, 422, "body_invalid", "/name"),
        ({"name": "count"}, 422, "segment_invalid", "/name"),
        ({"filter": "email = 'grace@example.com'"}, 422, "segment_invalid", "/filter"),
        ({"filter": "colour = 1"}, 400, "filter_invalid", "/filter"),
        ({"about": "two\nlines"}, 422, "segment_invalid", "/about"),
        ({"filter": ""}, 422, "body_invalid", "/filter"),
    ],
)
async def test_what_cannot_be_kept_is_told(
    lane_api: Api, change: dict[str, str], status: int, code: str, broken: str
) -> None:
    body = problem_of(await save(lane_api, **(GERMANS | change)), status, code)

    assert {pointer for pointer, _ in rules_broken(body)} == {broken}
    assert "grace" not in str(body)
    assert (await lane_api.client.get("/v1/segments")).json()["items"] == []


async def test_a_count_needs_something_to_count_by(lane_api: Api) -> None:
    missing = problem_of(await lane_api.client.get("/v1/segments/count"), 400, "query_malformed")
    assert rules_broken(missing) == {("/filter", "required")}
    problem_of(await lane_api.client.post("/v1/segments/count", json={}), 422, "body_invalid")
    bad = problem_of(await lane_api.client.post("/v1/segments/count", json={"filter": "age >"}), 400, "filter_invalid")
    assert bad["position"] == 6


async def test_counts_are_looked_up_by_quota_and_recorded_of_operators(tmp_path: Any) -> None:
    async with limited(tmp_path) as api:
        for headers in (bearer("users:read"), ADMIN):
            answer = await api.client.get("/v1/segments/count?filter=age%3E17", headers=headers)
            assert left(answer)[0] == "lookups"
        posted = await api.client.post("/v1/segments/count", json={"filter": "age > 17"}, headers=ADMIN)
        assert left(posted)[0] == "lookups"
        entries = [one.entry for one in api.database.audit[SERVICE_CHAIN]]
    assert [(one.action, one.fields) for one in entries] == [("UsersCounted", ("filter", "filter:age"))] * 2
