"""History, and the profile as it was."""

from urllib.parse import quote

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken

SOON = "2999-01-01T00:00:00Z"


async def test_history_tells_who_changed_what_the_newest_first(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}"
    await lane_api.client.patch(path, json={"firstName": "Amazing"}, headers={"If-Match": "*"})
    await lane_api.client.post(f"{path}/deactivate")
    response = await lane_api.client.get(f"{path}/history")
    items = response.json()["items"]
    assert [(one["version"], one["event"]) for one in items] == [
        (3, "UserDeactivated"),
        (2, "UserUpdated"),
        (1, "UserCreated"),
    ]
    assert items[1]["changes"] == [{"field": "firstName", "before": "Grace", "after": "Amazing"}]
    assert items[1]["actor"] == {"kind": "SERVICE", "id": "shop"}
    assert response.json()["nextCursor"] is None


async def test_history_comes_in_pages(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}"
    for number in range(4):
        await lane_api.client.patch(path, json={"firstName": f"Name{number}"}, headers={"If-Match": "*"})
    first = await lane_api.client.get(f"{path}/history", params={"limit": 2})
    assert [one["version"] for one in first.json()["items"]] == [5, 4]
    cursor = first.json()["nextCursor"]
    assert f'<{path}/history?limit=2&cursor={cursor}>; rel="next"' in first.headers["link"]
    rest = await lane_api.client.get(f"{path}/history", params={"cursor": cursor})
    assert [one["version"] for one in rest.json()["items"]] == [3, 2, 1]


async def test_the_profile_as_it_was_is_what_was_read_then(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}"
    seen = [(await lane_api.client.get(path)).content]
    for body in ({"address": {"city": "Berlin"}}, {"phoneNumber": "+4930123456"}, {"address": None}):
        done = await lane_api.client.patch(path, json=body, headers={"If-Match": "*"})
        seen.append(done.content)
    steps = (await lane_api.client.get(f"{path}/history")).json()["items"][::-1]
    for step, expected in zip(steps, seen, strict=True):
        response = await lane_api.client.get(f"{path}/history?at={quote(step['at'])}")
        assert response.content == expected
    assert (await lane_api.client.get(f"{path}/history?at={SOON}")).content == seen[-1]
    before = await lane_api.client.get(f"{path}/history?at=1999-01-01T00:00:00Z")
    problem_of(before, 404, "user_not_found")


@pytest.mark.parametrize(
    ("query", "broken"),
    [
        (f"at={SOON}&limit=5", {("/limit", "not_with_at")}),
        ("at=now", {("/at", "not_a_time")}),
        ("limit=501", {("/limit", "out_of_range")}),
        ("cursor=0", {("/cursor", "out_of_range")}),
        ("cursor=abc", {("/cursor", "out_of_range")}),
    ],
)
async def test_a_broken_parameter_is_named(lane_api: Api, query: str, broken: set[tuple[str, str]]) -> None:
    user = await lane_api.create()
    response = await lane_api.client.get(f"/v1/users/{user['id']}/history?{query}")
    assert rules_broken(problem_of(response, 400, "query_malformed")) == broken
