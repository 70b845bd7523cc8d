"""Every message that others send takes effect, however it is written; what is published is what the catalogue says."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.harness.waiting import until
from tests.stream.harness.people import (
    Told,
    binary,
    failure,
    made,
    new_user,
    order,
    points,
    structured,
    success,
    unique,
    until_created,
)
from tests.stream.harness.wire import Wire, header
from tests.stream.harness.world import World
from usercore.activity.summary import ActivitySummary
from usercore.activity.values import Money
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.ids import UserId
from usercore.merging.merge_users import MergeUsersCommand
from usercore.users.read_users import UserNamed
from usercore.users.values import AccountState
from usercore.wiring.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")

Writing = Callable[[Mapping[str, Any], str], Told]


def plain(payload: Mapping[str, Any], _: str) -> Told:
    return Told(payload)


CATALOGUE = Path(__file__).parent.parent / "golden" / "catalogue"
FORMAT_CHECKER = Draft202012Validator.FORMAT_CHECKER
WRITINGS = pytest.mark.parametrize("write", [plain, binary, structured])


async def summary(service: Service, user_id: str) -> ActivitySummary:
    return await service.core.read_activity.summary(UserId(user_id))


@WRITINGS
async def test_create_user_creates_one_and_user_created_leaves(
    shared_wire: Wire, shared_service: Service, write: Writing
) -> None:
    payload = new_user(phoneNumber="+4930123456")
    told = write(payload, "CreateUser")
    await shared_wire.send("create-user", told.value, headers=told.headers)
    user = await until_created(shared_service.core, payload["email"])
    assert (user.profile.first_name, user.profile.phone_number) == ("Grace", "+4930123456")

    async def announced() -> Any:
        records = await shared_wire.read("user-created")
        return next((one for one in records if one.key == user.id.encode()), None)

    record = await until(announced, "the event is published")
    payload = json.loads(record.value)
    assert payload["userId"] == user.id
    assert (header(record, "ce_type"), header(record, "ce_sequence")) == ("UserCreated", "1")


@WRITINGS
async def test_update_user_changes_what_it_names(shared_wire: Wire, shared_service: Service, write: Writing) -> None:
    user = await made(shared_service.core)
    told = write({"userId": user.id, "firstName": "Amazing", "address": {"city": "Berlin"}}, "UpdateUser")
    await shared_wire.send("update-user", told.value, key=user.id, headers=told.headers)
    await shared_wire.until_done(["update-user"])
    now = await shared_service.core.get_user(UserNamed(user_id=user.id))
    assert (now.version, now.profile.first_name) == (2, "Amazing")
    assert now.profile.address is not None
    assert now.profile.address.city == "Berlin"


@WRITINGS
async def test_deactivate_user_deactivates(shared_wire: Wire, shared_service: Service, write: Writing) -> None:
    user = await made(shared_service.core)
    told = write({"userId": user.id, "reason": "closing the account"}, "DeactivateUser")
    await shared_wire.send("deactivate-user", told.value, key=user.id, headers=told.headers)
    await shared_wire.until_done(["deactivate-user"])
    now = await shared_service.core.get_user(UserNamed(user_id=user.id))
    assert now.status.state is AccountState.DEACTIVATED
    assert now.status.notes == "closing the account"


@WRITINGS
async def test_orders_payments_and_points_become_activity(
    shared_wire: Wire, shared_service: Service, write: Writing
) -> None:
    user = await made(shared_service.core)
    placed = order(user.id)
    failed = failure(placed["orderId"], amount={"value": 59.97, "currency": "EUR"})
    for topic, message, payload in (
        ("order-placed", "OrderPlaced", placed),
        ("payment-failed", "PaymentFailed", failed),
        ("payment-succeeded", "PaymentSucceeded", success(placed["orderId"], metadata={"attempt": 2})),
        ("loyalty-points-earned", "LoyaltyPointsEarned", points(user.id, transactionId=unique("t"))),
    ):
        told = write(payload, message)
        await shared_wire.send(topic, told.value, key=user.id, headers=told.headers)

    async def all_known() -> ActivitySummary | None:
        found = await summary(shared_service, user.id)
        return found if (found.payments.recovered, found.loyalty.balance) == (1, 60) else None

    found = await until(all_known, "all facts are recorded")
    assert found.orders.count == 1
    assert found.orders.totals == (Money(Decimal("59.97"), "EUR"),)
    assert found.payments.failures == 1


@WRITINGS
@pytest.mark.parametrize("by", ["id", "email", "username"])
async def test_get_user_is_answered_in_the_topic_that_it_names(
    shared_wire: Wire, shared_service: Service, write: Writing, by: str
) -> None:
    user = await made(shared_service.core)
    names = {"id": user.id, "email": user.profile.email.address, "username": user.profile.username}
    told = write({by: names[by]}, "GetUser")
    record = await _answer(shared_wire, "get-user", told)
    found = json.loads(record.value)
    assert {name: found[name] for name in ("id", "email", "firstName", "lastName")} == {
        "id": user.id,
        "email": user.profile.email.address,
        "firstName": "Grace",
        "lastName": "Hopper",
    }
    assert {"username", "createdAt", "updatedAt"} <= found.keys()
    assert (header(record, "ce_type"), header(record, "content-type")) == ("UserProfile", "application/json")


@WRITINGS
async def test_email_preferences_are_answered(shared_wire: Wire, shared_service: Service, write: Writing) -> None:
    user = await made(shared_service.core)
    record = await _answer(
        shared_wire, "get-user-email-preferences", write({"userId": user.id}, "GetUserEmailPreferences")
    )
    assert json.loads(record.value)["userId"] == user.id
    assert header(record, "ce_type") == "UserEmailPreferences"


async def test_what_is_told_of_a_merged_account_goes_to_the_one_that_stands_for_it(
    shared_wire: Wire, shared_service: Service
) -> None:
    core = shared_service.core
    survivor, merged = await made(core), await made(core)
    before = order(merged.id)
    await shared_wire.send("order-placed", before, key=merged.id)
    await shared_wire.until_done(["order-placed"])
    asked = MergeUsersCommand(survivor.id, merged.id, reason="the same person")
    await core.merge_users(asked, CommandContext(SYSTEM, "merging"))

    await shared_wire.send("update-user", {"userId": merged.id, "firstName": "Merged"}, key=merged.id)
    await shared_wire.send("order-placed", order(merged.id), key=merged.id)
    await shared_wire.send(
        "loyalty-points-earned", points(merged.id, 60, transactionId=unique("points")), key=merged.id
    )
    await shared_wire.send("payment-failed", failure(before["orderId"]), key=before["orderId"])
    await shared_wire.until_done(["update-user", "order-placed", "loyalty-points-earned", "payment-failed"])
    now = await core.get_user(UserNamed(user_id=survivor.id))
    assert now.profile.first_name == "Merged"
    done = await summary(shared_service, survivor.id)
    assert (done.orders.count, done.loyalty.balance, done.payments.failures) == (2, 60, 1)
    for topic, query in (("get-user", {"id": merged.id}), ("get-user-email-preferences", {"userId": merged.id})):
        found = json.loads((await _answer(shared_wire, topic, Told(query))).value)
        assert survivor.id in {found.get("id"), found.get("userId")}

    async def announced() -> bool:
        told = {one.key: json.loads(one.value) for one in await shared_wire.read("user-merged")}
        both = [told.get(user.id.encode()) for user in (survivor, merged)]
        return all(one and (one["userId"], one["mergedUserId"]) == (survivor.id, merged.id) for one in both)

    await until(announced, "the merge is announced under the id of each")


async def test_a_query_for_nobody_and_one_that_is_not_valid_are_answered_with_problems(shared_wire: Wire) -> None:
    for payload, code in (({"id": unique("nobody")}, "user_not_found"), ({}, "payload_invalid")):
        record = await _answer(shared_wire, "get-user", Told(payload))
        problem = json.loads(record.value)
        assert (header(record, "ce_type"), problem["code"]) == ("Problem", code)
        assert header(record, "content-type") == "application/problem+json"
        assert "status" not in problem


async def _answer(wire: Wire, topic: str, query: Told) -> Any:
    """Return the answer to a query, in a topic of its own."""
    replies, correlation = unique("reply-"), b"\x00any bytes\xff"
    await wire.make(replies)
    await wire.send(
        topic,
        query.value,
        headers=[
            *query.headers,
            ("reply-to", f"{wire.world.prefix}{replies}".encode()),
            ("correlation-id", correlation),
        ],
    )
    [record] = await wire.until_records(replies, 1)
    assert ("correlation-id", correlation) in record.headers
    return record


async def test_a_command_that_is_refused_is_answered_without_any_value_of_it(
    shared_wire: Wire, shared_service: Service
) -> None:
    taken = (await made(shared_service.core)).profile.email.address
    partition, offset = await shared_wire.send("create-user", new_user(email=taken.upper(), firstName="Canary"))

    async def answered() -> Any:
        records = await shared_wire.read("user-command-rejected")
        wanted = f"create-user-{partition}-{offset}"
        return next((one for one in records if json.loads(one.value)["commandId"] == wanted), None)

    record = await until(answered, "the command is answered")
    answer = json.loads(record.value)
    assert (answer["command"], answer["problem"]["code"]) == ("CreateUser", "email_taken")
    assert b"Canary" not in record.value
    assert taken.encode() not in record.value.lower()


async def test_a_command_that_is_not_valid_is_answered_with_each_broken_rule(
    shared_wire: Wire, shared_world: World
) -> None:
    told = binary({"email": "nowhere", "firstName": "", "lastName": "Hopper", "password": "short"}, "CreateUser")
    ident = dict(told.headers)["ce_id"].decode()
    await shared_wire.send("create-user", told.value, headers=told.headers)

    async def answered() -> Any:
        records = await shared_wire.read("user-command-rejected")
        return next((one for one in records if json.loads(one.value)["commandId"] == ident), None)

    problem = json.loads((await until(answered, "the command is answered")).value)["problem"]
    assert problem["code"] == "payload_invalid"
    assert {one["pointer"] for one in problem["errors"]} >= {"/firstName", "/password"}
    assert await shared_world.rows("SELECT 1 FROM users WHERE email = 'nowhere'") == []


async def test_what_was_published_satisfies_the_catalogue_s_schemas(shared_wire: Wire) -> None:
    checked = {}
    for topic, name in (
        ("user-created", "UserCreated"),
        ("user-updated", "UserUpdated"),
        ("user-deactivated", "UserDeactivated"),
        ("user-command-rejected", "UserCommandRejected"),
    ):
        schema = json.loads((CATALOGUE / f"{name}.json").read_text(encoding="utf-8"))
        validator = Draft202012Validator(schema, format_checker=FORMAT_CHECKER)
        records = await shared_wire.read(topic)
        for record in records:
            validator.validate(json.loads(record.value))
        checked[name] = len(records)
    assert all(count > 0 for count in checked.values()), checked
