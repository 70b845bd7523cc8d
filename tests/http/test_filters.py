"""Lists by a filter: who is chosen, who may ask, and what is said of a filter that is none."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from attrs import evolve

from tests.builders import a_context
from tests.facts import order, points, record
from tests.http.api import Api
from tests.http.problems import problem_of, rules_broken
from tests.http.states import put
from tests.http.test_limits import left, limited
from tests.http.tokens import bearer
from user_http.access import RULES, Rule
from user_http.auth.callers import Caller, Scope
from user_http.filters import SHOWN_ELSEWHERE, require_sight
from user_http.problems import RequestRefusedError
from usercore.audit.entry import SERVICE_CHAIN
from usercore.codec.documents import User
from usercore.codec.profile import profile_document
from usercore.kernel.ids import UserId
from usercore.preferences.topics import RegisterTopicCommand
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.users.conditions import Field
from usercore.users.values import AccountState


async def chosen(api: Api, text: str, **more: str) -> list[str]:
    """Give the first names of those whom a filter chooses, the oldest first."""
    asked = {"filter": text, "sort": "createdAt", **more}
    response = await api.client.get("/v1/users", params=asked)
    assert response.status_code == 200, response.text
    return [user["firstName"] for user in response.json()["items"]]


def restrict(api: Api, user: dict[str, Any]) -> None:
    """Restrict the use of a user's data."""
    stored = api.database.users[UserId(user["id"])]
    api.database.users[stored.id] = changed = evolve(stored, restricted=True)
    api.database.documents[stored.id] = profile_document(changed)


async def test_a_filter_chooses_by_profile_activity_and_preferences_and_joins_the_other_parameters(
    lane_api: Api,
) -> None:
    await lane_api.core.register_attribute_schema(RegisterAttributeSchemaCommand({"type": "object"}), a_context())
    ada = await lane_api.create(firstName="Ada", address={"country": "GB"}, attributes={"plan": "gold"})
    await lane_api.create(firstName="Bob", address={"country": "DE"}, birthDate="1990-01-31")
    await lane_api.core.register_topic(RegisterTopicCommand("news", "News", "1"))
    facts = (order("o-1", UserId(ada["id"])), points("p-1", UserId(ada["id"]), 5_000))
    await record(lane_api.core.ports, *facts)

    assert await chosen(lane_api, 'address.country = "gb"') == ["Ada"]
    assert await chosen(lane_api, "loyalty.tier = GOLD and orders.count = 1 and orders.total.EUR > 59") == ["Ada"]
    assert await chosen(lane_api, "orders.lastAt not exists or attributes.plan = 'gold'") == ["Ada", "Bob"]
    assert await chosen(lane_api, "emailPreferences.news = false and birthDate < 1990-02-01") == ["Bob"]
    assert await chosen(lane_api, "version = 1", q="bo") == ["Bob"]
    assert await chosen(lane_api, "version = 2") == []


async def test_who_is_restricted_is_chosen_where_the_filter_names_it_alone_and_who_is_gone_never(
    lane_api: Api,
) -> None:
    """GDPR Art. 18(2): restricted data is kept, and not otherwise processed."""
    for name in ("Ada", "Bob", "Eve", "Mel"):
        user = await lane_api.create(firstName=name)
        if name == "Bob":
            restrict(lane_api, user)
        if name in {"Eve", "Mel"}:
            put(lane_api.database, user["id"], AccountState.ERASED if name == "Eve" else AccountState.MERGED)

    assert await chosen(lane_api, "version = 1") == ["Ada"]
    assert await chosen(lane_api, "not version = 2", status="ACTIVE,MERGED,ERASED") == ["Ada"]
    assert await chosen(lane_api, "restricted = true") == ["Bob"]
    assert await chosen(lane_api, "(restricted = true or restricted = false) and version = 1") == ["Ada", "Bob"]
    plain = await lane_api.client.get("/v1/users")
    assert [user["firstName"] for user in plain.json()["items"]] == ["Bob", "Ada"]


