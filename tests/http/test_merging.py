"""Merges over HTTP: what operators do, and where everybody else finds the account that stays."""

from typing import Any

import httpx
import pytest

from tests.http.api import Api
from tests.http.problems import problem_of
from tests.http.tokens import bearer

WHY = "the same person, ticket 17"
ADMIN = {**bearer("users:admin"), "If-Match": "*"}


async def merged(api: Api, *take: str, **fields: Any) -> tuple[dict[str, Any], dict[str, Any], httpx.Response]:
    """Merge an account into another, and give both as they were, and the answer."""
    own, other = await api.create(), await api.create(**fields)
    body = {"mergedUserId": other["id"], "take": list(take), "reason": WHY}
    response = await api.client.post(f"/v1/users/{own['id']}/merges", json=body, headers=ADMIN)
    assert response.status_code == 201, response.text
    return own, other, response


async def test_a_merge_is_previewed_made_and_found_again(api: Api) -> None:
    own, other = await api.create(phoneNumber="+4930111"), await api.create(phoneNumber="+4930222", locale="de-DE")
    path = f"/v1/users/{own['id']}/merges"
    asked = {"mergedUserId": other["id"], "take": ["phoneNumber"]}
    before = api.footprint()
    preview = await api.client.post(path + "/preview", json=asked, headers=bearer("users:admin"))
    assert preview.status_code == 200, preview.text
    assert api.footprint() == before
    fields = {one["field"]: (one["from"], one["result"]) for one in preview.json()["fields"]}
    assert fields["phoneNumber"] == ("MERGED", "+4930222")
    assert fields["locale"] == ("MERGED", "de-DE")
    assert fields["email"] == ("SURVIVOR", own["email"])

    headers = {**ADMIN, "Idempotency-Key": "k1", "If-Match": '"1"'}
    response = await api.client.post(path, json={**asked, "reason": WHY}, headers=headers)
    again = await api.client.post(path, json={**asked, "reason": WHY}, headers=headers)
    assert (response.status_code, response.content) == (again.status_code, again.content) == (201, response.content)
    made = response.json()
    assert (made["userId"], made["mergedUserId"], made["reason"], made["undone"]) == (own["id"], other["id"], WHY, None)
    assert response.headers["etag"] == f'"{made["version"]}"'
    found = await api.client.get(response.headers["location"], headers=bearer("users:admin"))
    assert found.json() == made
    for user in (own, other):
        listed = await api.client.get(f"/v1/users/{user['id']}/merges", headers=bearer("users:admin"))
        assert listed.json() == {"items": [made], "nextCursor": None}
    profile = (await api.client.get(f"/v1/users/{own['id']}")).json()
    assert (profile["phoneNumber"], profile["locale"], profile["version"]) == ("+4930222", "de-DE", made["version"])


@pytest.mark.parametrize("what", ["", "/email-preferences", "/consents", "/activity?limit=1"])
async def test_reads_of_the_merged_id_are_sent_to_the_survivor(api: Api, what: str) -> None:
    own, other, _ = await merged(api)
    response = await api.client.get(f"/v1/users/{other['id']}{what}", headers=bearer("users:read"))
    assert (response.status_code, response.json()) == (308, {"mergedInto": own["id"]})
    assert response.headers["location"] == f"/v1/users/{own['id']}{what}"
    assert response.headers["cache-control"] == "no-store"
    assert (await api.client.get(response.headers["location"])).status_code == 200


async def test_the_merged_ones_own_token_learns_nothing_of_the_survivor(api: Api) -> None:
    own, other, _ = await merged(api)
    headers = bearer("", other["id"])
    problem_of(await api.client.get(f"/v1/users/{other['id']}", headers=headers), 404, "user_not_found")
    for query in ({"id": other["id"]}, {"email": other["email"]}):
        found = await api.client.get("/v1/users/get", params=query, headers=headers)
        problem_of(found, 404, "user_not_found")
    changed = await api.client.patch(
        f"/v1/users/{other['id']}", json={"firstName": "A"}, headers={**headers, "If-Match": "*"}
    )
    assert "mergedInto" not in problem_of(changed, 409, "user_merged")
    assert own["id"] not in changed.text


async def test_writes_to_the_merged_id_are_told_who_stands_for_it(api: Api) -> None:
    own, other, _ = await merged(api)
    path, headers = f"/v1/users/{other['id']}", {**bearer("users:write"), "If-Match": "*"}
    for response in (
        await api.client.patch(path, json={"firstName": "A"}, headers=headers),
        await api.client.post(path + "/deactivate", headers=headers),
        await api.client.post(path + "/consents", json={"purpose": "sale", "given": False}, headers=headers),
    ):
        assert problem_of(response, 409, "user_merged")["mergedInto"] == own["id"]


async def test_names_of_the_merged_one_find_the_survivor(api: Api) -> None:
    own, other, _ = await merged(api, "email")
    for query in ({"id": other["id"]}, {"email": other["email"]}, {"email": own["email"]}):
        found = await api.client.get("/v1/users/get", params=query)
        assert (found.status_code, found.json()["id"]) == (200, own["id"])
    held = await api.client.get("/v1/users/get-email-preferences", params={"userId": other["id"]})
    assert held.json()["userId"] == own["id"]


