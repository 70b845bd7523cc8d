"""Privacy requests over HTTP: asked by people about themselves, decided by those who manage privacy."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.tokens import bearer, token
from usercore.delivery.values import Recipient

OPERATOR = bearer("privacy:manage", "ada")
OLD = 0


async def ask(api: Api, user_id: str, *, old: bool = False, **body: Any) -> httpx.Response:
    """Ask as the person does."""
    headers = aged(user_id) if old else bearer("", user_id)
    return await api.client.post(f"/v1/users/{user_id}/privacy-requests", json=body, headers=headers)


def aged(user_id: str) -> dict[str, str]:
    """Give the header of a token for which its user signed in long ago."""
    return {"authorization": f"Bearer {token('', user_id, auth_time=OLD)}"}


async def decide(api: Api, request_id: str, what: str, **body: Any) -> httpx.Response:
    return await api.client.post(f"/v1/privacy-requests/{request_id}/{what}", json=body, headers=OPERATOR)


async def test_a_person_asks_for_their_data_and_fetches_it(api: Api) -> None:
    user = await api.create()
    asked = await ask(api, user["id"], kind="ACCESS", text="what do you know?")
    assert asked.status_code == 201, asked.text
    request = asked.json()
    assert (request["state"], request["identity"]["method"]) == ("ACCEPTED", "SIGNED_IN")
    path = asked.headers["location"]
    own = bearer("", user["id"])
    problem_of(await api.client.get(f"{path}/archive", headers=own), 404, "archive_not_available")
    done = await api.client.post(f"/v1/privacy-requests/{request['id']}/run", headers=OPERATOR)
    assert done.json()["state"] == "COMPLETED"
    archive = await api.client.get(f"{path}/archive", headers=own | {"accept": "application/zip"})
    assert (archive.status_code, archive.headers["content-type"]) == (200, "application/zip")
    assert archive.headers["cache-control"] == "no-store"
    with ZipFile(BytesIO(archive.content)) as content:
        assert json.loads(content.read("profile.json"))["records"][0]["id"] == user["id"]
    assert (await api.client.get(path, headers=own)).json() == done.json()
    listed = await api.client.get(f"/v1/users/{user['id']}/privacy-requests", headers=own)
    assert [one["id"] for one in listed.json()["items"]] == [request["id"]]


async def test_nobody_fetches_anothers_archive(api: Api) -> None:
    user, other = await api.create(), await api.create()
    request = (await ask(api, user["id"], kind="ACCESS")).json()
    await api.client.post(f"/v1/privacy-requests/{request['id']}/run", headers=OPERATOR)
    foreign = f"/v1/users/{user['id']}/privacy-requests/{request['id']}/archive"
    problem_of(await api.client.get(foreign, headers=bearer("", other["id"])), 404, "user_not_found")
    crossed = f"/v1/users/{other['id']}/privacy-requests/{request['id']}/archive"
    problem_of(await api.client.get(crossed, headers=OPERATOR), 404, "privacy_request_not_found")


async def test_who_signed_in_long_ago_waits_for_an_operators_look(api: Api) -> None:
    user = await api.create()
    request = (await ask(api, user["id"], old=True, kind="ERASURE")).json()
    assert request["state"] == "IDENTITY_PENDING"
    problem_of(await decide(api, request["id"], "run"), 409, "identity_needed")
    known = (await decide(api, request["id"], "verify-identity", note="passport seen")).json()
    assert (known["state"], known["identity"]["by"]) == ("ACCEPTED", {"kind": "OPERATOR", "id": "ada"})


async def test_operators_extend_refuse_and_list_what_is_open(api: Api) -> None:
    user = await api.create()
    request = (await ask(api, user["id"], kind="RECTIFICATION", text="my name has an accent")).json()
    longer = (await decide(api, request["id"], "extend", reason="many systems")).json()
    assert longer["dueAt"] > request["dueAt"]
    assert (await decide(api, request["id"], "extend", reason="many systems")).json() == longer
    problem_of(await decide(api, request["id"], "extend", reason="more"), 409, "extension_not_possible")
    wrong = await decide(api, request["id"], "refuse", ground="LEGAL_CLAIMS", text="a claim")
    assert rules_broken(problem_of(wrong, 422, "privacy_request_invalid")) == {("/ground", "ground_not_applicable")}
    refused = (await decide(api, request["id"], "refuse", ground="ACCURATE_ALREADY", text="it is right")).json()
    assert refused["refusal"]["law"].startswith("GDPR Art. 16")

    async def ids(**query: str) -> list[str]:
        found = await api.client.get("/v1/privacy-requests", params=query, headers=OPERATOR)
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["items"]]

    assert await ids(state="REFUSED", kind="RECTIFICATION,ACCESS", userId=user["id"]) == [request["id"]]
    assert await ids(state="ACCEPTED", userId=user["id"]) == []
    assert await ids(overdue="true") == []


@pytest.mark.parametrize(
    ("query", "name"),
    [("state=NOT", "/state"), ("cursor=x", "/cursor"), ("overdue=yes", "/overdue"), ("userId=me", "/userId")],
)
async def test_a_list_that_cannot_be_made_is_refused(api: Api, query: str, name: str) -> None:
    response = await api.client.get(f"/v1/privacy-requests?{query}", headers=OPERATOR)
    problem = problem_of(response, 400, "query_malformed")
    assert [one["pointer"] for one in problem["errors"]] == [name]


async def test_an_erased_person_is_gone_and_the_request_stays_with_its_receipts(api: Api) -> None:
    user = await api.create()
    request = (await ask(api, user["id"], kind="ERASURE", text="forget me")).json()
    held = {"matter": "case-1", "reason": "a claim"}
    holds = f"/v1/users/{user['id']}/legal-holds"
    assert (await api.client.post(holds, json=held, headers=OPERATOR)).status_code == 200
    problem_of(await decide(api, request["id"], "run"), 409, "legal_hold")
    ended = await api.client.post(f"{holds}/case-1/release", json={"reason": "settled"}, headers=OPERATOR)
    assert ended.json()["release"]["reason"] == "settled"
    assert [one["matter"] for one in (await api.client.get(holds, headers=OPERATOR)).json()["items"]] == ["case-1"]
    begun = (await decide(api, request["id"], "run")).json()
    assert (begun["state"], begun["erasure"]["step"]) == ("IN_PROGRESS", "DRAIN")
    own = bearer("", user["id"])
    cancel = f"/v1/users/{user['id']}/privacy-requests/{request['id']}/cancel"
    problem_of(await api.client.post(cancel, headers=own), 409, "erasure_under_way")
    await everything_goes_out(api)
    await decide(api, request["id"], "run")
    problem_of(await api.client.get(f"/v1/users/{user['id']}", headers=own), 404, "user_not_found")
    gone = await api.client.get(f"/v1/users/{user['id']}", headers=bearer("users:read privacy:manage"))
    problem_of(gone, 410, "user_erased")
    await everything_goes_out(api)
    done = (await decide(api, request["id"], "run")).json()
    assert (done["state"], done["text"]) == ("COMPLETED", None)
    assert set(done["erasure"]["receipts"]) == {"AUTHENTICATION", "NOTIFICATION", "AUDIT", "TOPIC"}
    shown = await api.client.get(f"/v1/privacy-requests/{request['id']}", headers=OPERATOR)
    assert shown.json() == done


async def everything_goes_out(api: Api) -> None:
    for recipient in Recipient:
        while await api.core.deliver_pending(recipient):
            pass

    async def publish(_: object) -> Any:
        return api.core.ports.clock.now()

    while await api.core.ports.shards.drain(publish, shards=64, limit=1000, patience_s=1):
        pass


async def test_a_restricted_user_is_changed_by_those_who_manage_privacy_alone(api: Api) -> None:
    user = await api.create()
    request = (await ask(api, user["id"], kind="RESTRICTION")).json()
    await decide(api, request["id"], "run")
    path, change = f"/v1/users/{user['id']}", {"firstName": "Ada"}
    any_version = {"if-match": "*"}
    problem_of(await api.client.patch(path, json=change, headers=any_version), 409, "user_restricted")
    own = bearer("", user["id"]) | any_version
    problem_of(await api.client.patch(path, json=change, headers=own), 409, "user_restricted")
    both = bearer("users:write privacy:manage") | any_version
    assert (await api.client.patch(path, json=change, headers=both)).json()["restricted"]
    lifted = await api.client.post(f"{path}/lift-restriction", headers=OPERATOR)
    assert (lifted.status_code, lifted.json()["restricted"]) == (200, False)
    assert (await api.client.patch(path, json=change | {"lastName": "L"}, headers=any_version)).status_code == 200


async def test_a_rectification_may_bring_the_right_values(api: Api) -> None:
    user = await api.create()
    right = {"lastName": "Murray", "address": {"city": "Arlington"}, "phoneNumber": None}
    request = (await ask(api, user["id"], kind="RECTIFICATION", profile=right)).json()
    assert request["profile"] == right
    await decide(api, request["id"], "run")
    profile = (await api.client.get(f"/v1/users/{user['id']}")).json()
    assert (profile["lastName"], profile["address"]["city"]) == ("Murray", "Arlington")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "body_invalid", "/kind"),
        ({"kind": "EVERYTHING"}, "body_invalid", "/kind"),
        ({"kind": "ACCESS", "text": ""}, "body_invalid", "/text"),
        ({"kind": "ACCESS", "text": "  "}, "privacy_request_invalid", "/text"),
        ({"kind": "RECTIFICATION"}, "privacy_request_invalid", "/text"),
        ({"kind": "ACCESS", "profile": {"firstName": "A"}}, "privacy_request_invalid", "/profile"),
        ({"kind": "RECTIFICATION", "profile": {"locale": "?"}}, "body_invalid", "/profile"),
    ],
)
async def test_what_cannot_be_asked_is_refused(api: Api, body: dict[str, Any], code: str, pointer: str) -> None:
    user = await api.create()
    before = api.footprint()
    problem = problem_of(await ask(api, user["id"], **body), 422, code)
    assert [one["pointer"] for one in problem["errors"]] == [pointer]
    assert api.footprint() == before
