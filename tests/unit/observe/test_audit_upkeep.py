"""A copy of the service makes checkpoints where it has a key, and tells when the last one was made."""

from datetime import timedelta

import pytest

from tests.builders import NOW, SetClock
from usercore.adapters.crypto.signing import Ed25519Signer, Ed25519Verifier
from usercore.kernel.errors import UnavailableError
from usercore.observe.metrics import Metrics
from usercore.wiring.core import Core
from usercore.wiring.maintenance import Maintenance
from usercore.wiring.memory import memory_core

EVERY = timedelta(minutes=10)
TIME = "user_service_audit_checkpoint_time_seconds"


def a_core(clock: SetClock, **ports: object) -> Core:
    signer = Ed25519Signer.generate("tests")
    return memory_core(clock=clock, signer=signer, verifier=Ed25519Verifier([signer.key]), **ports)  # type: ignore[arg-type]


def told(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value(TIME)


def failures(metrics: Metrics) -> float | None:
    labels = {"task": "audit_checkpoint"}
    return metrics.registry.get_sample_value("user_service_maintenance_failures_total", labels)


async def test_one_is_made_whenever_the_last_one_is_old_enough() -> None:
    clock, metrics = SetClock(), Metrics()
    core = a_core(clock)
    upkeep = Maintenance(core, metrics, checkpoint_every=EVERY)
    for _ in range(4):
        await upkeep.once()
        clock.advance(minutes=6)

    assert len(await core.ports.checkpoints.after(0, limit=10)) == 2
    assert told(metrics) == (NOW + timedelta(minutes=12)).timestamp()


async def test_none_is_made_without_a_key() -> None:
    core, metrics = memory_core(), Metrics()
    await Maintenance(core, metrics).once()

    assert await core.ports.checkpoints.after(0, limit=10) == []
    assert told(metrics) == 0
    assert failures(metrics) is None


class NowhereToPublish:
    async def publish(self, _: object) -> int:
        raise UnavailableError("no")


async def test_one_that_cannot_be_published_is_counted_and_seen() -> None:
    clock, metrics = SetClock(), Metrics()
    core = a_core(clock, checkpoint_publisher=NowhereToPublish())
    await Maintenance(core, metrics, checkpoint_every=EVERY).once()

    assert failures(metrics) == 1
    assert told(metrics) == pytest.approx(NOW.timestamp())
