"""Ory Kratos keeps credentials: against its described admin API, and against a real one where there is one."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, SECOND, a_profile, creation, deactivation, update
from tests.services.fakes import FakeKratos
from tests.services.test_http import HASH, the_same_about, told
from usercore.adapters.http import KratosAuthenticationService, open_client
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.ports import AuthenticationService
from usercore.delivery.values import Operation, Recipient
from usercore.users.ports import Change
from usercore.wiring.services import Services

A = Recipient.AUTHENTICATION
STRANGER: dict[str, Any] = {
    "id": "3f1c1c9e-5d5c-4d7e-9a52-0d6f9a3f0f11",
    "schema_id": "default",
    "schema_url": "http://kratos/schemas/default",
    "traits": {"email": "a@example.com"},
}
"""Somebody who signed up at Kratos by themselves."""


@pytest.fixture
def service(with_kratos: Services) -> AuthenticationService:
    return with_kratos.authentication


async def provisioned(service: AuthenticationService, **profile: str) -> Change:
    change = creation(a_profile(**profile), password_hash=HASH)
    await service.credential(told(change, A))
    return change


async def test_an_identity_is_made_with_our_id_and_the_hash(service: AuthenticationService, kratos: FakeKratos) -> None:
    change = creation(a_profile("Grace@Example.com"), password_hash=HASH)

    await service.credential(told(change, A))
    await service.credential(told(change, A))

    [identity] = kratos.identities.values()
    assert identity["external_id"] == identity["metadata_admin"]["userId"] == change.user.id
    assert identity["traits"] == {"email": "Grace@Example.com", "username": "Grace@Example.com"}
    assert (identity["state"], identity["schema_id"]) == ("active", "default")
    assert kratos.hashes == {identity["id"]: HASH}


async def test_who_was_invited_has_an_identity_without_a_password(
    service: AuthenticationService, kratos: FakeKratos
) -> None:
    await service.credential(told(creation(), A))
    assert list(kratos.hashes.values()) == [""]


async def test_a_life_in_kratos(service: AuthenticationService, kratos: FakeKratos) -> None:
    created = await provisioned(service)
    user_id = created.user.id
    renamed = update(created.user, username="grace")
    await service.credential(told(renamed, A))
    identity = kratos.of(user_id)
    assert identity is not None
    assert identity["traits"]["username"] == "grace"
    ended = deactivation(renamed.user)
    await service.credential(told(ended, A))
    identity = kratos.of(user_id)
    assert identity is not None
    assert (identity["state"], kratos.sessions_ended) == ("inactive", [identity["id"]])
    await service.credential(the_same_about(told(ended, A), Operation.ENABLE_CREDENTIAL))
    assert (kratos.of(user_id) or {})["state"] == "active"
    await service.credential(the_same_about(told(ended, A), Operation.REMOVE_CREDENTIAL))
    await service.credential(the_same_about(told(ended, A), Operation.REMOVE_CREDENTIAL))
    assert kratos.identities == {}


async def test_traits_that_are_not_ours_stay(service: AuthenticationService, kratos: FakeKratos) -> None:
    created = await provisioned(service)
    identity = kratos.of(created.user.id)
    assert identity is not None
    identity["traits"] = {**identity["traits"], "favouriteColour": "green"}
    identity["metadata_admin"] = {**identity["metadata_admin"], "note": "kept"}
    await service.credential(told(update(created.user, username="grace"), A))
    changed = kratos.of(created.user.id)
    assert changed is not None
    assert changed["traits"]["favouriteColour"] == "green"
    assert changed["metadata_admin"]["note"] == "kept"


async def test_what_comes_late_changes_nothing(service: AuthenticationService, kratos: FakeKratos) -> None:
    created = await provisioned(service)
    first = update(created.user, username="first")
    second = update(first.user, username="second")
    await service.credential(told(second, A))
    await service.credential(told(first, A))
    assert (kratos.of(created.user.id) or {})["traits"]["username"] == "second"

    off = told(deactivation(second.user), A)
    on = the_same_about(off, Operation.ENABLE_CREDENTIAL)
    await service.credential(on)
    await service.credential(off)
    assert (kratos.of(created.user.id) or {})["state"] == "active"
    await service.credential(evolve(off, created_at=on.created_at + SECOND))
    assert (kratos.of(created.user.id) or {})["state"] == "inactive"


async def test_an_identity_of_somebody_else_is_never_taken_over(
    service: AuthenticationService, kratos: FakeKratos
) -> None:
    kratos.identities[STRANGER["id"]] = STRANGER
    with pytest.raises(RecipientUnavailableError) as caught:
        await service.credential(told(creation(a_profile("a@example.com"), password_hash=HASH), A))
    assert caught.value.cause == "login_taken"
    assert list(kratos.identities.values()) == [STRANGER]


async def test_an_identity_that_says_it_is_ours_gets_our_id(service: AuthenticationService, kratos: FakeKratos) -> None:
    created = await provisioned(service)
    identity = kratos.of(created.user.id)
    assert identity is not None
    del identity["external_id"]

    await service.credential(told(created, A))

    assert kratos.of(created.user.id) is not None
    assert len(kratos.identities) == 1


async def test_what_needs_an_identity_is_refused_without_one_and_what_ends_one_is_done(
    service: AuthenticationService,
) -> None:
    nobody = told(creation(), A)
    for operation in (Operation.DISABLE_CREDENTIAL, Operation.REMOVE_CREDENTIAL):
        await service.credential(the_same_about(nobody, operation))
    for operation in (Operation.ENABLE_CREDENTIAL, Operation.CHANGE_LOGIN, Operation.SEND_WELCOME):
        with pytest.raises(RecipientRefusedError):
            await service.credential(the_same_about(nobody, operation, email="x@example.com", username="x"))


async def test_identities_are_looked_up_and_listed_and_those_of_others_left_out(
    with_kratos: Services, kratos: FakeKratos
) -> None:
    changes = [await provisioned(with_kratos.authentication) for _ in range(5)]
    await with_kratos.authentication.credential(told(deactivation(changes[0].user), A))
    kratos.identities[STRANGER["id"]] = STRANGER
    directory = with_kratos.credentials
    assert directory is not None

    states = await directory.states([*(change.user.id for change in changes[:2]), IDS.user_id()])
    assert {state.user_id: state.enabled for state in states.values()} == {
        changes[0].user.id: False,
        changes[1].user.id: True,
    }
    seen, after = [], None
    while True:
        page = await directory.page(after=after, limit=2)
        seen += [one.user_id for one in page.items]
        after = page.next_cursor
        if after is None:
            break
    assert sorted(seen) == sorted(change.user.id for change in changes)


@pytest.fixture
async def real() -> AsyncIterator[KratosAuthenticationService]:
    url = os.environ.get("KRATOS_ADMIN_URL")
    if not url:
        pytest.skip("KRATOS_ADMIN_URL names no Kratos")
    schema = os.environ.get("USER_SERVICE_KRATOS_SCHEMA_ID", "default")
    async with open_client(url, None, 10.0) as client:
        yield KratosAuthenticationService(client, schema)


async def test_a_real_kratos_does_the_same(real: KratosAuthenticationService) -> None:
    created = creation(password_hash=HASH)
    user_id = created.user.id
    await real.credential(told(created, A))
    await real.credential(told(created, A))
    assert (await real.states([user_id]))[user_id].enabled is True
    renamed = update(created.user, email=evolve(created.user.profile.email, address=f"new-{user_id}@example.com"))
    await real.credential(told(renamed, A))
    await real.credential(told(deactivation(renamed.user), A))
    state = (await real.states([user_id]))[user_id]
    assert (state.email, state.enabled) == (f"new-{user_id}@example.com", False)
    await real.credential(the_same_about(told(renamed, A), Operation.REMOVE_CREDENTIAL))
    assert await real.states([user_id]) == {}