@pytest.mark.parametrize(
    ("text", "position", "code", "hint"),
    [
        ("stauts = ACTIVE", 1, "unknown_field", "did you mean status?"),
        ("colour = 1", 1, "unknown_field", "docs/segments.md lists them all"),
        ("age >= eighteen", 8, "type", "a number"),
        ("email = 'grace'", 9, "email_invalid", "at character 9"),
        ("consents.teleport = true", 1, "unknown_purpose", "registered are: "),
        ("version = 1 and emailPreferences.teleport = true", 17, "unknown_topic", "registered are: none"),
        ("", 1, "syntax", "name a field"),
        ("age = 1 " * 300, 2001, "too_long", "at most 2000 characters"),
    ],
)
async def test_a_filter_that_is_none_is_told_with_its_place_and_a_hint(
    lane_api: Api, text: str, position: int, code: str, hint: str
) -> None:
    body = problem_of(await lane_api.client.get("/v1/users", params={"filter": text}), 400, "filter_invalid")

    assert (body["position"], rules_broken(body)) == (position, {("/filter", code)})
    assert hint in body["errors"][0]["detail"]
    assert not any(word in str(body) for word in ("stauts", "colour", "eighteen", "grace", "teleport"))


async def test_a_cursor_belongs_to_its_filter_in_whatever_way_that_is_written(lane_api: Api) -> None:
    for _ in range(3):
        await lane_api.create()
    first = await lane_api.client.get("/v1/users", params={"filter": "status=ACTIVE", "limit": 2})
    cursor = first.json()["nextCursor"]

    again = await lane_api.client.get("/v1/users", params={"filter": ' status = "ACTIVE"', "cursor": cursor})
    assert (again.status_code, len(again.json()["items"])) == (200, 1)
    linked = first.headers["link"].split("<")[2].split(">")[0]
    assert (await lane_api.client.get(linked)).json() == again.json()
    for other in ({"filter": "version = 1"}, {}):
        refused = await lane_api.client.get("/v1/users", params={"cursor": cursor, **other})
        assert rules_broken(problem_of(refused, 400, "query_invalid")) == {("/cursor", "cursor_invalid")}
    plain = (await lane_api.client.get("/v1/users", params={"limit": 1})).json()["nextCursor"]
    refused = await lane_api.client.get("/v1/users", params={"cursor": plain, "filter": "version = 1"})
    problem_of(refused, 400, "query_invalid")


def test_every_field_stands_in_the_profile_or_names_the_operation_that_shows_it() -> None:
    shown = {one.encode_name for one in msgspec.structs.fields(User)}
    for field in Field:
        assert (field.value.partition(".")[0] in shown) is (field not in SHOWN_ELSEWHERE), field
    assert set(SHOWN_ELSEWHERE.values()) <= set(RULES)


def test_nobody_filters_by_what_they_may_not_see() -> None:
    support = Caller("issuer", "support", frozenset({Scope.USERS_READ}))
    narrower = {**RULES, "getActivity": Rule(frozenset({Scope.USERS_ADMIN}), own=True)}

    require_sight(support, Field)
    require_sight(support, {Field.CITY, Field.CONSENT, Field.EMAIL_PREFERENCE}, narrower)
    for field in (Field.ORDERS, Field.LOYALTY_POINTS, Field.PAYMENT_STANDING):
        with pytest.raises(RequestRefusedError) as refused:
            require_sight(support, {Field.CITY, field}, narrower)
        assert refused.value.kind.code == "scope_insufficient"


@pytest.mark.parametrize("query", ["filter=version%3D1", "limit=1&f%69lter=version%3D1", "em%61il=a@example.com"])
async def test_who_asks_by_a_filter_is_counted_with_those_who_look_for_a_name(tmp_path: Path, query: str) -> None:
    async with limited(tmp_path) as api:
        assert left(await api.client.get(f"/v1/users?{query}"))[0] == "lookups"


async def test_the_trail_keeps_the_fields_of_an_operators_filter_and_no_value(lane_api: Api) -> None:
    asked = {"filter": "email = 'grace@example.com' or age > 17", "limit": "5"}
    await lane_api.client.get("/v1/users", params=asked, headers=bearer("users:admin", "ada"))

    [entry] = [one.entry for one in lane_api.database.audit[SERVICE_CHAIN]]
    assert entry.fields == ("filter", "filter:age", "filter:email", "limit")
