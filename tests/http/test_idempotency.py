"""Idempotency-Key: one effect, and the same answer to every repetition."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of
from tests.http.states import erase
from tests.http.tokens import bearer
from usercore.preferences.topics import RegisterTopicCommand

NEW = {"email": "a@example.com", "firstName": "A", "lastName": "B"}
KEPT = ("etag", "location", "content-type", "cache-control")


def key(text: str = "key-1") -> dict[str, str]:
    return {"Idempotency-Key": text}


def essence(response: Any) -> tuple[Any, ...]:
    """Give what must be the same in a replay."""
    return response.status_code, response.content, [response.headers.get(name) for name in KEPT]


async def calls(api: Api) -> list[dict[str, Any]]:
    """Give one good request of each operation that takes a key."""
    await api.core.register_topic(RegisterTopicCommand("news", "News", "1"))
    users = [(await api.create())["id"] for _ in range(6)]
    tag = {"If-Match": '"1"'}
    said = {"topics": {"news": {"subscribed": True}}}
    await api.client.post(f"/v1/users/{users[2]}/deactivate")
    return [
        {"method": "POST", "url": "/v1/users", "json": NEW},
        {"method": "PATCH", "url": f"/v1/users/{users[0]}", "json": {"firstName": "Ada"}, "headers": tag},
        {"method": "POST", "url": f"/v1/users/{users[1]}/deactivate", "json": {"reason": "INACTIVITY"}},
        {"method": "POST", "url": f"/v1/users/{users[2]}/reactivate"},
        {"method": "PATCH", "url": f"/v1/users/{users[3]}/email-preferences", "json": said, "headers": tag},
        {"method": "POST", "url": "/v1/users/update", "json": {"userId": users[4], "firstName": "Ada"}},
        {"method": "POST", "url": "/v1/users/deactivate", "json": {"userId": users[5]}},
    ]


def keyed(call: dict[str, Any], text: str = "key-1") -> dict[str, Any]:
    return call | {"headers": call.get("headers", {}) | key(text)}


async def test_a_repetition_gets_the_same_answer_and_has_no_effect(lane_api: Api) -> None:
    for call in await calls(lane_api):
        first = await lane_api.client.request(**keyed(call))
        assert first.status_code in {200, 201}, first.text
        after = lane_api.footprint()
        assert essence(await lane_api.client.request(**keyed(call))) == essence(first)
        assert lane_api.footprint() == after


async def test_the_answer_is_the_same_even_when_the_user_has_changed_since(lane_api: Api) -> None:
    for call in await calls(lane_api):
        first = await lane_api.client.request(**keyed(call))
        user_id = first.json().get("id") or first.json()["userId"]
        path = f"/v1/users/{user_id}"
        await lane_api.client.post(f"{path}/reactivate")
        change = {"lastName": uuid4().hex, "address": {"city": "Berlin"}}
        assert (await lane_api.client.patch(path, json=change, headers={"If-Match": "*"})).status_code == 200
        said = {"topics": {"news": {"subscribed": False, "wordingVersion": "2"}}}
        assert (await lane_api.client.patch(f"{path}/email-preferences", json=said)).status_code == 200
        assert essence(await lane_api.client.request(**keyed(call))) == essence(first)


async def test_a_hundred_at_once_have_one_effect(lane_api: Api) -> None:
    answers = await asyncio.gather(*(lane_api.client.post("/v1/users", json=NEW, headers=key()) for _ in range(100)))
    done = [answer for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            problem_of(answer, 409, "idempotency_key_in_flight")
            assert answer.headers["retry-after"] == "1"
    assert len({answer.content for answer in done}) == 1
    assert lane_api.footprint()[:3] == (1, 1, 1)
    late = await lane_api.client.post("/v1/users", json=NEW, headers=key())
    assert essence(late) == essence(done[0])


@pytest.mark.parametrize(
    "other",
    [
        {"json": NEW | {"firstName": "C"}},
        {"content": b'{"email":"a@example.com", "firstName":"A","lastName":"B"}'},
        {"headers": {"Content-Type": "application/json; charset=utf-8"}},
    ],
)
async def test_a_key_used_for_another_body_is_refused(lane_api: Api, other: dict[str, Any]) -> None:
    first = {"method": "POST", "url": "/v1/users", "json": NEW, "headers": {}}
    await lane_api.client.request(**keyed(first))
    before = lane_api.footprint()
    if "content" in other:
        first = {"method": "POST", "url": "/v1/users", "headers": {"Content-Type": "application/json"}}
    response = await lane_api.client.request(**keyed(first | other))
    problem_of(response, 422, "idempotency_key_reused")
    assert lane_api.footprint() == before


async def test_another_version_is_another_request(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}"
    first = await lane_api.client.patch(path, json={"firstName": "Ada"}, headers=key() | {"If-Match": '"1"'})
    assert first.status_code == 200
    second = await lane_api.client.patch(path, json={"firstName": "Ada"}, headers=key() | {"If-Match": '"2"'})
    problem_of(second, 422, "idempotency_key_reused")


async def test_keys_of_callers_routes_and_users_never_meet(lane_api: Api) -> None:
    first, second = await lane_api.create(), await lane_api.create()
    answers = [
        await lane_api.client.post("/v1/users", json=NEW, headers=key()),
        await lane_api.client.post(
            "/v1/users", json=NEW | {"email": "b@example.com"}, headers=key() | bearer("users:write", "billing")
        ),
        await lane_api.client.post(f"/v1/users/{first['id']}/deactivate", headers=key()),
        await lane_api.client.post(f"/v1/users/{second['id']}/deactivate", headers=key()),
        await lane_api.client.post(f"/v1/users/{first['id']}/reactivate", headers=key()),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 200]
    assert answers[3].json()["id"] == second["id"]


async def test_a_refused_request_leaves_its_key_free(lane_api: Api) -> None:
    taken = await lane_api.create(email="a@example.com")
    refused = await lane_api.client.post("/v1/users", json=NEW, headers=key())
    problem_of(refused, 409, "email_taken")
    headers = {"If-Match": "*"}
    await lane_api.client.patch(f"/v1/users/{taken['id']}", json={"email": "free@example.com"}, headers=headers)
    assert (await lane_api.client.post("/v1/users", json=NEW, headers=key())).status_code == 201


async def test_a_request_that_changes_nothing_keeps_its_answer(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}/reactivate"
    first = await lane_api.client.post(path, headers=key())
    await lane_api.client.patch(f"/v1/users/{user['id']}", json={"firstName": "Ada"}, headers={"If-Match": "*"})
    assert essence(await lane_api.client.post(path, headers=key())) == essence(first)


async def test_the_answer_about_an_erased_user_is_that_of_one_who_does_not_exist(lane_api: Api) -> None:
    first = await lane_api.client.post("/v1/users", json=NEW, headers=key())
    erase(lane_api.database, first.json()["id"])
    problem_of(await lane_api.client.post("/v1/users", json=NEW, headers=key()), 404, "user_not_found")


@pytest.mark.parametrize("text", ["", "a b", '"a b"', "x" * 256, f'"{"x" * 256}"', "clé", "a\tb"])
async def test_what_is_no_key_is_refused(lane_api: Api, text: str) -> None:
    headers = {"Idempotency-Key": text.encode("latin-1")}
    response = await lane_api.client.post("/v1/users", json=NEW, headers=headers)  # type: ignore[arg-type]
    problem_of(response, 400, "idempotency_key_invalid")
    assert lane_api.footprint() == (0, 0, 0, 0, 0, 0)


async def test_a_key_may_be_quoted_as_the_draft_writes_it(lane_api: Api) -> None:
    first = await lane_api.client.post("/v1/users", json=NEW, headers=key('"a\\"b"'))
    again = await lane_api.client.post("/v1/users", json=NEW, headers=key('a"b'))
    assert essence(again) == essence(first)


async def test_nothing_personal_is_kept_with_a_key(lane_api: Api) -> None:
    await lane_api.client.post("/v1/users", json=NEW, headers=key() | bearer("users:write", "someone@example.com"))
    kept = repr(lane_api.database.keys)
    assert "a@example.com" not in kept
    assert "someone" not in kept
