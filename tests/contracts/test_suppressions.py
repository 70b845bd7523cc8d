"""What every SuppressionList promises."""

import asyncio

import pytest
from attrs import evolve

from tests.builders import NOW, SECOND
from usercore.privacy.mailing.values import Lifting, Suppression, SuppressionReason
from usercore.wiring.core import Ports

HASH, OTHER = b"\x00" * 32, b"\xff" * 32
BOUNCE = Suppression(SuppressionReason.BOUNCE, NOW, "mail-gateway 'é𐐷'")
ERASED = Suppression(SuppressionReason.ERASED, NOW + SECOND, "erasure")
LIFTING = Lifting(NOW + 2 * SECOND, "OPERATOR:ada", "typed wrongly")


async def test_an_address_that_nobody_put_there_has_no_reason_against_it(ports: Ports) -> None:
    assert list(await ports.suppressions.reasons(HASH)) == []


async def test_every_reason_of_an_address_stands_by_itself(ports: Ports) -> None:
    assert await ports.suppressions.add(HASH, ERASED) is True
    assert await ports.suppressions.add(HASH, BOUNCE) is True

    assert list(await ports.suppressions.reasons(HASH)) == [BOUNCE, ERASED]
    assert list(await ports.suppressions.reasons(OTHER)) == []


async def test_a_reason_that_stands_keeps_its_time_and_source(ports: Ports) -> None:
    await ports.suppressions.add(HASH, BOUNCE)

    assert await ports.suppressions.add(HASH, evolve(BOUNCE, since=NOW + SECOND, source="again")) is False

    assert list(await ports.suppressions.reasons(HASH)) == [BOUNCE]


async def test_of_many_who_add_a_reason_one_does(ports: Ports) -> None:
    added = await asyncio.gather(*(ports.suppressions.add(HASH, BOUNCE) for _ in range(8)))

    assert sorted(added) == [*[False] * 7, True]


@pytest.mark.parametrize(("reason", "left"), [(SuppressionReason.BOUNCE, [ERASED]), (None, [])])
async def test_one_reason_or_all_can_be_lifted(
    ports: Ports, reason: SuppressionReason | None, left: list[Suppression]
) -> None:
    for hashed in (HASH, OTHER):
        await ports.suppressions.add(hashed, BOUNCE)
        await ports.suppressions.add(hashed, ERASED)

    assert await ports.suppressions.lift(HASH, reason, LIFTING) == 2 - len(left)
    assert await ports.suppressions.lift(HASH, reason, LIFTING) == 0

    assert list(await ports.suppressions.reasons(HASH)) == left
    assert list(await ports.suppressions.reasons(OTHER)) == [BOUNCE, ERASED]


async def test_a_reason_that_was_lifted_can_be_added_again(ports: Ports) -> None:
    again = evolve(BOUNCE, since=NOW + 3 * SECOND, source="again")
    await ports.suppressions.add(HASH, BOUNCE)
    await ports.suppressions.lift(HASH, None, LIFTING)

    assert await ports.suppressions.add(HASH, again) is True

    assert list(await ports.suppressions.reasons(HASH)) == [again]
