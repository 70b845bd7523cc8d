"""Verifications over HTTP: what is answered, to whom, and what nobody can find out."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import MadeUpProofs, SetClock
from tests.http.api import JSON, Api, a_core, serving
from tests.http.problems import problem_of, rules_broken
from tests.http.states import erase
from tests.http.tokens import bearer

ABSENT = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
NOW = "2026-03-01T12:00:00.123456Z"
IDENTITY = {"channel": "identity", "verifier": "PostIdent", "reference": "case-17"}
LINK = f"{1:043}"
"""What the first mail to the first user carries."""
CODE, TOKEN = "000002", f"{3:043}"
"""What the first code and link are after that."""
NO_TOKEN = f"{9:043}"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def api(tmp_path: Path, clock: SetClock) -> AsyncIterator[Api]:
    async with serving(tmp_path, core=a_core(clock=clock, proofs=MadeUpProofs())) as one:
        yield one


@pytest.fixture
async def user(api: Api) -> dict[str, Any]:
    return await api.create(phoneNumber="+4930123456")


async def start(api: Api, user: dict[str, Any], channel: str = "email") -> dict[str, Any]:
    response = await api.client.post(f"/v1/users/{user['id']}/verifications", json={"channel": channel})
    assert response.status_code == 201, response.text
    started: dict[str, Any] = response.json()
    return started


def path_of(started: dict[str, Any], user_id: str | None = None) -> str:
    return f"/v1/users/{user_id or started['userId']}/verifications/{started['id']}/confirm"


async def test_a_start_says_how_long_code_and_link_serve_and_neither_of_them(api: Api, user: dict[str, Any]) -> None:
    response = await api.client.post(f"/v1/users/{user['id']}/verifications", json={"channel": "email"})
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    started = response.json()
    assert started == {
        "id": started["id"],
        "userId": user["id"],
        "channel": "email",
        "status": "pending",
        "startedAt": NOW,
        "codeExpiresAt": "2026-03-01T12:15:00.123456Z",
        "linkExpiresAt": "2026-03-02T12:00:00.123456Z",
        "verifiedAt": None,
    }
    assert CODE not in response.text
    assert TOKEN not in response.text


@pytest.mark.parametrize("proof", [{"code": CODE}, {"token": TOKEN}, {"code": CODE, "token": None}])
async def test_the_right_proof_is_answered_with_the_verified_profile(
    api: Api, user: dict[str, Any], proof: dict[str, Any]
) -> None:
    started = await start(api, user)
    response = await api.client.post(path_of(started), json=proof)
    assert response.status_code == 200, response.text
    assert response.headers["etag"] == '"2"'
    assert response.json()["verification"]["email"] == {"verified": True, "verifiedAt": NOW}
    again = await api.client.post(path_of(started), json=proof)
    problem_of(again, 422, "verification_failed")


async def test_users_verify_their_own(api: Api, user: dict[str, Any]) -> None:
    own = bearer("", user["id"])
    response = await api.client.post(f"/v1/users/{user['id']}/verifications", json={"channel": "phone"}, headers=own)
    assert response.status_code == 201
    confirmed = await api.client.post(path_of(response.json()), json={"code": CODE}, headers=own)
    assert confirmed.json()["verification"]["phone"]["verified"] is True


@pytest.mark.parametrize("token", [LINK, TOKEN])
async def test_a_link_is_enough_and_says_nothing_of_its_user(api: Api, user: dict[str, Any], token: str) -> None:
    if token == TOKEN:
        await start(api, user)
    api.client.headers.pop("authorization")
    response = await api.client.post("/v1/verifications/confirm", json={"token": token})
    assert response.status_code == 200, response.text
    assert response.json() == {"channel": "email", "verifiedAt": NOW}
    problem_of(await api.client.post("/v1/verifications/confirm", json={"token": token}), 422, "verification_failed")


async def test_to_read_a_link_changes_nothing(api: Api, user: dict[str, Any]) -> None:
    before = api.footprint()
    for method in ("GET", "HEAD"):
        response = await api.client.request(method, "/v1/verifications/confirm", params={"token": LINK})
        assert response.status_code == 405
    assert api.footprint() == before


def essence(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Give all of an answer but how much of a quota is left, which is about the caller."""
    headers = {name: value for name, value in response.headers.items() if not name.startswith("ratelimit")}
    return response.status_code, response.content, headers


