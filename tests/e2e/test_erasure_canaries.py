"""Erasure erases: of canaries planted in every field nothing is left anywhere, in whatever form."""

from pathlib import Path

from attrs import evolve

from tests.e2e.harness.canaries import MARK, found_in, profile
from tests.e2e.harness.copies import ALL_SCOPES, World, running_copies
from tests.e2e.harness.eraser import CONTEXT, tell_everybody
from tests.e2e.harness.remains import all_rows, cached, dumped
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Client
from tests.facts import failure, order, points, record
from tests.letters import a_letter, a_message, parked
from usercore.activity.values import Awaited, WaitsFor
from usercore.delivery.ports import OutboxBatch
from usercore.kernel.ids import UserId
from usercore.preferences.topics import RegisterTopicCommand
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.values import RequestState
from usercore.settings import CoreSettings, load
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

CHANGED = {
    "firstName": f"{MARK} second",
    "lastName": f"{MARK} changed",
    "email": f"{MARK}.moved@{MARK}.example",
    "attributes": {f"{MARK}Key": f"{MARK} other"},
}


async def plant(client: Client, core: Core) -> tuple[UserId, RequestId]:
    """Put canaries into every field that can hold one, through the API and the use cases; give the erasure asked for.

    Returns:
        The user, and the privacy request.
    """
    await core.register_topic(RegisterTopicCommand("news", "News", "1"))
    await core.register_purpose(RegisterPurposeCommand("profiling", "Profiling", "1"))
    await core.register_attribute_schema(RegisterAttributeSchemaCommand({"type": "object"}), CONTEXT)
    user = (await client.post("/v1/users", profile())).json()
    own = f"/v1/users/{user['id']}"
    merge = await another_account(client, core)
    for method, path, body in (
        ("PATCH", own, CHANGED),
        ("PATCH", f"{own}/email-preferences", {"topics": {"news": {"subscribed": True, "source": MARK}}}),
        ("POST", f"{own}/consents", {"purpose": "profiling", "given": True, "proof": f"{MARK} signed", "source": MARK}),
        ("POST", f"{own}/legal-holds", {"matter": "case-1", "reason": f"{MARK} against us"}),
        ("POST", f"{own}/legal-holds/case-1/release", {"reason": f"{MARK} settled"}),
        ("POST", f"{own}/verifications", {"channel": "email"}),
        ("POST", f"{own}/deactivate", {"reason": f"{MARK} left", "notes": f"{MARK} notes"}),
        ("POST", f"{own}/reactivate", {"reason": f"{MARK} back"}),
        ("POST", f"{own}/merges", merge),
        ("POST", f"{own}/privacy-requests", {"kind": "ACCESS", "text": f"{MARK} asks", "identityNote": f"{MARK} id"}),
        ("POST", f"{own}/privacy-requests", {"kind": "OBJECTION", "text": f"{MARK} objects"}),
        (
            "POST",
            f"{own}/privacy-requests",
            {"kind": "RECTIFICATION", "text": f"{MARK} errs", "profile": {"firstName": f"{MARK} right"}},
        ),
    ):
        headers = {"if-match": "*"} if method == "PATCH" else {"idempotency-key": f"{MARK}-{path[-8:]}"}
        headers |= {"if-match": "*"} if path.endswith("/merges") else {}
        answer = await client.request(method, path, body, headers=headers)
        assert answer.status in {200, 201}, answer.body
    for query in ("", "?include=emailPreferences,activity"):
        assert (await client.get(own + query)).status == 200
    await set_aside(core, UserId(user["id"]))
    asked = {"kind": "ERASURE", "text": f"{MARK} forget me", "identityNote": f"{MARK} passport"}
    request = (await client.post(f"{own}/privacy-requests", asked)).json()
    # So does an operator, in words for the person.
    reason = {"reason": f"{MARK} takes long"}
    assert (await client.post(f"/v1/privacy-requests/{request['id']}/extend", reason)).status == 200
    return UserId(user["id"]), RequestId(request["id"])


