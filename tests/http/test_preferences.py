"""Email preferences."""

import pytest

from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from usercore.preferences.topics import RegisterTopicCommand

TOPICS = (
    RegisterTopicCommand("news", "News", "2026-01", "What is new."),
    RegisterTopicCommand("orders", "Orders", "2025-07", mandatory=True, subscribed_by_default=True),
)


@pytest.fixture(autouse=True)
async def topics(api: Api) -> None:
    for topic in TOPICS:
        await api.core.register_topic(topic)


async def test_every_topic_stands_with_its_default_until_something_is_said(api: Api) -> None:
    user = await api.create()
    response = await api.client.get(f"/v1/users/{user['id']}/email-preferences")
    assert response.status_code == 200
    assert response.headers["etag"] == '"1"'
    nothing = {"source": None, "updatedAt": None, "wordingVersion": None}
    assert response.json() == {
        "userId": user["id"],
        "version": 1,
        "topics": {
            "news": nothing
            | {
                "subscribed": False,
                "title": "News",
                "description": "What is new.",
                "mandatory": False,
                "currentWordingVersion": "2026-01",
            },
            "orders": nothing
            | {
                "subscribed": True,
                "title": "Orders",
                "description": "",
                "mandatory": True,
                "currentWordingVersion": "2025-07",
            },
        },
    }


async def test_what_is_said_is_kept_and_read_again(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}/email-preferences"
    said = {"subscribed": True, "source": "preference-center", "wordingVersion": "2025-12"}
    response = await api.client.patch(path, json={"topics": {"news": said}}, headers={"If-Match": '"1"'})
    assert response.status_code == 200, response.text
    assert response.headers["etag"] == '"2"'
    news = response.json()["topics"]["news"]
    assert {name: news[name] for name in said} == said
    assert (await api.client.get(path)).content == response.content
    profile = await api.client.get(f"/v1/users/{user['id']}")
    assert profile.headers["etag"] == '"2"'


async def test_preferences_are_never_answered_as_unchanged(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}/email-preferences"
    await api.core.register_topic(RegisterTopicCommand("events", "Events", "1"))
    response = await api.client.get(path, headers={"If-None-Match": '"1"'})
    assert (response.status_code, list(response.json()["topics"])) == (200, ["events", "news", "orders"])


@pytest.mark.parametrize(
    ("choices", "code", "broken"),
    [
        ({"weather": {"subscribed": True}}, "preferences_invalid", {("/topics", "topic_unknown")}),
        ({"orders": {"subscribed": False}}, "preferences_invalid", {("/topics/orders", "topic_mandatory")}),
        ({"news": {"source": "form"}}, "body_invalid", {("/topics/subscribed", "required")}),
        ({"news": {"subscribed": "yes"}}, "body_invalid", {("/topics/subscribed", "wrong_type")}),
        ({"news": None}, "body_invalid", {("/topics", "wrong_type")}),
        ({"news": {"subscribed": True, "at": "now"}}, "body_invalid", {("/topics", "unknown_field")}),
        ([], "body_invalid", {("/topics", "wrong_type")}),
    ],
)
async def test_what_cannot_be_said_is_refused_and_not_kept(
    api: Api, choices: object, code: str, broken: set[tuple[str, str]]
) -> None:
    user = await api.create()
    before = api.footprint()
    response = await api.client.patch(f"/v1/users/{user['id']}/email-preferences", json={"topics": choices})
    assert rules_broken(problem_of(response, 422, code)) == broken
    assert api.footprint() == before


async def test_a_stale_version_is_refused(api: Api) -> None:
    user = await api.create()
    path = f"/v1/users/{user['id']}/email-preferences"
    body = {"topics": {"news": {"subscribed": True}}}
    response = await api.client.patch(path, json=body, headers={"If-Match": '"7"'})
    problem_of(response, 412, "stale_version")


async def test_preferences_of_nobody_are_not_found(api: Api) -> None:
    response = await api.client.get("/v1/users/01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d/email-preferences")
    problem_of(response, 404, "user_not_found")
    response = await api.client.get("/v1/users/nobody/email-preferences")
    problem_of(response, 404, "user_not_found")
