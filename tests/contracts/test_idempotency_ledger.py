"""What every IdempotencyLedger promises."""

import asyncio
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from tests.builders import IDS, NOW
from usercore.kernel.receipts import (
    Claim,
    ClaimLostError,
    IdempotencyKey,
    KeyInFlightError,
    KeyReusedError,
    Settled,
)
from usercore.wiring.core import Ports

KEY = IdempotencyKey("caller:create", "key-1", b"\x00fingerprint")
LEASE = timedelta(minutes=1)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
RESULT = Settled(IDS.user_id(), 3)


async def ask(ports: Ports, key: IdempotencyKey = KEY, now: datetime = NOW) -> Claim | Settled:
    return await ports.ledger.claim(key, now=now, lease_until=now + LEASE, expires_at=now + DAY)


async def claimed(ports: Ports, key: IdempotencyKey = KEY, now: datetime = NOW) -> Claim:
    claim = await ask(ports, key, now)
    assert isinstance(claim, Claim)
    return claim


async def test_a_new_key_is_reserved(ports: Ports) -> None:
    claim = await claimed(ports)

    assert claim.key == KEY


async def test_a_reserved_key_is_in_flight(ports: Ports) -> None:
    await claimed(ports)

    with pytest.raises(KeyInFlightError):
        await ask(ports, now=NOW + LEASE - MOMENT)


@pytest.mark.parametrize("settle", [True, False])
async def test_a_key_serves_no_other_request(ports: Ports, settle: bool) -> None:
    claim = await claimed(ports)
    if settle:
        await ports.ledger.settle(claim, RESULT)

    with pytest.raises(KeyReusedError):
        await ask(ports, evolve(KEY, fingerprint=b"other"))


async def test_a_settled_key_tells_what_came_of_it(ports: Ports) -> None:
    claim = await claimed(ports)
    await ports.ledger.settle(claim, RESULT)

    assert await ask(ports) == RESULT
    assert await ask(ports, now=NOW + DAY - MOMENT) == RESULT


async def test_keys_of_different_scopes_never_meet(ports: Ports) -> None:
    await claimed(ports)

    await claimed(ports, evolve(KEY, scope="caller:update"))
    await claimed(ports, evolve(KEY, scope="other:create", fingerprint=b"other"))
    await claimed(ports, evolve(KEY, key="key-2"))
    await claimed(ports, IdempotencyKey("caller", "create:key-1", b""))


async def test_a_key_is_text_of_any_kind(ports: Ports) -> None:
    key = IdempotencyKey("USER:ö:PATCH /v1/users/{id}", "'; -- %s \\ 𐐷" + "x" * 240, b"\xff\x00")
    claim = await claimed(ports, key)
    await ports.ledger.settle(claim, RESULT)

    assert await ask(ports, key) == RESULT


async def test_a_released_key_is_free(ports: Ports) -> None:
    first = await claimed(ports)
    await ports.ledger.release(first)

    second = await claimed(ports, evolve(KEY, fingerprint=b"other"))

    assert second.token != first.token


async def test_releasing_leaves_a_settled_key_as_it_is(ports: Ports) -> None:
    claim = await claimed(ports)
    await ports.ledger.settle(claim, RESULT)

    await ports.ledger.release(claim)

    assert await ask(ports) == RESULT


@pytest.mark.parametrize("fingerprint", [KEY.fingerprint, b"other"])
async def test_a_key_whose_lease_ended_is_taken_over(ports: Ports, fingerprint: bytes) -> None:
    first = await claimed(ports)

    second = await claimed(ports, evolve(KEY, fingerprint=fingerprint), NOW + LEASE + MOMENT)

    assert second.token != first.token


async def test_a_claim_taken_over_neither_settles_nor_frees_the_key(ports: Ports) -> None:
    first = await claimed(ports)
    later = NOW + LEASE + MOMENT
    second = await claimed(ports, now=later)

    with pytest.raises(ClaimLostError):
        await ports.ledger.settle(first, RESULT)
    await ports.ledger.release(first)
    with pytest.raises(KeyInFlightError):
        await ask(ports, now=later)
    await ports.ledger.settle(second, RESULT)
    assert await ask(ports, now=later) == RESULT


async def test_a_claim_not_yet_taken_over_settles_after_its_lease(ports: Ports) -> None:
    claim = await claimed(ports)

    await ports.ledger.settle(claim, RESULT)

    assert await ask(ports, now=NOW + LEASE + MOMENT) == RESULT


async def test_a_claim_settles_once(ports: Ports) -> None:
    claim = await claimed(ports)
    await ports.ledger.settle(claim, RESULT)

    with pytest.raises(ClaimLostError):
        await ports.ledger.settle(claim, Settled(IDS.user_id(), 9))

    assert await ask(ports) == RESULT


async def test_a_released_claim_does_not_settle(ports: Ports) -> None:
    claim = await claimed(ports)
    await ports.ledger.release(claim)

    with pytest.raises(ClaimLostError):
        await ports.ledger.settle(claim, RESULT)

    assert isinstance(await ask(ports), Claim)


@pytest.mark.parametrize("fingerprint", [KEY.fingerprint, b"other"])
async def test_an_expired_key_is_free(ports: Ports, fingerprint: bytes) -> None:
    claim = await claimed(ports)
    await ports.ledger.settle(claim, RESULT)

    again = await ask(ports, evolve(KEY, fingerprint=fingerprint), NOW + DAY + MOMENT)

    assert isinstance(again, Claim)
    with pytest.raises(KeyInFlightError):
        await ask(ports, again.key, NOW + DAY + MOMENT)


async def test_purging_deletes_expired_keys_alone(ports: Ports) -> None:
    old = [evolve(KEY, key=f"old-{number}") for number in range(3)]
    for key in old:
        await ports.ledger.settle(await claimed(ports, key), RESULT)
    young = await claimed(ports, now=NOW + DAY)
    await ports.ledger.settle(young, RESULT)

    assert await ports.ledger.purge(NOW) == 0
    assert await ports.ledger.purge(NOW + DAY + MOMENT) == 3
    assert await ports.ledger.purge(NOW + DAY + MOMENT) == 0
    assert await ask(ports, now=NOW + DAY + MOMENT) == RESULT


@pytest.mark.parametrize("now", [NOW, NOW + LEASE + MOMENT], ids=["new", "taken over"])
async def test_of_many_claims_at_once_one_is_given(ports: Ports, now: datetime) -> None:
    if now > NOW:
        await claimed(ports)

    answers = await asyncio.gather(*(ask(ports, now=now) for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert sum(isinstance(answer, KeyInFlightError) for answer in answers) == 19
