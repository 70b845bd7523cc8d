"""Consents over HTTP, and what browsers say of the sale of data."""

from typing import Any

import pytest

from tests.builders import a_context
from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.states import erase
from tests.http.tokens import bearer
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.users.deactivate_user import DeactivateUserCommand

ABSENT = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
SIGNAL = {"Sec-GPC": "1"}


@pytest.fixture(autouse=True)
async def purposes(api: Api) -> None:
    await api.core.register_purpose(RegisterPurposeCommand("ads", "Advertising", "2026-01", "Ads that fit you."))


def path_of(user: dict[str, Any]) -> str:
    return f"/v1/users/{user['id']}/consents"


async def lines(api: Api, user: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.client.get(path_of(user))).json()["items"]
    return found


async def test_before_anything_is_said_nothing_is_allowed(api: Api) -> None:
    user = await api.create()
    response = await api.client.get(path_of(user))
    assert (response.status_code, response.headers["etag"]) == (200, '"1"')
    body = response.json()
    assert (body["userId"], body["version"], body["items"], body["nextCursor"]) == (user["id"], 1, [], None)
    assert body["consents"]["ads"] == {
        "given": False,
        "wordingVersion": None,
        "source": None,
        "changedAt": None,
        "title": "Advertising",
        "description": "Ads that fit you.",
        "currentWordingVersion": "2026-01",
    }
    assert set(body["consents"]) == {"ads", "sale"}


async def test_what_is_said_is_kept_with_source_wording_proof_and_actor(api: Api) -> None:
    user = await api.create()
    said = {"purpose": "ads", "given": True, "wordingVersion": "2025-12", "source": "form", "proof": "form-7"}
    response = await api.client.post(path_of(user), json=said, headers={"If-Match": '"1"'})
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')
    body = response.json()
    assert body == said | {
        "userId": user["id"],
        "version": 2,
        "changedAt": body["changedAt"],
        "actor": {"kind": "SERVICE", "id": body["actor"]["id"]},
    }
    page = (await api.client.get(path_of(user))).json()
    assert page["items"] == [{name: value for name, value in body.items() if name != "userId"}]
    assert page["consents"]["ads"]["given"] is True


async def test_a_withdrawal_has_the_route_and_the_fields_of_a_consent(api: Api) -> None:
    user = await api.create()
    said = {"purpose": "ads", "given": True}
    for given in (True, False):
        response = await api.client.post(path_of(user), json=said | {"given": given})
        assert (response.status_code, response.json()["given"]) == (200, given)
    assert [line["given"] for line in await lines(api, user)] == [False, True]


async def test_users_speak_for_themselves(api: Api) -> None:
    user = await api.create()
    own = bearer("", user["id"])
    response = await api.client.post(path_of(user), json={"purpose": "ads", "given": True}, headers=own)
    assert response.json()["actor"] == {"kind": "USER", "id": user["id"]}
    assert (await api.client.get(path_of(user), headers=own)).json()["consents"]["ads"]["given"] is True


async def test_a_user_who_is_deactivated_can_withdraw(api: Api) -> None:
    user = await api.create()
    await api.client.post(path_of(user), json={"purpose": "ads", "given": True})
    await api.client.post(f"/v1/users/{user['id']}/deactivate")
    response = await api.client.post(path_of(user), json={"purpose": "ads", "given": True, "proof": "new"})
    problem_of(response, 409, "user_deactivated")
    response = await api.client.post(path_of(user), json={"purpose": "ads", "given": False})
    assert (response.status_code, response.json()["given"]) == (200, False)


async def test_the_ledger_comes_in_pages(api: Api) -> None:
    user = await api.create()
    for number in range(5):
        await api.client.post(path_of(user), json={"purpose": "ads", "given": number % 2 == 0})
    url: str | None = f"{path_of(user)}?limit=2"
    versions = []
    while url is not None:
        response = await api.client.get(url)
        versions.append([line["version"] for line in response.json()["items"]])
        url = response.links.get("next", {}).get("url")
    assert versions == [[6, 5], [4, 3], [2]]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=0", "cursor=x", "purpose=ads", "limit=1&limit=2"])
