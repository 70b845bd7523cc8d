"""What has drifted between users and credentials is found and mended, over HTTP and at Kratos."""

from typing import Any

import pytest
from attrs import evolve, frozen

from tests.builders import SetClock, a_context, a_profile, creation, deactivation, update
from tests.services.fakes import FakeAuthentication, FakeKratos
from tests.services.test_http import until_told
from usercore.delivery.errors import CredentialsUnknownError
from usercore.delivery.reconcile import Drift, Found, Reconciled
from usercore.delivery.values import Operation
from usercore.kernel.reasons import ReasonInvalidError
from usercore.users.ports import Change
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_core, memory_ports
from usercore.wiring.services import Services

WHY = "restored from a backup"


@frozen
class World:
    """A core, and what the test may break at the service behind it."""

    core: Core
    fake: FakeAuthentication | FakeKratos

    def forget(self, user_id: str) -> None:
        if isinstance(self.fake, FakeKratos):
            identity = self.fake.of(user_id)
            assert identity is not None
            del self.fake.identities[identity["id"]]
        else:
            del self.fake.credentials[user_id]

    def set(self, user_id: str, *, username: str | None = None, enabled: bool | None = None) -> None:
        if isinstance(self.fake, FakeKratos):
            identity = self.fake.of(user_id)
            assert identity is not None
            if username is not None:
                identity["traits"] = {**identity["traits"], "username": username}
            if enabled is not None:
                identity["state"] = "active" if enabled else "inactive"
        else:
            given: dict[str, Any] = {"username": username, "enabled": enabled}
            self.fake.credentials[user_id].update({name: one for name, one in given.items() if one is not None})

    def state(self, user_id: str) -> tuple[str, bool] | None:
        if isinstance(self.fake, FakeKratos):
            identity = self.fake.of(user_id)
            return None if identity is None else (identity["traits"]["username"], identity["state"] == "active")
        known = self.fake.credentials.get(user_id)
        return None if known is None else (known["username"], known["enabled"])


@pytest.fixture(params=["http", "kratos"])
def world(
    request: pytest.FixtureRequest,
    clock: SetClock,
) -> World:
    name, fake = {"http": ("services", "authentication"), "kratos": ("with_kratos", "kratos")}[request.param]
    services: Services = request.getfixturevalue(name)
    ports = evolve(
        memory_ports(clock=clock),
        authentication=services.authentication,
        credentials=services.credentials,
    )
    return World(assemble(ports), request.getfixturevalue(fake))


async def told(world: World, clock: SetClock, *changes: Change) -> None:
    assert list(await world.core.ports.writer.commit(changes)) == [None] * len(changes)
    clock.advance(seconds=10)
    await until_told(world.core, clock)


async def users(world: World, *, dry_run: bool = True) -> Reconciled:
    return await world.core.reconcile_credentials.of_users(dry_run=dry_run)


async def test_where_nothing_has_drifted_nothing_is_found(world: World, clock: SetClock) -> None:
    first, second = creation(), creation(a_profile(username="Ada"))
    await told(world, clock, first, second, deactivation(second.user))
    assert await users(world) == Reconciled((), 2, None)
    orphans = await world.core.reconcile_credentials.of_credentials(context=a_context())
    assert orphans == Reconciled((), 2, None)


async def test_a_missing_credential_is_made_and_lets_in_whom_it_should(world: World, clock: SetClock) -> None:
    active, ended = creation(), creation()
    await told(world, clock, active, ended, deactivation(ended.user))
    for change in (active, ended):
        world.forget(change.user.id)
    missing = {Found(change.user.id, Drift.MISSING) for change in (active, ended)}
    assert set((await users(world)).found) == missing

    mended = await users(world, dry_run=False)
    assert set(mended.found) == {evolve(one, mended_by=Operation.PROVISION_CREDENTIAL) for one in missing}
    await until_told(world.core, clock)

    assert world.state(active.user.id) == (active.user.profile.username, True)
    assert world.state(ended.user.id) == (ended.user.profile.username, False)
    assert (await users(world)).found == ()


