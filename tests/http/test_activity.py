"""What users did elsewhere, over HTTP."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.builders import NOW, a_context
from tests.facts import euros, failure, order, points, success
from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.tokens import bearer
from usercore.activity.facts import Fact
from usercore.activity.values import FactResult, Money
from usercore.codec.scalars import timestamp
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.users.queries import CURSOR_MAX_CHARS

HOUR = timedelta(hours=1)
SHOP = Actor(ActorKind.SERVICE, "shop")


async def told(api: Api, *facts: Fact) -> None:
    outcomes = await api.core.record_facts.many(facts, [a_context(actor=SHOP)] * len(facts))
    assert {outcome.result for outcome in outcomes} == {FactResult.RECORDED}


async def a_customer(api: Api) -> dict[str, Any]:
    """Create a user with two orders, two failed payments of which one was made good, and points."""
    user = await api.create()
    user_id = UserId(user["id"])
    mark = user["id"]
    await told(
        api,
        order(f"o1 {mark}", user_id, euros("59.90"), items=3, at=NOW),
        failure(f"p1 {mark}", f"o1 {mark}", amount=euros("59.90"), at=NOW + HOUR),
        success(f"p2 {mark}", f"o1 {mark}", at=NOW + 2 * HOUR),
        order(f"o2 {mark}", user_id, Money(euros("1000").value, None), at=NOW + 3 * HOUR),
        failure(f"p3 {mark}", f"o2 {mark}", code="expired", at=NOW + 4 * HOUR),
        points(f"t1 {mark}", user_id, 1234, reason="ORDER", at=NOW + 5 * HOUR),
    )
    return user


SUMMARY = {
    "orders": {
        "count": 2,
        "firstAt": timestamp(NOW),
        "lastAt": timestamp(NOW + 3 * HOUR),
        "totals": [{"value": "59.9", "currency": "EUR"}, {"value": "1000", "currency": None}],
    },
    "payments": {
        "standing": "FAILING",
        "failures": 2,
        "recovered": 1,
        "lastFailureAt": timestamp(NOW + 4 * HOUR),
    },
    "loyalty": {"balance": 1234, "lifetime": 1234, "tier": "SILVER", "nextTier": "GOLD", "pointsToNextTier": 3766},
}
NOTHING = {
    "orders": {"count": 0, "firstAt": None, "lastAt": None, "totals": []},
    "payments": {"standing": "GOOD", "failures": 0, "recovered": 0, "lastFailureAt": None},
    "loyalty": {"balance": 0, "lifetime": 0, "tier": "BRONZE", "nextTier": "SILVER", "pointsToNextTier": 1000},
}


async def test_activity_tells_what_happened_the_newest_first_and_what_it_amounts_to(api: Api) -> None:
    user = await a_customer(api)
    await a_customer(api)
    mark = user["id"]

    response = await api.client.get(f"/v1/users/{mark}/activity")

    body = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert body["summary"] == SUMMARY
    assert body["nextCursor"] is None
    own = ("eventId", "recordedAt", "actor", "correlationId", "causationId")
    shown = [{name: value for name, value in item.items() if name not in own} for item in body["items"]]
    assert shown == [
        {
            "kind": "POINTS_EARNED",
            "id": f"t1 {mark}",
            "at": timestamp(NOW + 5 * HOUR),
            "points": 1234,
            "orderId": None,
            "reason": "ORDER",
        },
        {
            "kind": "PAYMENT_FAILED",
            "id": f"p3 {mark}",
            "at": timestamp(NOW + 4 * HOUR),
            "orderId": f"o2 {mark}",
            "errorCode": "expired",
            "amount": None,
        },
        {
            "kind": "ORDER_PLACED",
            "id": f"o2 {mark}",
            "at": timestamp(NOW + 3 * HOUR),
            "total": {"value": "1000", "currency": None},
            "items": 1,
        },
        {
            "kind": "PAYMENT_SUCCEEDED",
            "id": f"p2 {mark}",
            "at": timestamp(NOW + 2 * HOUR),
            "orderId": f"o1 {mark}",
            "amount": {"value": "59.9", "currency": "EUR"},
        },
        {
            "kind": "PAYMENT_FAILED",
            "id": f"p1 {mark}",
            "at": timestamp(NOW + HOUR),
            "orderId": f"o1 {mark}",
            "errorCode": "card_declined",
            "amount": {"value": "59.9", "currency": "EUR"},
        },
        {
            "kind": "ORDER_PLACED",
            "id": f"o1 {mark}",
            "at": timestamp(NOW),
            "total": {"value": "59.9", "currency": "EUR"},
            "items": 3,
        },
    ]
    first = body["items"][0]
    assert first["actor"] == {"kind": "SERVICE", "id": "shop"}
    assert (first["correlationId"], first["causationId"]) == ("conversation-1", "request-1")


async def test_activity_is_no_part_of_the_profile_and_its_version(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}"
    before = await api.client.get(path)
    await told(api, points("t1", UserId(user["id"])))

    after = await api.client.get(path, headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 304
    assert (await api.client.get(path)).content == before.content
    assert len((await api.client.get(f"{path}/history")).json()["items"]) == 1


async def test_a_user_of_whom_nothing_was_told_has_an_empty_activity(api: Api) -> None:
    user = await api.create()

    response = await api.client.get(f"/v1/users/{user['id']}/activity")

    assert response.json() == {"items": [], "nextCursor": None, "summary": NOTHING}


@pytest.mark.parametrize("kinds", [None, "PAYMENT_FAILED", "ORDER_PLACED,POINTS_EARNED"])
async def test_activity_comes_in_pages_each_with_the_summary_of_all(lane_api: Api, kinds: str | None) -> None:
    user = await a_customer(lane_api)
    path = f"/v1/users/{user['id']}/activity"
    everything = (await lane_api.client.get(path)).json()["items"]
    expected = [item for item in everything if kinds is None or item["kind"] in kinds.split(",")]
    found, url = [], f"{path}?limit=2" + (f"&kind={quote(kinds)}" if kinds else "")
    while url:
        response = await lane_api.client.get(url)
        assert response.json()["summary"] == SUMMARY
        found += response.json()["items"]
        assert len(found) <= len(expected)
        assert ("next" in response.links) == (response.json()["nextCursor"] is not None)
        url = response.links.get("next", {}).get("url", "")
    assert found == expected


async def test_the_summary_can_be_put_into_the_profile_alone_and_with_the_email_preferences(api: Api) -> None:
    user = await a_customer(api)
    path = f"/v1/users/{user['id']}"
    preferences = (await api.client.get(f"{path}/email-preferences")).json()

    alone = await api.client.get(path, params={"include": "activity"})
    assert alone.json() == user | {"activity": SUMMARY}
    assert alone.headers["etag"] == '"1"'
    for both in ("emailPreferences,activity", "activity,emailPreferences", "activity,emailPreferences,activity"):
        response = await api.client.get(path, params={"include": both})
        assert response.json() == user | {"emailPreferences": preferences, "activity": SUMMARY}


async def test_users_see_their_own_activity_and_nobody_elses(api: Api) -> None:
    user, other = await a_customer(api), await a_customer(api)
    own = bearer("", user["id"])
    for path in (f"/v1/users/{user['id']}/activity", f"/v1/users/{user['id']}?include=activity"):
        assert (await api.client.get(path, headers=own)).status_code == 200
        foreign = await api.client.get(path.replace(user["id"], other["id"]), headers=own)
        problem_of(foreign, 404, "user_not_found")


@pytest.mark.parametrize(
    ("query", "broken"),
    [
        ("limit=0", {("/limit", "out_of_range")}),
        ("limit=501", {("/limit", "out_of_range")}),
        ("kind=", {("/kind", "not_allowed")}),
        ("kind=ORDER_PLACED,", {("/kind", "not_allowed")}),
        ("kind=order_placed", {("/kind", "not_allowed")}),
        ("kind=ORDER_PLACED&kind=POINTS_EARNED", {("/kind", "repeated_parameter")}),
        ("cursor=", {("/cursor", "too_short")}),
        (f"cursor={'x' * (CURSOR_MAX_CHARS + 1)}", {("/cursor", "too_long")}),
        ("limit=x&kind=x", {("/limit", "out_of_range"), ("/kind", "not_allowed")}),
        ("at=2026-01-01T00:00:00Z", {("", "unknown_parameter")}),
    ],
)
async def test_a_broken_parameter_is_named(lane_api: Api, query: str, broken: set[tuple[str, str]]) -> None:
    user = await lane_api.create()
    response = await lane_api.client.get(f"/v1/users/{user['id']}/activity?{query}")
    assert rules_broken(problem_of(response, 400, "query_malformed")) == broken


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%F0%9F%98%80",
        "bnVsbA",  # null
        "W10",  # []
        "WzEsMl0",  # [1,2]
        "W3RydWUsIjAxOTMyZjZlLThkM2MtN2M0YS05ZDBlLTJiNWYxYzdhNmUzZCJd",  # [true,"01932f6e-…"]
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OSwiMDE5MzJmNmUtOGQzYy03YzRhLTlkMGUtMmI1ZjFjN2E2ZTNkIl0",  # a time beyond all
        "W1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb",
    ],
)
async def test_a_cursor_that_is_none_of_ours_is_refused(lane_api: Api, cursor: str) -> None:
    user = await lane_api.create()
    response = await lane_api.client.get(f"/v1/users/{user['id']}/activity?cursor={cursor}")
    assert rules_broken(problem_of(response, 400, "query_invalid")) == {("/cursor", "cursor_invalid")}
