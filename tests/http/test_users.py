"""Create, read, change, deactivate and reactivate, on both ways to an answer."""

from typing import Any

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.tokens import bearer
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand

FULL = {
    "username": "amazing-grace",
    "email": "Grace@Example.com",
    "firstName": "Grace",
    "lastName": "Hopper",
    "phoneNumber": "4930123456",
    "address": {"street": "Unter den Linden 1", "city": "Berlin", "postalCode": "10117", "country": "Germany"},
    "locale": "en-gb",
    "timeZone": "Europe/Berlin",
    "birthDate": "1906-12-09",
    "externalId": "crm-4711",
    "password": "correct horse battery",
}


async def test_a_new_user_has_every_field_that_was_given_and_a_place(api: Api) -> None:
    response = await api.client.post("/v1/users", json=FULL)
    assert response.status_code == 201
    user = response.json()
    assert response.headers["location"] == f"/v1/users/{user['id']}"
    assert response.headers["etag"] == '"1"'
    assert response.headers["content-type"] == "application/json"
    assert user["phoneNumber"] == "+4930123456"
    assert user["locale"] == "en-GB"
    assert user["address"] == FULL["address"] | {"state": None}  # type: ignore[operator]
    plain = ("username", "email", "firstName", "lastName", "timeZone", "birthDate", "externalId")
    assert {name: user[name] for name in plain} == {name: FULL[name] for name in plain}
    assert user["status"] == "ACTIVE"
    assert user["version"] == 1
    assert "password" not in response.text


async def test_what_was_created_is_what_is_read(api: Api) -> None:
    created = await api.client.post("/v1/users", json=FULL)
    read = await api.client.get(created.headers["location"])
    assert read.status_code == 200
    assert read.content == created.content
    assert read.headers["etag"] == created.headers["etag"]
    assert read.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("condition", ['"1"', 'W/"1"', '"7", "1"', "*"])
async def test_who_has_the_current_version_gets_no_body(api: Api, condition: str) -> None:
    user = await api.create()
    response = await api.client.get(f"/v1/users/{user['id']}", headers={"If-None-Match": condition})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == '"1"'


@pytest.mark.parametrize("condition", ['"2"', "nonsense", '"1', ""])
async def test_any_other_condition_gets_the_profile(api: Api, condition: str) -> None:
    user = await api.create()
    response = await api.client.get(f"/v1/users/{user['id']}", headers={"If-None-Match": condition})
    assert (response.status_code, response.json()) == (200, user)


@pytest.mark.parametrize("user_id", ["7c1f3a0e-5b1c-4b0f-9d53-0c6b5f1f2a11", "nobody", "x" * 65, "%00", "a%2Fb", "1"])
async def test_who_does_not_exist_is_not_found(api: Api, user_id: str) -> None:
    response = await api.client.get(f"/v1/users/{user_id}")
    assert response.status_code == 404
    assert response.json()["code"] in {"user_not_found", "route_not_found"}


async def test_an_id_may_be_written_in_capitals(api: Api) -> None:
    user = await api.create()
    response = await api.client.get(f"/v1/users/{user['id'].upper()}")
    assert response.json() == user


@pytest.mark.parametrize(
    "media", ["application/merge-patch+json", "application/json", "application/json; charset=UTF-8"]
)
async def test_a_patch_sets_empties_and_leaves(api: Api, media: str) -> None:
    created = await api.client.post("/v1/users", json=FULL)
    response = await api.client.patch(
        created.headers["location"],
        content=b'{"firstName":"Amazing","phoneNumber":null,"address":{"city":"Potsdam","street":null}}',
        headers={"If-Match": created.headers["etag"], "Content-Type": media},
    )
    assert response.status_code == 200, response.text
    assert response.headers["etag"] == '"2"'
    before, after = created.json(), response.json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"firstName", "phoneNumber", "address", "version", "updatedAt"}
    assert after["address"] == before["address"] | {"city": "Potsdam", "street": None}
    read = await api.client.get(created.headers["location"])
    assert read.content == response.content


