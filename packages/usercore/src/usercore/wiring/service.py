"""The core on real servers: PostgreSQL, and Redis or Valkey where there is one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from attrs import evolve, frozen

from usercore.adapters.argon2 import Argon2Hasher
from usercore.adapters.attributes import JsonSchemaValidator
from usercore.adapters.coalescing import (
    GatheredActivityReader,
    GatheredPreferencesReader,
    GatheredProfileReader,
    GatheredUserReader,
    GroupCommitUserWriter,
)
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.adapters.local.erasure_ledger import FileErasureLedger, NoErasureLedger
from usercore.adapters.memory.limits import MemoryRateLimiter
from usercore.adapters.memory.verifications import RandomProofs
from usercore.adapters.redis import Cache, open_cache, open_rate_limiter
from usercore.adapters.sql import SqlPorts, open_database, sql_ports
from usercore.adapters.sql.engine import Database
from usercore.adapters.sql.listening import open_signal
from usercore.adapters.sql.positions import Positions
from usercore.adapters.sql.schema_check import SchemaCheck
from usercore.adapters.system import SystemClock, SystemIds
from usercore.delivery.breaker import BreakerLimits
from usercore.delivery.deliver_pending import LONGEST_WAIT, DeliveryPolicy
from usercore.delivery.ports import OutboxWakeups
from usercore.kernel.errors import UserCoreError
from usercore.kernel.tracing import Tracer
from usercore.observe.metrics import Metrics, PoolUse
from usercore.privacy.requests.ports import ErasureLedger
from usercore.settings import CoreSettings, DeliverySettings, PrivacySettings
from usercore.wiring.auditing import checkpoint_every, open_attestation
from usercore.wiring.core import Core, Ports, assemble
from usercore.wiring.erasures import ErasureGate, behind
from usercore.wiring.keys import open_master_keys
from usercore.wiring.maintenance import Maintenance
from usercore.wiring.observing import observe_core
from usercore.wiring.replicas import Consistency, Replication, SettledErasures, open_replication
from usercore.wiring.services import open_services
from usercore.wiring.tracing import open_tracing, traced_services

_FENCE_TTL_S: Final = 60.0
_FENCE_STATEMENTS: Final = 6
"""The fence of a writer that was killed must outlast its transaction, which is a handful of statements."""


@frozen
class Readiness:
    """Whether this copy can serve.

    Args:
        ready: whether it can.
        parts: how each part stands: ``ok``, ``down``, or ``off`` where it is not configured; of several replicas
            also ``degraded``.
    """

    ready: bool
    parts: dict[str, str]


@frozen
class Service:
    """A running core with what a runner needs around it.

    Args:
        core: every use case.
        metrics: what it counts.
        maintenance: its work in the background.
        wakeups: opens a signal of what is written to the outbox, for who publishes it.
        tracer: begins traces, where they are wanted.
    """

    core: Core
    metrics: Metrics
    maintenance: Maintenance
    wakeups: Callable[[], AbstractAsyncContextManager[OutboxWakeups]]
    tracer: Tracer | None
    _database: Database
    _cache: Cache | None
    _gate: ErasureGate | None
    _schema: SchemaCheck
    _replication: Replication | None = None

    @property
    def consistency(self) -> Consistency | None:
        """Lets callers read from replicas and see what they wrote; None where there are no replicas."""
        return None if self._replication is None else self._replication.consistency

    async def readiness(self) -> Readiness:
        """Ask the parts; PostgreSQL is needed to serve, and that nobody is served whom the ledger has as erased."""
        database = await _stands(self._database.ping, self._schema.passed)
        cache = "off" if self._cache is None else await _stands(self._cache.ping)
        erasures = "off" if self._gate is None else await self._gate.stands()
        replicas = "off" if self._replication is None else self._replication.replicas.standing()
        parts = {"database": database, "cache": cache, "erasures": erasures, "replicas": replicas}
        return Readiness("down" not in {database, erasures}, parts)


async def _stands(*looks: Callable[[], Awaitable[None]]) -> str:
    try:
        for look in looks:
            await look()
    except UserCoreError:
        return "down"
    return "ok"


@asynccontextmanager
async def open_core(settings: CoreSettings) -> AsyncIterator[Service]:
    """Open every connection the settings name, and close them at the end.

    Opening does not wait for the servers: a service that starts before its database is not ready until
    the database is there.

    Args:
        settings: where the servers are, and their limits.

    Returns:
        The service; its core may be shared by any number of tasks of one event loop.

    Raises:
        SettingsError: the command that prints the master keys does not, or a part is not installed.
    """
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        # First in, last out: what is recorded until the end is sent.
        tracer = await stack.enter_async_context(open_tracing(settings.traces))
        master_keys = await open_master_keys(settings.keys)
        positions = Positions(settings.database.replica_max_lag_s) if settings.database.replica_urls else None
        database = await stack.enter_async_context(open_database(settings.database, positions))
        replication = None
        if positions is not None:
            replication = await stack.enter_async_context(open_replication(settings, database, positions, metrics))
        cache = None
        if settings.cache.url is not None:
            fence_ttl_s = max(_FENCE_TTL_S, _FENCE_STATEMENTS * settings.database.statement_timeout_s)
            opened = open_cache(settings.cache, metrics, fence_ttl_s=fence_ttl_s)
            cache = await stack.enter_async_context(opened)
        sql = sql_ports(database, master_keys, None if replication is None else replication.replicas)
        ports = await _ports(settings, sql, cache, metrics, stack, tracer)
        metrics.watch_pools(lambda: _pools(database, cache, replication))
        put_together = partial(
            assemble,
            tiers=settings.activity.loyalty_tiers,
            public_url=settings.delivery.public_url,
            delivery=_policy(settings.delivery, metrics),
            requests=settings.privacy.policy,
            verification=settings.verification.policy(),
            retention=settings.retention.schedule(),
            merging=settings.merging.policy,
        )
        bare = put_together(ports)
        gate = None
        if ports.erasure_ledger.kept:
            # Nobody reads before all of them are erased again, so that it is enough to wait for replicas then.
            gate = ErasureGate(bare.replay_erasures, None if replication is None else replication.settle)
        if replication is not None:
            ports = evolve(ports, writer=SettledErasures(ports.writer, replication.replicas))
            bare = evolve(put_together(ports), replay_erasures=bare.replay_erasures)
        if gate is not None:
            # What looks at the ledger itself reads past the gate.
            looking = put_together(behind(gate, ports))
            bare = evolve(looking, check_ledger=bare.check_ledger, replay_erasures=bare.replay_erasures)
        core = observe_core(bare, metrics, traces=tracer is not None)
        wakeups = partial(open_signal, settings.database)
        every = checkpoint_every(settings.checkpoints)
        retention_every = timedelta(hours=settings.retention.every_h) if settings.retention.every_h else None
        imports_kept = timedelta(days=settings.retention.imports_days)
        maintenance = Maintenance(
            core, metrics, timedelta(hours=settings.delivery.kept_h), every, retention_every, imports_kept
        )
        yield Service(
            core, metrics, maintenance, wakeups, tracer, database, cache, gate, SchemaCheck(database), replication
        )


def _policy(settings: DeliverySettings, metrics: Metrics) -> DeliveryPolicy:
    open_for = timedelta(seconds=settings.breaker_open_s)
    return DeliveryPolicy(
        concurrency=settings.concurrency,
        attempts=settings.attempts,
        give_up_after=timedelta(hours=settings.give_up_h),
        breaker=BreakerLimits(settings.breaker_failures, open_for, max(open_for, LONGEST_WAIT)),
        observer=metrics,
    )


async def _ports(
    settings: CoreSettings,
    sql: SqlPorts,
    cache: Cache | None,
    metrics: Metrics,
    stack: AsyncExitStack,
    tracer: Tracer | None,
) -> Ports:
    """Lay the cache and the coalescing over the database's ports."""
    enter = stack.enter_async_context
    profiles = sql.profiles if cache is None else cache.reader(sql.profiles)
    writer = sql.writer if cache is None else cache.writer(sql.writer)
    delivery = settings.delivery
    services = await enter(
        open_services(settings.services, record_file=delivery.record_file, connections=delivery.concurrency)
    )
    services = traced_services(services, tracer)
    attestation = open_attestation(settings.checkpoints)
    return Ports(
        clock=SystemClock(),
        ids=SystemIds(),
        keyed=sql.keyed,
        users=await enter(GatheredUserReader(sql.users)),
        writer=await enter(GroupCommitUserWriter(writer)),
        profiles=await enter(GatheredProfileReader(profiles)),
        directory=sql.directory,
        history=sql.history,
        personal_data=sql.personal_data,
        exporter=sql.exporter,
        statistics=sql.statistics,
        segment_counter=sql.segment_counter,
        segments=sql.segments,
        schemas=sql.schemas,
        validator=JsonSchemaValidator(),
        emails=ValidatedEmailRules(),
        hasher=await enter(Argon2Hasher(settings.passwords)),
        ledger=sql.ledger,
        inbox=sql.inbox,
        limiter=MemoryRateLimiter() if cache is None else await enter(open_rate_limiter(settings.cache, metrics)),
        rejections=sql.rejections,
        parked=sql.parked,
        dead_letters=sql.dead_letters,
        topics=sql.topics,
        preferences=await enter(GatheredPreferencesReader(sql.preferences)),
        purposes=sql.purposes,
        consents=sql.consents,
        privacy_requests=sql.privacy_requests,
        holds=sql.holds,
        archives=sql.archives,
        erasure_traces=sql.erasure_traces,
        erasure_ledger=_erasure_ledger(settings.privacy),
        suppressions=sql.suppressions,
        activity_writer=sql.activity_writer,
        # Gathered reads are those of many callers, who need not see the same: replicas answer each by itself.
        activity_reader=sql.activity_reader
        if settings.database.replica_urls
        else await enter(GatheredActivityReader(sql.activity_reader)),
        proofs=RandomProofs(),
        verification_writer=sql.verification_writer,
        verification_reader=sql.verification_reader,
        deliveries=sql.deliveries,
        delivery_records=sql.delivery_records,
        outbox=sql.outbox,
        shards=sql.shards,
        trail=sql.trail,
        listings=sql.listings,
        audit_reader=sql.audit_reader,
        archive=sql.archive,
        checkpoints=sql.checkpoints,
        signer=attestation.signer,
        verifier=attestation.verifier,
        checkpoint_publisher=attestation.publisher,
        key_store=sql.key_store,
        retention=sql.retention,
        trail_parts=sql.trail_parts,
        merges=sql.merges,
        candidates=sql.candidates,
        imports=sql.imports,
        uploads=sql.uploads,
        import_writer=sql.import_writer if cache is None else cache.import_writer(sql.import_writer),
        authentication=services.authentication,
        credentials=services.credentials,
        notification=services.notification,
        audit=services.audit,
    )


def _erasure_ledger(settings: PrivacySettings) -> ErasureLedger:
    if settings.erasure_ledger_file is None:
        return NoErasureLedger()
    return FileErasureLedger(settings.erasure_ledger_file)


def _pools(database: Database, cache: Cache | None, replication: Replication | None) -> Iterator[PoolUse]:
    for name, (size, in_use) in database.pool_use().items():
        yield PoolUse(name, size, in_use)
    for replica in () if replication is None else replication.replicas.replicas:
        yield PoolUse(f"database_replica_{replica.name}", *replica.reads.pool_use()["database_read"])
    if cache is not None:
        yield PoolUse("cache", *cache.pool_use())