async def test_a_query_that_is_none_of_ours_is_refused(api: Api, query: str) -> None:
    user = await api.create()
    problem_of(await api.client.get(f"{path_of(user)}?{query}"), 400, "query_malformed")
    problem_of(await api.client.post(f"{path_of(user)}?{query}", json={}), 400, "query_malformed")


@pytest.mark.parametrize(
    ("fields", "code", "broken"),
    [
        ({"purpose": "weather"}, "consent_invalid", {("/purpose", "purpose_unknown")}),
        ({"purpose": "weather\n"}, "consent_invalid", {("/purpose", "purpose_unknown")}),
        ({"given": "yes"}, "body_invalid", {("/given", "wrong_type")}),
        ({"given": None}, "body_invalid", {("/given", "wrong_type")}),
        ({"proof": "x" * 501}, "body_invalid", {("/proof", "too_long")}),
        ({"proof": " "}, "body_invalid", {("/proof", "pattern")}),
        ({"wordingVersion": ""}, "body_invalid", {("/wordingVersion", "too_short")}),
        ({"at": "now"}, "body_invalid", {("", "unknown_field")}),
        ({"userId": ABSENT}, "body_invalid", {("", "unknown_field")}),
    ],
)
async def test_what_cannot_be_said_is_refused_and_not_kept(
    api: Api, fields: dict[str, Any], code: str, broken: set[tuple[str, str]]
) -> None:
    user = await api.create()
    response = await api.client.post(path_of(user), json={"purpose": "ads", "given": True} | fields)
    assert rules_broken(problem_of(response, 422, code)) == broken
    assert "weather" not in response.text
    assert await lines(api, user) == []


async def test_a_stale_version_is_refused_and_not_kept(api: Api) -> None:
    user = await api.create()
    response = await api.client.post(path_of(user), json={"purpose": "ads", "given": True}, headers={"If-Match": '"7"'})
    problem_of(response, 412, "stale_version")
    assert await lines(api, user) == []


async def test_one_key_has_one_effect_and_the_same_answer_even_after_the_opposite_was_said(api: Api) -> None:
    user = await api.create()
    key = {"Idempotency-Key": "consent-7"}
    said = {"purpose": "ads", "given": True}
    first = await api.client.post(path_of(user), json=said, headers=key)
    await api.client.post(path_of(user), json=said | {"given": False})
    again = await api.client.post(path_of(user), json=said, headers=key)
    assert (again.status_code, again.content, again.headers["etag"]) == (200, first.content, first.headers["etag"])
    assert [line["given"] for line in await lines(api, user)] == [False, True]
    response = await api.client.post(path_of(user), json=said | {"given": False}, headers=key)
    problem_of(response, 422, "idempotency_key_reused")