async def test_a_patch_that_changes_nothing_makes_no_version(api: Api) -> None:
    user = await api.create()
    response = await api.client.patch(f"/v1/users/{user['id']}", json={"firstName": "Grace"}, headers={"If-Match": "*"})
    assert (response.status_code, response.json()) == (200, user)


async def test_a_patch_without_if_match_is_refused(api: Api) -> None:
    user = await api.create()
    response = await api.client.patch(f"/v1/users/{user['id']}", json={"firstName": "Ada"})
    problem_of(response, 428, "precondition_required")
    assert api.database.users[user["id"]].version == 1


@pytest.mark.parametrize("condition", ['"2"', 'W/"1"', '"2", "3"', '"abc"', '"01"', '"99999999999999999999"'])
async def test_a_patch_of_another_version_is_refused(api: Api, condition: str) -> None:
    user = await api.create()
    response = await api.client.patch(
        f"/v1/users/{user['id']}", json={"firstName": "Ada"}, headers={"If-Match": condition}
    )
    problem_of(response, 412, "stale_version")
    assert api.database.users[user["id"]].version == 1


@pytest.mark.parametrize("condition", ['"1"', '"7", "1"', 'W/"7","1"', "*", ' "1" '])
async def test_a_patch_of_the_current_version_is_done(api: Api, condition: str) -> None:
    user = await api.create()
    response = await api.client.patch(
        f"/v1/users/{user['id']}", json={"firstName": "Ada"}, headers={"If-Match": condition}
    )
    assert (response.status_code, response.json()["version"]) == (200, 2)


@pytest.mark.parametrize("condition", ["1", '"1', "", 'w/"1"', '"1" "2"'])
async def test_what_is_no_list_of_tags_is_refused(api: Api, condition: str) -> None:
    user = await api.create()
    response = await api.client.patch(
        f"/v1/users/{user['id']}", json={"firstName": "Ada"}, headers={"If-Match": condition}
    )
    problem_of(response, 400, "header_malformed")


async def test_every_broken_field_is_named(api: Api) -> None:
    body = {"email": "no email", "firstName": 7, "timeZone": "Mars/Base", "address": {"city": "x" * 51}, "id": "mine"}
    response = await api.client.post("/v1/users", json=body)
    broken = rules_broken(problem_of(response, 422, "body_invalid"))
    assert broken == {
        ("/firstName", "wrong_type"),
        ("/lastName", "required"),
        ("/address/city", "too_long"),
        ("/id", "read_only"),
    }
    shaped: dict[str, Any] = {"email": "no email", "firstName": "A", "lastName": "B", "timeZone": "Mars/Base"}
    response = await api.client.post("/v1/users", json=shaped)
    broken = rules_broken(problem_of(response, 422, "profile_invalid"))
    assert broken == {("/email", "email_invalid"), ("/timeZone", "time_zone_unknown")}
    assert api.footprint() == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("field", "code"), [("email", "email_taken"), ("username", "username_taken"), ("externalId", "external_id_taken")]
)
async def test_what_another_user_has_is_taken(api: Api, field: str, code: str) -> None:
    await api.client.post("/v1/users", json=FULL)
    other = FULL | {"email": "other@example.com", "username": "other", "externalId": "other", field: FULL[field]}
    before = api.footprint()
    response = await api.client.post("/v1/users", json=other)
    problem_of(response, 409, code)
    assert api.footprint() == before


async def test_names_are_shorter_in_a_patch_than_in_a_creation(api: Api) -> None:
    long = "x" * 51
    user = await api.create(firstName=long)
    response = await api.client.patch(f"/v1/users/{user['id']}", json={"lastName": long}, headers={"If-Match": "*"})
    assert rules_broken(problem_of(response, 422, "body_invalid")) == {("/lastName", "too_long")}


async def test_deactivating_and_reactivating_twice_is_doing_it_once(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}"
    first = await api.client.post(f"{path}/deactivate", json={"reason": "INACTIVITY", "notes": "quiet"})
    again = await api.client.post(f"{path}/deactivate")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    details = first.json()["statusDetails"]
    assert (first.json()["status"], details["reason"], details["notes"]) == ("DEACTIVATED", "INACTIVITY", "quiet")
    back = await api.client.post(f"{path}/reactivate", json={"reason": "came back"})
    assert (await api.client.post(f"{path}/reactivate")).content == back.content
    assert (back.json()["status"], back.json()["version"]) == ("ACTIVE", 3)


