"""Work that no request asks for: deliveries, deactivations that have run out, old keys, and the backlog's size."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from attrs import frozen

from usercore.audit.checkpoint import SignedCheckpoint
from usercore.delivery.values import Recipient
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.observe.metrics import Metrics
from usercore.privacy.retention.make_parts_ahead import require_some
from usercore.wiring.core import Core

_MOST_ROUNDS: Final = 100
"""Bounds one task's turn, so that each rests now and then."""
_UPLOADS_KEPT: Final = timedelta(hours=1)
"""How long parts may wait for the rest of their file."""
_PERIOD_S: Final = {
    **{f"deliver_to_{recipient.value.lower()}": 0.0 for recipient in Recipient},
    "reactivate_due": 0.0,
    "advance_privacy_requests": 1.0,
    "purge_archives": 300.0,
    "purge_idempotency_keys": 300.0,
    "purge_deliveries": 300.0,
    "purge_verifications": 300.0,
    "purge_imports": 300.0,
    "uploads": 1.0,
    "backlog": 15.0,
    "audit_checkpoint": 15.0,
    "retention": 300.0,
    "parts_ahead": 120.0,
    "merge_candidates": 300.0,
}
"""The least time between two turns of a task: counting and cleaning need not be quick."""


@frozen
class Maintenance:
    """Does the background work of one process. Every copy of the service may run it at once.

    Args:
        core: every use case.
        metrics: are told.
        checkpoint_every: how old the last checkpoint of the audit trail may become; None makes none.
        retention_every: how long ago the last run of the retention schedule may be; None runs none.
        imports_kept: how long imports are remembered behind their end.
    """

    core: Core
    metrics: Metrics
    deliveries_kept: timedelta = timedelta(days=30)
    checkpoint_every: timedelta | None = None
    retention_every: timedelta | None = None
    imports_kept: timedelta = timedelta(days=90)

    async def run(self, interval_s: float) -> None:
        """Go round until cancelled; a failing task is counted, logged and tried again.

        Args:
            interval_s: between two looks for deliveries and for deactivations that have run out.
        """
        async with asyncio.TaskGroup() as group:
            for name, task in self._tasks().items():
                group.create_task(self._repeat(name, task, max(interval_s, _PERIOD_S[name])))

    async def once(self) -> None:
        """Do every task once."""
        for name, task in self._tasks().items():
            await self._attempt(name, task)

    async def _repeat(self, name: str, task: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await self._attempt(name, task)
            await asyncio.sleep(every_s)

    async def _attempt(self, name: str, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except Exception as error:  # noqa: BLE001 -- one task's failure must not end the others
            self.metrics.maintenance_failed(name)
            structlog.get_logger().warning("maintenance failed", task=name, exc_info=error)

    def _tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            # A recipient that is slow holds up itself alone.
            **{f"deliver_to_{one.value.lower()}": partial(self._deliver, one) for one in Recipient},
            "reactivate_due": lambda: _until_none_left(self.core.reactivate_due),
            "advance_privacy_requests": lambda: _until_none_left(self.core.advance_requests),
            "purge_archives": self._purge_archives,
            "purge_idempotency_keys": self._purge,
            "purge_deliveries": lambda: _until_none_left(self._purge_deliveries),
            "purge_verifications": lambda: _until_none_left(self.core.purge_verifications),
            "purge_imports": self._purge_imports,
            "uploads": lambda: _until_none_left(self.core.work_off_uploads),
            "backlog": self._backlog,
            "audit_checkpoint": self._checkpoint,
            "retention": self._retention,
            "parts_ahead": self._parts_ahead,
            "merge_candidates": self._merge_candidates,
        }

    async def _deliver(self, recipient: Recipient) -> None:
        await _until_none_left(partial(self.core.deliver_pending, recipient))

    async def _purge_deliveries(self) -> int:
        return await self.core.ports.deliveries.purge(self.core.ports.clock.now() - self.deliveries_kept)

    async def _purge(self) -> None:
        await self.core.ports.ledger.purge(self.core.ports.clock.now())

    async def _purge_imports(self) -> None:
        now = self.core.ports.clock.now()
        await self.core.ports.imports.purge(now - self.imports_kept)
        await self.core.ports.uploads.purge(now - _UPLOADS_KEPT)

    async def _purge_archives(self) -> None:
        await self.core.ports.archives.purge(self.core.ports.clock.now())

    async def _checkpoint(self) -> None:
        if self.checkpoint_every is None:
            return
        try:
            await self.core.make_checkpoint(every=self.checkpoint_every)
        finally:
            # Another copy may have made it; and where none can be made, that is to be seen.
            last = await self.core.ports.checkpoints.last()
            if last is not None:
                self.metrics.audit_checkpoint(SignedCheckpoint.parse(last.note).checkpoint.at)

    async def _retention(self) -> None:
        if self.retention_every is not None:
            context = CommandContext(SYSTEM, correlation_id=f"retention-{self.core.ports.ids.event_id()}")
            done = await self.core.run_retention.when_due(self.retention_every, context)
            self.metrics.retained(done, self.core.ports.clock.now())

    async def _parts_ahead(self) -> None:
        ahead = await self.core.make_parts_ahead()
        self.metrics.parts_ahead(ahead)
        require_some(ahead)

    async def _merge_candidates(self) -> None:
        every = self.core.read_merges.policy.scan_every
        if every is not None:
            await self.core.find_duplicates.scan_when_due(every)

    async def _backlog(self) -> None:
        self.metrics.backlog(outbox=await self.core.ports.outbox.pending())
        standing = await self.core.ports.delivery_records.standing()
        self.metrics.deliveries(standing, self.core.ports.clock.now())
        self.metrics.overdue(await self.core.ports.privacy_requests.overdue(self.core.ports.clock.now()))
        self.metrics.set_aside(
            parked=await self.core.ports.parked.count(),
            dead_letters=await self.core.ports.dead_letters.count_waiting(),
        )


async def _until_none_left(work: Callable[[], Awaitable[int]]) -> None:
    for _ in range(_MOST_ROUNDS):
        if await work() == 0:
            return