async def test_whatever_is_wrong_is_answered_alike(api: Api, user: dict[str, Any], clock: SetClock) -> None:
    """To the byte: a wrong code, one that was used, ran out or was guessed at too often, another user's, nobody's."""
    api.client.headers["x-request-id"] = "same"
    started, other = await start(api, user), await api.create()
    exhausted = await start(api, user, "phone")
    body = {"code": "999999"}
    wrong = await api.client.post(path_of(started), json=body)
    for _ in range(5):
        await api.client.post(path_of(exhausted), json=body)
    answers = {
        "wrong": wrong,
        "exhausted": await api.client.post(path_of(exhausted), json={"code": "000004"}),
        "another user's": await api.client.post(path_of(started, other["id"]), json={"code": CODE}),
        "nobody's": await api.client.post(path_of({"id": ABSENT}, user["id"]), json={"code": CODE}),
        "no id": await api.client.post(path_of({"id": "x%00"}, user["id"]), json={"code": CODE}),
        "an unknown link": await api.client.post("/v1/verifications/confirm", json={"token": NO_TOKEN}),
    }
    clock.advance(minutes=15)
    answers["expired"] = await api.client.post(path_of(started), json={"code": CODE})
    clock.advance(hours=24)
    answers["expired link"] = await api.client.post("/v1/verifications/confirm", json={"token": TOKEN})
    for name, response in answers.items():
        problem_of(response, 422, "verification_failed")
        assert essence(response) == essence(wrong), name
    assert (await api.client.get(f"/v1/users/{user['id']}")).headers["etag"] == '"1"'


async def test_asking_again_at_once_is_refused_with_the_seconds_to_wait(
    api: Api, user: dict[str, Any], clock: SetClock
) -> None:
    await start(api, user)
    clock.advance(seconds=18.5)
    before = api.footprint()
    response = await api.client.post(f"/v1/users/{user['id']}/verifications", json={"channel": "email"})
    problem_of(response, 429, "verification_throttled")
    assert response.headers["retry-after"] == "42"
    assert api.footprint() == before


async def test_a_repeated_start_with_its_key_sends_nothing_and_answers_the_same(
    api: Api, user: dict[str, Any], clock: SetClock
) -> None:
    async def ask() -> bytes:
        response = await api.client.post(
            f"/v1/users/{user['id']}/verifications", json={"channel": "email"}, headers={"idempotency-key": "k"}
        )
        assert response.status_code == 201, response.text
        return response.content

    first = await ask()
    clock.advance(minutes=2)
    await start(api, user)
    before = api.footprint()
    assert await ask() == first
    assert api.footprint() == before