def own_requests(user: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    own = f"/v1/users/{user['id']}"
    return [
        ("GET", own, {}),
        ("GET", f"{own}?include=emailPreferences", {}),
        ("GET", f"{own}/email-preferences", {}),
        ("GET", f"{own}/history", {}),
        ("GET", f"{own}/consents", {}),
        ("PATCH", own, {"json": {"firstName": "Amazing"}, "headers": {"If-Match": '"1"'}}),
        ("PATCH", own, {"json": {"firstName": "Amazing"}, "headers": {"If-Match": '"7"'}}),
        ("POST", f"{own}/consents", {"json": {"purpose": "ads", "given": True}}),
        ("POST", f"{own}/deactivate", {}),
        ("GET", f"/v1/users/get?id={user['id']}", {}),
        ("GET", f"/v1/users/get-email-preferences?userId={user['id']}", {}),
        ("POST", "/v1/users/update", {"json": {"userId": user["id"], "firstName": "Amazing"}}),
    ]


@pytest.mark.parametrize("case", range(12))
async def test_the_signal_on_a_users_own_request_opts_out_once_and_changes_no_answer(api: Api, case: int) -> None:
    user, twin = await api.create(), await api.create()
    method, url, more = own_requests(user)[case]
    headers = more.get("headers", {}) | bearer("", user["id"])
    plain = await api.client.request(
        method,
        own_requests(twin)[case][1],
        **more | own_requests(twin)[case][2] | {"headers": more.get("headers", {}) | bearer("", twin["id"])},
    )

    response = await api.client.request(method, url, **more | {"headers": headers | SIGNAL})

    assert response.status_code == plain.status_code
    assert response.json().keys() == plain.json().keys()
    [line] = [line for line in await lines(api, user) if line["purpose"] == "sale"]
    assert (line["given"], line["source"], line["actor"]) == (False, "sec-gpc", {"kind": "USER", "id": user["id"]})
    assert [line for line in await lines(api, twin) if line["purpose"] == "sale"] == []

    await api.client.get(f"/v1/users/{user['id']}", headers=headers | SIGNAL)
    assert len([line for line in await lines(api, user) if line["purpose"] == "sale"]) == 1


async def test_the_etag_of_a_read_is_of_the_version_after_the_opt_out(api: Api) -> None:
    user = await api.create()
    headers = bearer("", user["id"]) | SIGNAL
    read = await api.client.get(f"/v1/users/{user['id']}", headers=headers)
    assert read.headers["etag"] == '"2"'
    changed = await api.client.patch(
        f"/v1/users/{user['id']}", json={"firstName": "Amazing"}, headers=headers | {"If-Match": read.headers["etag"]}
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, '"3"')


async def test_without_the_signal_an_opt_out_stays(api: Api) -> None:
    user = await api.create()
    own = bearer("", user["id"])
    await api.client.get(f"/v1/users/{user['id']}", headers=own | SIGNAL)
    for headers in (own, own | {"Sec-GPC": "0"}):
        await api.client.get(f"/v1/users/{user['id']}", headers=headers)
    assert len(await lines(api, user)) == 1
    assert (await api.client.get(path_of(user))).json()["consents"]["sale"]["given"] is False


@pytest.mark.parametrize("value", ["0", "", "true", "2", "1, 0", " "])
async def test_any_other_value_says_nothing(api: Api, value: str) -> None:
    user = await api.create()
    await api.client.get(f"/v1/users/{user['id']}", headers=bearer("", user["id"]) | {"Sec-GPC": value})
    assert await lines(api, user) == []


@pytest.mark.parametrize("path", ["/v1/users/{}", "/v1/users/get?id={}", "/v1/users/{}/consents"])
async def test_a_signal_on_somebody_elses_request_says_nothing_of_a_user(api: Api, path: str) -> None:
    user = await api.create()
    assert (await api.client.get(path.format(user["id"]), headers=SIGNAL)).status_code == 200
    other = await api.client.get(path.format(user["id"]), headers=SIGNAL | bearer("", ABSENT))
    problem_of(other, 404, "user_not_found")
    assert await lines(api, user) == []


async def test_a_request_that_says_both_is_refused_and_counts_as_the_signal(api: Api) -> None:
    user = await api.create()
    headers = bearer("", user["id"]) | SIGNAL
    response = await api.client.post(path_of(user), json={"purpose": "sale", "given": True}, headers=headers)
    problem_of(response, 409, "consent_contradicted")
    assert [(line["given"], line["source"]) for line in await lines(api, user)] == [(False, "sec-gpc")]


async def test_the_signal_of_a_user_who_cannot_be_changed_leaves_the_answer_as_it_is(api: Api) -> None:
    user = await api.create()
    erase(api.database, user["id"])
    headers = {"X-Request-Id": "same"} | bearer("", user["id"])
    plain = await api.client.get(f"/v1/users/{user['id']}", headers=headers)
    signalled = await api.client.get(f"/v1/users/{user['id']}", headers=headers | SIGNAL)
    assert (signalled.status_code, signalled.content) == (plain.status_code, plain.content) == (404, plain.content)


async def test_a_user_who_is_deactivated_is_opted_out_as_well(api: Api) -> None:
    user = await api.create()
    await api.core.deactivate_user(DeactivateUserCommand(user["id"]), a_context())
    response = await api.client.get(f"/v1/users/{user['id']}", headers=bearer("", user["id"]) | SIGNAL)
    assert response.status_code == 200
    assert [line["source"] for line in await lines(api, user)] == ["sec-gpc"]
