"""Behind the gate nobody is seen or spoken of whom the ledger has as erased."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import evolve

from tests.builders import NOW, a_context
from usercore.delivery.values import Recipient
from usercore.kernel.errors import UnavailableError
from usercore.privacy.requests.ledger import ErasedPerson
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.values import Jurisdiction
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.ports import Lookup, LookupKind
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState
from usercore.wiring.core import Core, Ports
from usercore.wiring.erasures import ErasureGate, behind


@pytest.fixture
async def back(core: Core) -> User:
    """A user whom the ledger has as erased, and the database not."""
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    user = await core.create_user(CreateUserCommand(profile), a_context())
    ids = core.ports.ids
    person = ErasedPerson(user.id, RequestId(ids.event_id()), ids.event_id(), Jurisdiction.GDPR, NOW)
    await core.ports.erasure_ledger.append(person)
    return user


async def state_of(ports: Ports, user: User) -> Any:
    return (await ports.users.get_many([user.id]))[user.id].status.state


async def published(ports: Ports) -> list[str]:
    seen: list[str] = []

    async def publish(batch: Any) -> Any:
        seen.extend(message.message for message in batch.messages)
        return NOW

    await ports.shards.drain(publish, shards=64, limit=10, patience_s=1)
    return seen


async def told(ports: Ports, _: User) -> list[str]:
    taken = await ports.deliveries.claim(recipient=Recipient.NOTIFICATION, now=NOW, lease_until=NOW, limit=5)
    return [one.operation.value for one in taken]


async def _profile_state(ports: Ports, user: User) -> object:
    return (await ports.profiles.documents([user.id]))[user.id].state


async def _listed(ports: Ports) -> object:
    return (await ports.directory.page(UserQuery())).items


async def _remembered(ports: Ports, user: User) -> object:
    return {entry.changes for entry in await ports.history.entries(user.id, below_version=None, limit=9)}


LOOKS: dict[str, tuple[Callable[[Ports, User], Awaitable[object]], object]] = {
    "users": (state_of, AccountState.ERASED),
    "a lookup": (lambda ports, _: ports.users.find(Lookup(LookupKind.EMAIL, "grace@example.com")), None),
    "profiles": (_profile_state, AccountState.ERASED),
    "the list": (lambda ports, _: _listed(ports), ()),
    "history": (_remembered, {()}),
    "publishing": (lambda ports, _: published(ports), ["UserErased"]),
    "deliveries": (told, ["FORGET_USER"]),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_whoever_looks_first_finds_them_erased(core: Core, back: User, look: str) -> None:
    gate = ErasureGate(core.replay_erasures)
    see, expected = LOOKS[look]
    assert await see(behind(gate, core.ports), back) == expected
    assert gate.is_open


@pytest.mark.parametrize("look", LOOKS)
async def test_behind_a_broken_ledger_nobody_is_seen(core: Core, back: User, look: str) -> None:
    ledger: Any = core.ports.erasure_ledger
    ledger.written[0] = evolve(ledger.written[0], sequence=2)
    gate = ErasureGate(core.replay_erasures)
    see, _ = LOOKS[look]
    with pytest.raises(UnavailableError):
        await see(behind(gate, core.ports), back)
    assert await gate.stands() == "down"
    assert await state_of(core.ports, back) is AccountState.ACTIVE


async def test_an_open_gate_asks_the_ledger_no_more(core: Core, back: User) -> None:
    gate = ErasureGate(core.replay_erasures)
    assert await gate.stands() == "ok"
    ledger: Any = core.ports.erasure_ledger
    ledger.written[0] = evolve(ledger.written[0], sequence=2)
    assert await state_of(behind(gate, core.ports), back) is AccountState.ERASED