async def test_a_wrong_login_and_a_wrong_state_are_set_right(world: World, clock: SetClock) -> None:
    renamed, off, on = creation(), creation(), creation()
    await told(world, clock, renamed, off, on, deactivation(off.user))
    world.set(renamed.user.id, username="somebody", enabled=False)
    world.set(off.user.id, enabled=True)
    clock.advance(seconds=1)

    found = (await users(world, dry_run=False)).found
    assert {(one.user_id, one.drift, one.mended_by) for one in found} == {
        (renamed.user.id, Drift.WRONG_LOGIN, Operation.CHANGE_LOGIN),
        (renamed.user.id, Drift.WRONG_STATE, Operation.ENABLE_CREDENTIAL),
        (off.user.id, Drift.WRONG_STATE, Operation.DISABLE_CREDENTIAL),
    }
    await until_told(world.core, clock)

    assert world.state(renamed.user.id) == (renamed.user.profile.username, True)
    assert world.state(off.user.id) == (off.user.profile.username, False)
    assert (await users(world)).found == ()


async def test_the_case_of_letters_is_no_drift(world: World, clock: SetClock) -> None:
    change = creation(a_profile(username="Ada"))
    await told(world, clock, change)
    world.set(change.user.id, username="ADA")
    assert (await users(world)).found == ()


async def test_a_credential_without_a_user_is_shown_and_removed_only_for_a_reason(
    world: World, clock: SetClock
) -> None:
    kept, gone = creation(), creation()
    await told(world, clock, kept, gone)
    del world.core.ports.users.database.users[gone.user.id]  # type: ignore[attr-defined]
    work = world.core.reconcile_credentials

    shown = await work.of_credentials(context=a_context())
    assert shown.found == (Found(gone.user.id, Drift.ORPHANED),)
    await until_told(world.core, clock)
    assert world.state(gone.user.id) is not None
    with pytest.raises(ReasonInvalidError):
        await work.of_credentials(reason=" ", context=a_context())

    removed = await work.of_credentials(reason=WHY, context=a_context())
    assert removed.found == (Found(gone.user.id, Drift.ORPHANED, Operation.REMOVE_CREDENTIAL),)
    await until_told(world.core, clock)
    assert world.state(gone.user.id) is None
    assert world.state(kept.user.id) is not None


async def test_users_whose_deliveries_wait_are_left_alone(world: World) -> None:
    change = creation()
    assert list(await world.core.ports.writer.commit([change])) == [None]
    assert (await users(world, dry_run=False)).found == ()
    assert await world.core.ports.deliveries.waiting() == 3


async def test_a_mend_does_not_undo_what_happened_meanwhile(world: World, clock: SetClock) -> None:
    change = creation()
    await told(world, clock, change)
    world.set(change.user.id, username="drifted")
    work = world.core.reconcile_credentials

    @frozen
    class Meanwhile:
        """Changes the user while the service is asked."""

        async def states(self, ids: Any) -> Any:
            states = await work.credentials.states(ids)
            await told(world, clock, update(change.user, username="newer"))
            return states

        async def page(self, **_: Any) -> Any:
            raise NotImplementedError

    found = (await evolve(work, credentials=Meanwhile()).of_users(dry_run=False)).found

    assert [(one.drift, one.mended_by) for one in found] == [(Drift.WRONG_LOGIN, None)]
    assert world.state(change.user.id) == ("newer", True)


async def test_many_are_compared_page_by_page(world: World, clock: SetClock) -> None:
    changes = [creation() for _ in range(5)]
    await told(world, clock, *changes)
    for change in changes:
        world.set(change.user.id, enabled=False)
    seen, after = [], None
    while True:
        page = await world.core.reconcile_credentials.of_users(after=after, limit=2)
        seen += [one.user_id for one in page.found]
        after = page.next_cursor
        if after is None:
            break
    assert sorted(seen) == sorted(change.user.id for change in changes)


async def test_without_a_service_that_can_be_asked_nothing_is_compared(clock: SetClock) -> None:
    core = memory_core(clock=clock)
    await core.ports.writer.commit([creation()])
    await core.deliver_pending()
    with pytest.raises(CredentialsUnknownError):
        await core.reconcile_credentials.of_users()
    with pytest.raises(CredentialsUnknownError):
        await core.reconcile_credentials.of_credentials(context=a_context())