async def test_a_deactivated_user_takes_no_change(api: Api) -> None:
    user = await api.create()
    await api.client.post(f"/v1/users/{user['id']}/deactivate")
    response = await api.client.patch(f"/v1/users/{user['id']}", json={"firstName": "Ada"}, headers={"If-Match": "*"})
    problem_of(response, 409, "user_deactivated")


async def test_a_deactivation_may_last_until_a_time_to_come(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}/deactivate"
    past = await api.client.post(path, json={"until": "2020-01-01T00:00:00Z"})
    assert rules_broken(problem_of(past, 422, "profile_invalid")) == {("/until", "not_in_future")}
    response = await api.client.post(path, json={"until": "2999-01-01T02:00:00+02:00"})
    assert response.json()["statusDetails"]["until"] == "2999-01-01T00:00:00.000000Z"


async def test_custom_attributes_follow_the_registered_schema(api: Api) -> None:
    document: dict[str, Any] = {
        "type": "object",
        "properties": {"size": {"type": "integer"}},
        "additionalProperties": False,
    }
    command = RegisterAttributeSchemaCommand(document)
    await api.core.register_attribute_schema(command, CommandContext(SYSTEM, correlation_id="test"))
    user = await api.create(attributes={"size": 3})
    assert user["attributes"] == {"size": 3}
    body = {"email": "a@example.com", "firstName": "A", "lastName": "B", "attributes": {"size": "large"}}
    response = await api.client.post("/v1/users", json=body)
    broken = rules_broken(problem_of(response, 422, "profile_invalid"))
    assert broken == {("/attributes/size", "attributes_not_in_schema")}


async def test_email_preferences_can_be_put_into_the_profile(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}"
    response = await api.client.get(path, params={"include": "emailPreferences"})
    preferences = await api.client.get(f"{path}/email-preferences")
    assert response.json() == user | {"emailPreferences": preferences.json()}
    for wrong in ("everything", "", "emailPreferences,", "activity,emailpreferences"):
        refused = await api.client.get(path, params={"include": wrong})
        assert rules_broken(problem_of(refused, 400, "query_malformed")) == {("/include", "not_allowed")}


async def test_a_sane_request_id_comes_back_and_another_does_not(api: Api) -> None:
    kept = await api.client.get("/v1/users", headers={"X-Request-Id": "order-42.try_1"})
    assert kept.headers["x-request-id"] == "order-42.try_1"
    for hostile in ("a b", "x" * 65, "ada@example.com", "<script>"):
        response = await api.client.get("/v1/users", headers={"X-Request-Id": hostile})
        assert response.headers["x-request-id"] != hostile
        assert len(response.headers["x-request-id"]) == 32


async def test_a_trace_and_a_request_id_reach_the_event(api: Api) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {"email": "a@example.com", "firstName": "A", "lastName": "B"}
    headers = {"X-Request-Id": "request-1", "traceparent": trace}
    await api.client.post("/v1/users", json=body, headers=headers)
    [message] = api.database.outbox
    told = dict(message.headers)
    assert told["traceparent"] == trace
    assert told["ce_correlationid"] == "request-1"
    assert told["ce_actor"] == "SERVICE:shop"


async def test_the_actor_is_the_user_the_service_or_the_operator(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}"
    tokens = [("", user["id"]), ("users:write", "shop"), ("users:admin", "ada"), ("users:write", user["id"])]
    for number, (scope, sub) in enumerate(tokens):
        headers = bearer(scope, sub) | {"If-Match": "*"}
        response = await api.client.patch(path, json={"lastName": f"Name{number}"}, headers=headers)
        assert response.status_code == 200, response.text
    actors = [str(entry.actor) for entry in api.database.history[user["id"]]]
    assert actors[1:] == [f"USER:{user['id']}", "SERVICE:shop", "OPERATOR:ada", f"SERVICE:{user['id']}"]