async def test_a_repeated_confirmation_with_its_key_is_answered_the_same(api: Api, user: dict[str, Any]) -> None:
    started = await start(api, user)
    answers = [
        await api.client.post(path_of(started), json={"code": CODE}, headers={"idempotency-key": "k"}) for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("scope", ["users:write", "users:admin"])
async def test_an_identity_is_recorded_at_once(api: Api, user: dict[str, Any], scope: str) -> None:
    at = "2026-02-01T00:00:00Z"
    headers = bearer(scope) | {"idempotency-key": "k"}
    path = f"/v1/users/{user['id']}/verifications"
    answers = [await api.client.post(path, json=IDENTITY | {"verifiedAt": at}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    recorded = answers[0].json()
    assert (recorded["status"], recorded["verifiedAt"]) == ("confirmed", "2026-02-01T00:00:00.000000Z")
    profile = (await api.client.get(f"/v1/users/{user['id']}")).json()
    assert (profile["version"], profile["verification"]["identity"]["verified"]) == (2, True)


async def test_nobody_says_of_themselves_that_their_identity_is_verified(api: Api, user: dict[str, Any]) -> None:
    before = api.footprint()
    path = f"/v1/users/{user['id']}/verifications"
    response = await api.client.post(path, json=IDENTITY, headers=bearer("", user["id"]))
    problem_of(response, 403, "scope_insufficient")
    assert api.footprint() == before


@pytest.mark.parametrize(
    ("body", "code", "broken"),
    [
        ({}, "body_invalid", {("/channel", "required")}),
        ({"channel": "fax"}, "body_invalid", {("/channel", "not_allowed")}),
        ({"channel": "email", "to": "other@example.com"}, "body_invalid", {("", "unknown_field")}),
        ({"channel": "email", "verifier": "me"}, "body_invalid", {("/verifier", "not_by_code")}),
        ({"channel": "phone", "verifiedAt": NOW}, "body_invalid", {("/verifiedAt", "not_by_code")}),
        ({"channel": "identity", "verifier": "x"}, "body_invalid", {("/reference", "required")}),
        ({"channel": "identity", "reference": "x"}, "body_invalid", {("/verifier", "required")}),
        (IDENTITY | {"verifiedAt": "2026-03-01T12:02:00Z"}, "verification_invalid", {("/verifiedAt", "in_future")}),
        (IDENTITY | {"verifiedAt": "0001-01-01T00:00:00+01:00"}, "body_invalid", {("/verifiedAt", "not_a_time")}),
    ],
)
async def test_what_cannot_be_started_is_refused_by_field(
    api: Api, user: dict[str, Any], body: dict[str, Any], code: str, broken: set[tuple[str, str]]
) -> None:
    before = api.footprint()
    response = await api.client.post(f"/v1/users/{user['id']}/verifications", json=body)
    problem = problem_of(response, 422, code)
    assert {pointer for pointer, _ in rules_broken(problem)} == {pointer for pointer, _ in broken}, problem
    assert api.footprint() == before


async def test_without_a_number_there_is_none_to_verify(api: Api) -> None:
    user = await api.create()
    response = await api.client.post(f"/v1/users/{user['id']}/verifications", json={"channel": "phone"})
    problem_of(response, 409, "contact_missing")


HOSTILE: tuple[Any, ...] = (
    {},
    {"code": CODE, "token": TOKEN},
    {"code": None, "token": None},
    {"code": 271828},
    {"code": "27182"},
    {"code": "2718281"},
    {"code": " 271828"},
    {"code": "271828\n"},
    {"code": "27182\n"},
    {"code": "२७१८२८"},
    {"code": {"$ne": None}},
    {"code": ["271828"]},
    {"token": "x" * 42},
    {"token": "x" * 44},
    {"token": "' OR 1=1 --" + "x" * 32},
    {"token": "é" * 43},
    {"code": "271828", "extra": 1},
    [],
    "271828",
)


@pytest.mark.parametrize("body", HOSTILE)
async def test_hostile_proofs_are_refused_and_count_as_no_guess(api: Api, user: dict[str, Any], body: Any) -> None:
    started = await start(api, user)
    problem_of(await api.client.post(path_of(started), json=body), 422, "body_invalid")
    by_link = body if isinstance(body, dict) and set(body) == {"token"} else {"token": body}
    problem_of(await api.client.post("/v1/verifications/confirm", json=by_link), 422, "body_invalid")
    [kept] = [one for one in api.database.verifications.values() if one.id == started["id"]]
    assert kept.attempts == 0


@pytest.mark.parametrize("path", ["/v1/verifications/confirm", f"/v1/users/{ABSENT}/verifications/{ABSENT}/confirm"])
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 415),
        (b"token=x", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"\xff", JSON, 400),
        (b'{"token":"a","token":"b"}', JSON, 400),
        (b"[" * 50_000, JSON, 400),
        (b'{"token":"' + b"x" * 2_000_000 + b'"}', JSON, 413),
    ],
)
async def test_bodies_that_are_no_json_are_refused(
    api: Api, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = await api.client.post(path, content=content, headers=headers)
    assert response.status_code == status


async def test_the_deactivated_and_the_erased_are_not_verified(api: Api, user: dict[str, Any]) -> None:
    started = await start(api, user)
    path = f"/v1/users/{user['id']}/verifications"
    await api.client.post(f"/v1/users/{user['id']}/deactivate")
    problem_of(await api.client.post(path, json={"channel": "email"}), 409, "user_deactivated")
    problem_of(await api.client.post(path_of(started), json={"code": CODE}), 409, "user_deactivated")
    by_link = await api.client.post("/v1/verifications/confirm", json={"token": TOKEN})
    problem_of(by_link, 422, "verification_failed")
    erase(api.database, user["id"])
    problem_of(await api.client.post(path, json={"channel": "email"}), 404, "user_not_found")
    problem_of(await api.client.post("/v1/verifications/confirm", json={"token": LINK}), 422, "verification_failed")


async def test_no_answer_and_no_row_shows_a_code_a_token_or_a_contact(api: Api, user: dict[str, Any]) -> None:
    await start(api, user)
    kept = repr(api.database.verifications)
    described = json.dumps([repr(api.database.deliveries), kept])
    for secret in (CODE, TOKEN, LINK):
        assert secret not in described
    assert user["email"] not in kept