async def test_history_of_both_stays_readable(api: Api) -> None:
    own, other, _ = await merged(api)
    entries: list[dict[str, Any]] = []
    for user, field in ((own, "mergedUser"), (other, "status")):
        entries = (await api.client.get(f"/v1/users/{user['id']}/history")).json()["items"]
        assert entries[0]["event"] == "UserMerged"
        assert [change["field"] for change in entries[0]["changes"]] == [field]
    after = entries[0]["changes"][0]["after"]
    assert (after["state"], after["mergedInto"]) == ("MERGED", own["id"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"mergedUserId": "x", "reason": WHY}, 422, "body_invalid"),
        ({"mergedUserId": "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"}, 422, "body_invalid"),
        ({"mergedUserId": "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d", "reason": WHY}, 404, "user_not_found"),
        ({"mergedUserId": "self", "reason": WHY}, 422, "merge_invalid"),
        ({"mergedUserId": "other", "take": ["colour"], "reason": WHY}, 422, "merge_invalid"),
    ],
)
async def test_what_cannot_be_merged_is_refused(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    own, other = await api.create(), await api.create()
    named = {"self": own["id"], "other": other["id"]}.get(body["mergedUserId"], body["mergedUserId"])
    before = api.footprint()
    path = f"/v1/users/{own['id']}/merges"
    problem_of(await api.client.post(path, json={**body, "mergedUserId": named}, headers=ADMIN), status, code)
    assert api.footprint() == before
    missing = {name: value for name, value in ADMIN.items() if name != "If-Match"}
    problem_of(await api.client.post(path, json=body, headers=missing), 428, "precondition_required")


async def test_a_merge_is_undone_once_and_both_are_there_again(api: Api) -> None:
    own, other, response = await merged(api, "firstName", firstName="Susan", locale="de-DE")
    made = response.json()
    path = f"/v1/users/{own['id']}/merges/{made['id']}"
    preview = await api.client.post(path + "/undo/preview", headers=bearer("users:admin"))
    assert preview.status_code == 200, preview.text
    assert {one["field"]: (one["now"], one["result"]) for one in preview.json()["fields"]} == {
        "firstName": ("Susan", "Grace"),
        "locale": ("de-DE", None),
    }
    assert preview.json()["kept"] == []
    headers = {**bearer("users:admin"), "If-Match": f'"{made["version"]}"', "Idempotency-Key": "k2"}
    undone = await api.client.post(path + "/undo", json={"reason": "two sisters"}, headers=headers)
    again = await api.client.post(path + "/undo", json={"reason": "two sisters"}, headers=headers)
    assert (undone.status_code, undone.content) == (again.status_code, again.content) == (200, undone.content)
    assert (undone.json()["undoableUntil"], undone.json()["undone"]["reason"]) == (None, "two sisters")
    for user in (own, other):
        profile = (await api.client.get(f"/v1/users/{user['id']}")).json()
        assert {**profile, **dict.fromkeys(("version", "updatedAt"))} == {
            **user,
            **dict.fromkeys(("version", "updatedAt")),
        }
    closed = await api.client.post(path + "/undo/preview", headers=bearer("users:admin"))
    problem_of(closed, 409, "merge_undo_term_over")


async def test_candidates_are_listed_page_by_page_and_a_dismissed_pair_no_more(api: Api) -> None:
    users = [(await api.create(phoneNumber="+4930111"))["id"] for _ in range(3)]
    await api.core.find_duplicates.scan()
    headers, path = bearer("users:admin"), "/v1/merge-candidates"
    first = await api.client.get(path, params={"limit": 2}, headers=headers)
    assert first.status_code == 200, first.text
    assert [(one["userId"], one["otherUserId"]) for one in first.json()["items"]] == [
        (users[0], users[1]),
        (users[0], users[2]),
    ]
    assert first.json()["items"][0]["signs"] == ["SAME_PHONE"]
    second = await api.client.get(path, params={"limit": 2, "cursor": first.json()["nextCursor"]}, headers=headers)
    assert (len(second.json()["items"]), second.json()["nextCursor"]) == (1, None)

    body = {"userId": users[1], "otherUserId": users[0], "reason": "two sisters"}
    dismissed = await api.client.post(path + "/dismiss", json=body, headers=headers)
    assert (dismissed.status_code, dismissed.json()["dismissed"]["reason"]) == (200, "two sisters")
    left = await api.client.get(path, params={"userId": users[1]}, headers=headers)
    assert [(one["userId"], one["otherUserId"]) for one in left.json()["items"]] == [(users[1], users[2])]
    known = await api.client.get(path, params={"dismissed": "true"}, headers=headers)
    assert known.json()["items"] == [dismissed.json()]
    problem_of(await api.client.get(path, params={"cursor": "x"}, headers=headers), 400, "query_invalid")
