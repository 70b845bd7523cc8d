"""Topics whose commands must be signed: the key's owner acts, and whatever else comes is a dead letter."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from attrs import evolve

from tests.e2e.harness.waiting import until
from tests.signers import ED25519, P256, STRANGER, jwk, jwks, signed
from tests.stream.harness.people import binary, made, structured, unique
from tests.stream.harness.wire import Wire, header, open_wire
from tests.stream.harness.world import World, running_stream
from tests.stream.test_hostile import buried, shown
from usercore.codec.scalars import timestamp
from usercore.messaging.values import RawMessage
from usercore.users.read_users import UserNamed
from usercore.wiring.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """Topics where updates must be signed and nothing else."""
    file: Path = tmp_path_factory.mktemp("keys") / "signers.json"
    file.write_text(jwks(jwk(ED25519, "shop-1"), jwk(P256, "desk-1", "OPERATOR:ada")), encoding="utf-8")
    settings = {"SIGNED_TOPICS": "update-user", "SIGNER_KEYS_FILE": str(file)}
    async with running_stream(shared_world, **settings), open_wire(shared_world) as opened:
        yield opened


def update(user_id: str, name: str, *, write: Any = binary, late_s: float = 0.0, **more: str) -> RawMessage:
    """Give an unsigned UpdateUser."""
    at = datetime.now(UTC) - timedelta(seconds=late_s)
    told = write({"userId": user_id, "firstName": name}, "UpdateUser", time=timestamp(at), **more)
    value = json.dumps(told.value).encode()
    return RawMessage("update-user", 0, 0, 0, user_id.encode(), value, tuple(told.headers))


async def sent(wire: Wire, raw: RawMessage) -> tuple[int, int]:
    key = None if raw.key is None else raw.key.decode()
    return await wire.send(raw.topic, raw.value, key=key, headers=raw.headers)


@pytest.mark.parametrize("write", [binary, structured])
@pytest.mark.parametrize(
    ("key", "kid", "actor"), [(ED25519, "shop-1", "SERVICE:shop"), (P256, "desk-1", "OPERATOR:ada")]
)
async def test_a_signed_command_takes_effect_once_and_its_signer_is_who_acted(
    wire: Wire, shared_service: Service, write: Any, key: Any, kid: str, actor: str
) -> None:
    user = await made(shared_service.core)
    raw = signed(update(user.id, "Signed", write=write, actor="OPERATOR:mallory"), key, kid)
    await sent(wire, raw)
    await sent(wire, raw)
    await wire.until_done(["update-user"])
    found = await shared_service.core.get_user(UserNamed(user_id=user.id))
    assert (found.profile.first_name, found.version) == ("Signed", 2)
    page = await shared_service.core.read_history(user.id)
    assert str(page.items[0].actor) == actor


async def test_a_command_that_is_signed_wrongly_or_not_at_all_is_a_dead_letter_without_effect(
    wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user = await made(shared_service.core)
    good = signed(update(user.id, "Forged"))
    other = await made(shared_service.core)
    cases = {
        "signature_missing": [update(user.id, "Forged")],
        "signature_key_unknown": [signed(update(user.id, "Forged"), STRANGER, "stranger")],
        "signature_expired": [signed(update(user.id, "Forged", late_s=3600))],
        "signature_invalid": [
            signed(update(user.id, "Forged"), STRANGER),
            evolve(good, value=(good.value or b"").replace(b"Forged", b"Forgery")),
            evolve(good, key=other.id.encode()),
            evolve(good, headers=tuple((n, b"m-2" if n == "ce_id" else v) for n, v in good.headers)),
        ],
    }
    places = {(code, await sent(wire, raw)) for code, raws in cases.items() for raw in raws}
    for code, place in places:
        assert await buried(shared_world, "update-user", place) == code
        letter = await shown(wire, "update-user", place)
        assert header(letter, "dlq_code") == code
    assert (await shared_service.core.get_user(UserNamed(user_id=user.id))).version == 1


async def test_topics_that_are_not_named_take_unsigned_commands(
    wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user = await made(shared_service.core)
    ident = unique("end")
    told = binary({"userId": user.id}, "DeactivateUser", ident=ident)
    await wire.send("deactivate-user", told.value, key=user.id, headers=told.headers)

    async def ended() -> bool:
        return (await shared_service.core.get_user(UserNamed(user_id=user.id))).version == 2

    await until(ended, "the user is deactivated")
    assert await shared_world.rows("SELECT 1 FROM inbox WHERE message_id = %s", ident)


async def test_why_a_signed_command_was_refused_repeats_nothing_of_it(wire: Wire, shared_world: World) -> None:
    canary = "cnryq7f3"
    stranger = signed(update(canary, canary), STRANGER, canary)
    odd = update(canary, canary)
    odd = evolve(odd, headers=(*odd.headers, ("jws", canary.encode()), ("signature", canary.encode())))
    for raw in (update(canary, canary), stranger, odd):
        place = await sent(wire, raw)
        await buried(shared_world, "update-user", place)
        letter = await shown(wire, "update-user", place)
        # Its own headers come back as they were; what is said of it is ours.
        said = [value for name, value in letter.headers if name.startswith("dlq_")]
        assert said
        assert canary.encode() not in b"".join(said)
