"""The operations as the event catalogue documents them."""

from uuid import uuid4

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken


@pytest.mark.parametrize("in_body", [True, False])
async def test_update_names_the_user_in_the_body_or_in_the_query(lane_api: Api, in_body: bool) -> None:
    user = await lane_api.create()
    body = {"firstName": "Amazing"} | ({"userId": user["id"]} if in_body else {})
    query = {} if in_body else {"userId": user["id"]}
    response = await lane_api.client.post("/v1/users/update", json=body, params=query)
    assert response.status_code == 200, response.text
    assert (response.json()["firstName"], response.headers["etag"]) == ("Amazing", '"2"')


async def test_update_takes_if_match_where_it_is_given(lane_api: Api) -> None:
    user = await lane_api.create()
    body = {"firstName": "Amazing", "userId": user["id"]}
    response = await lane_api.client.post("/v1/users/update", json=body, headers={"If-Match": '"2"'})
    problem_of(response, 412, "stale_version")


async def test_deactivate_keeps_a_free_text_as_notes(lane_api: Api) -> None:
    user = await lane_api.create()
    response = await lane_api.client.post("/v1/users/deactivate", json={"userId": user["id"], "reason": "moved away"})
    details = response.json()["statusDetails"]
    assert (details["reason"], details["notes"]) == ("ADMINISTRATIVE_ACTION", "moved away")


async def test_get_finds_a_user_by_each_name(lane_api: Api) -> None:
    user = await lane_api.create(email="Ada@example.com", username="countess")
    for query in ({"id": user["id"]}, {"email": "ada@EXAMPLE.com"}, {"username": "COUNTESS"}):
        response = await lane_api.client.get("/v1/users/get", params=query)
        assert response.json() == user
        assert response.headers["etag"] == '"1"'


@pytest.mark.parametrize("query", [{}, {"id": str(uuid4()), "email": "a@example.com"}])
async def test_get_wants_exactly_one_name(lane_api: Api, query: dict[str, str]) -> None:
    problem_of(await lane_api.client.get("/v1/users/get", params=query), 400, "query_malformed")


async def test_preferences_by_query_are_those_of_the_path(lane_api: Api) -> None:
    user = await lane_api.create()
    plain = await lane_api.client.get(f"/v1/users/{user['id']}/email-preferences")
    alias = await lane_api.client.get("/v1/users/get-email-preferences", params={"userId": user["id"]})
    assert (alias.content, alias.headers["etag"]) == (plain.content, plain.headers["etag"])
    missing = await lane_api.client.get("/v1/users/get-email-preferences")
    assert rules_broken(problem_of(missing, 400, "query_malformed")) == {("/userId", "required")}


@pytest.mark.parametrize("path", ["/v1/users/update", "/v1/users/deactivate"])
async def test_a_message_must_name_one_user(lane_api: Api, path: str) -> None:
    missing = await lane_api.client.post(path, json={})
    assert rules_broken(problem_of(missing, 422, "body_invalid")) == {("/userId", "required")}
    two = await lane_api.client.post(path, json={"userId": str(uuid4())}, params={"userId": str(uuid4())})
    assert rules_broken(problem_of(two, 422, "body_invalid")) == {("/userId", "differs")}
    nobody = await lane_api.client.post(path, json={"userId": "nobody"})
    problem_of(nobody, 404, "user_not_found")


async def test_the_aliases_are_no_user_ids(lane_api: Api) -> None:
    response = await lane_api.client.get("/v1/users/update")
    problem_of(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "OPTIONS, POST"