async def another_account(client: Client, core: Core) -> dict[str, object]:
    """Plant more into an account of the same person's that is to be merged, and give the body that merges it."""
    other = (await client.post("/v1/users", profile(1) | {"birthDate": None})).json()
    topics = {"topics": {"news": {"subscribed": False, "source": MARK}}}
    path = f"/v1/users/{other['id']}/email-preferences"
    assert (await client.request("PATCH", path, topics, headers={"if-match": "*"})).status == 200
    await record(core.ports, order(f"{MARK}-merged", UserId(other["id"])))
    return {"mergedUserId": other["id"], "take": ["email", "lastName"], "reason": f"{MARK} twice"}


async def set_aside(core: Core, user_id: UserId) -> None:
    """Leave facts about a user, and messages that wait or that nobody could use."""
    await record(core.ports, order(f"{MARK}-order", user_id), points(f"{MARK}-points", user_id, reason=f"{MARK} birth"))
    await record(core.ports, failure(f"{MARK}-payment", f"{MARK}-order", code=f"{MARK}"))
    value = f'{{"userId":"{user_id}","firstName":"{MARK} first"}}'.encode()
    headers = (("name", MARK.encode()),)
    message = a_message("update-user", key=user_id.encode(), value=value, headers=headers)
    await core.ports.dead_letters.add([a_letter(message)])
    waiting = evolve(a_message("order-placed", key=None, value=value, headers=headers))
    await core.ports.parked.park([parked(Awaited(WaitsFor.ORDER, f"{MARK}-other"), message=waiting)])


async def erase(core: Core, request_id: RequestId) -> list[OutboxBatch]:
    """Erase, and give what was published from the erasure on."""
    published: list[OutboxBatch] = []

    async def completed() -> bool:
        request = await core.advance_requests.one(request_id, CONTEXT)
        if request.state is RequestState.COMPLETED:
            return True
        if request.erasure is not None and request.erasure.step == "RECEIPTS":
            await publish_into(core, published)
        await tell_everybody(core)
        return False

    await until(completed, "the erasure is complete")
    return published


async def publish_into(core: Core, published: list[OutboxBatch]) -> None:
    async def publish(batch: OutboxBatch) -> object:
        published.append(batch)
        return core.ports.clock.now()

    while await core.ports.shards.drain(publish, shards=64, limit=1000, patience_s=5):  # type: ignore[arg-type]
        pass


async def test_of_an_erased_person_nothing_is_left_anywhere(world: World, tmp_path: Path) -> None:
    settings = {"ERASURE_LEDGER_FILE": str(tmp_path / "erasures.jsonl"), "LOG_LEVEL": "debug"}
    # The copy serves; what works in the background is done here, where it can be watched.
    quiet = {"DELIVERY_INTERVAL_S": "3600"}
    async with (
        running_copies(world, 1, **settings, **quiet) as [copy],
        copy.client(*ALL_SCOPES) as client,
        open_core(load(CoreSettings, world.environ(**settings))) as service,
    ):
        user_id, request_id = await plant(client, service.core)
        planted = found_in(await all_rows(world.database_url))
        assert {line.partition(":")[0] for line in planted} >= {
            "users",
            "email_preferences",
            "consents",
            "activity_facts",
            "deliveries",
            "outbox",
            "privacy_requests",
            "legal_holds",
            "user_merges",
        }
        published = await erase(service.core, request_id)
        metrics = (await client.get("/metrics")).body.decode()
        gone = await client.get(f"/v1/users/{user_id}")

    assert (gone.status, gone.json()["code"]) == (410, "user_erased")
    assert found_in(await all_rows(world.database_url)) == []
    assert found_in(dumped(world.database_url, tmp_path)) == []
    assert found_in(await cached(world)) == []
    assert found_in(copy.log.read_text(encoding="utf-8")) == []
    assert found_in(metrics) == []
    assert found_in((tmp_path / "erasures.jsonl").read_text(encoding="utf-8")) == []
    messages = [message for batch in published for message in batch.messages]
    assert [message.message for message in messages] == ["UserErased"] * 2  # of both accounts
    states = [state for batch in published for state in batch.profiles]
    assert {state.body for state in states} == {None}
    assert user_id in {state.user_id for state in states}
    assert len(states) == 2
    assert found_in("\n".join(str(message.payload) + str(message.headers) for message in messages)) == []
