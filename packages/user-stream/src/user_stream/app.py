"""The stream processor: everything it runs, in the order in which it begins and ends."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Final

import structlog
from attrs import Factory, define, field

from user_stream.assembly import Processor, open_processor
from user_stream.brokers import BrokerCheck
from user_stream.faust_app import StreamApp, build_app, more_to_come
from user_stream.health import Health, serving
from user_stream.pump import Pump
from user_stream.retrying import GivenUpError, Retrying
from user_stream.upkeep import Upkeep
from usercore.delivery.topics import OURS, RECEIVED
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.settings import CoreSettings, StreamSettings
from usercore.wiring.messaging import Messaging, open_messaging, tls_context
from usercore.wiring.service import Service, open_core
from usercore.wiring.setaside import bury_message

__all__ = ["Stream", "StreamFailedError", "run_stream", "stopped_by_signals"]

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LEAVE_WITHIN_S: Final = 20.0
"""How long batches in hand may take to end before the process leaves without them; they come again."""
_STOP_WITHIN_S: Final = 10.0
"""How long Faust may take to stop. It waits for ever for a consumer that failed because its brokers went away."""
GC_THRESHOLDS: Final = (50_000, 20, 100)
"""Source: measured, batches over the database: +33 to 41 % throughput."""


class StreamFailedError(Exception):
    """The processor cannot go on; what it had not finished comes again when it is started anew.

    Args:
        code: stable word for the reason.
        detail: more about it, without a value of a message.
    """

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(f"the stream processor stopped: {code}")
        self.code = code
        self.detail = detail


@define(eq=False)
class Stream:
    """A stream processor that runs, as others see it.

    Args:
        stopping: set to have it end after the batches in hand.
        started: set once it consumes.
        port: where health is served, once it is.
    """

    stopping: asyncio.Event = field(factory=asyncio.Event)
    started: asyncio.Event = field(factory=asyncio.Event)
    port: int | None = None


async def run_stream(core: CoreSettings, settings: StreamSettings, stream: Stream) -> None:
    """Consume until `stream.stopping` is set; then finish the batches in hand, commit, and leave the group.

    Args:
        core: where the servers are.
        settings: where the brokers are, and how messages are consumed.
        stream: tells how it stands, and when to stop.

    Raises:
        StreamFailedError: a part stayed away, or something failed that nobody foresaw.
        OSError: the address for health cannot be listened on.
    """
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        service = await enter(open_core(core))
        messaging = await enter(open_messaging(settings, service))
        processor = await enter(
            open_processor(
                service.core,
                settings,
                service.metrics,
                sender=messaging.sender,
                bury=bury_message(service.core.ports, messaging.sender),
                stopping=stream.stopping,
                hashes=core.passwords.threads + core.passwords.queue,
                tracer=service.tracer,
            )
        )
        running = _Running(core, settings, stream, service, messaging, processor)
        health = Health(running.parts, service.metrics.scrape)
        stream.port = await enter(serving(health, settings.consumer.host, settings.consumer.port))
        await running.run()


@define(eq=False)
class _Running:
    """One run, from the first connection to the last commit."""

    core: CoreSettings
    settings: StreamSettings
    stream: Stream
    service: Service
    messaging: Messaging
    processor: Processor
    app: StreamApp | None = None
    pumps: list[Pump] = Factory(list)
    brokers: BrokerCheck = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.brokers = BrokerCheck(self.messaging.topics)

    async def run(self) -> None:
        try:
            await self._until_servers_answer()
        except GivenUpError as error:
            if self.stream.stopping.is_set():
                return
            raise StreamFailedError(error.code) from error
        except UserCoreError as error:
            # Topics are missing, or the brokers do not let us: it names topics at most.
            raise StreamFailedError(error.code, str(error)) from error
        if self.stream.stopping.is_set():
            return
        self.app = self._build()
        async with _stopped_at_the_end(self.app):
            if await _started(self.app, self.stream.stopping):
                await self._consume(self.app)

    async def _consume(self, app: StreamApp) -> None:
        async with _background(self._background(app)) as helpers:
            tune_garbage_collection()
            self.stream.started.set()
            structlog.get_logger().info("consuming", topics=len(self.pumps), port=self.stream.port)
            await self._work(app, helpers)

    async def _until_servers_answer(self) -> None:
        """Wait for the database and the brokers, as long as for anything else that does not answer."""
        consumer = self.settings.consumer
        patience = Retrying(
            consumer.retries,
            consumer.retry_first_s,
            consumer.retry_longest_s,
            self.service.metrics,
            self.stream.stopping,
        )
        await patience(self._database_answers)
        await patience(lambda: self.messaging.topics.ensure(OURS))

    async def _database_answers(self) -> None:
        if not (await self.service.readiness()).ready:
            raise UnavailableError("the database does not answer")

    def _build(self) -> StreamApp:
        kafka, consumer = self.settings.kafka, self.settings.consumer
        app = build_app(kafka, consumer, self.settings.topics, tls_context(kafka))
        for name in RECEIVED:
            pump = Pump(
                name,
                kafka.topic_prefix,
                consumer.batch,
                self.processor.process,
                self.service.metrics,
                behind=lambda event: more_to_come(app, event),
            )
            topic = app.topic(kafka.topic_prefix + name, key_type=bytes, value_type=bytes)
            app.agent(topic, name=name, concurrency=1)(pump.read)
            self.pumps.append(pump)
        return app

    def _background(self, app: StreamApp) -> Iterator[Coroutine[Any, Any, None]]:
        upkeep = Upkeep(
            self.service.core.ports,
            self.settings.consumer.inbox_kept_h,
            app.consumer,
            self.pumps,
            self.service.metrics,
        )
        yield upkeep.run()
        yield self.processor.sweep.run()
        yield self.service.maintenance.run(self.core.delivery.interval_s)
        if self.settings.relay.in_stream:
            yield self.messaging.relay.run()

    async def _work(self, app: StreamApp, helpers: Sequence["asyncio.Task[None]"]) -> None:
        """Run until somebody wants it to stop, or something fails."""
        pumps = [asyncio.create_task(pump.run(), name=f"pump {pump.topic}") for pump in self.pumps]
        stopping = asyncio.create_task(self.stream.stopping.wait())
        crashed = asyncio.create_task(_crash_of(app))
        watched = {stopping, crashed, *pumps, *helpers}
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            failure = next((one.exception() for one in done if one is not stopping and one.exception()), None)
            await self._finish(pumps)
        finally:
            for task in (stopping, crashed, *pumps):
                task.cancel()
            await asyncio.wait({stopping, crashed, *pumps})
        if failure is None:
            failure = next((task.exception() for task in pumps if not task.cancelled() and task.exception()), None)
        if failure is not None and not (isinstance(failure, GivenUpError) and self.stream.stopping.is_set()):
            await app.crash(StreamFailedError(_code_of(failure)))
            raise StreamFailedError(_code_of(failure)) from failure

    async def _finish(self, pumps: Sequence["asyncio.Task[None]"]) -> None:
        """Let the batches in hand end, within a limit."""
        for pump in self.pumps:
            pump.close()
        _, unfinished = await asyncio.wait(pumps, timeout=_LEAVE_WITHIN_S)
        if unfinished:
            structlog.get_logger().warning("leaving batches unfinished", batches=len(unfinished))

    async def parts(self) -> Mapping[str, str]:
        """Return how each part stands."""
        readiness = await self.service.readiness()
        return {**readiness.parts, "brokers": await self.brokers(), "consumer": self._consumer()}

    def _consumer(self) -> str:
        if self.stream.stopping.is_set():
            return "stopping"
        if self.app is None or not self.stream.started.is_set():
            return "starting"
        if self.app.crashed:
            return "crashed"
        if self.app.rebalancing:
            return "rebalancing"
        # A copy without a partition stands by for others.
        return "ok"


async def _crash_of(app: StreamApp) -> None:
    """Raise why Faust has crashed, once it has."""
    await app.wait()
    raise StreamFailedError("consumer_failed") from app.crash_reason


def _code_of(failure: BaseException) -> str:
    return str(getattr(failure, "code", "internal_error"))


async def _started(app: StreamApp, stopping: asyncio.Event) -> bool:
    """Start Faust, and say whether it has; without brokers it tries for ever, or until it is to stop.

    Raises:
        StreamFailedError: it did not find the brokers that had answered before.
    """
    starting, asked = asyncio.create_task(app.start()), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and (failure := starting.exception()) is not None:
            raise StreamFailedError("consumer_failed") from failure
        return starting.done()
    finally:
        for task in (starting, asked):
            task.cancel()


@asynccontextmanager
async def _stopped_at_the_end(app: StreamApp) -> AsyncIterator[None]:
    """Stop Faust at the end: commit what was acknowledged, and leave the group."""
    try:
        yield
    finally:
        stopping = asyncio.create_task(app.stop())
        _, unfinished = await asyncio.wait({stopping}, timeout=_STOP_WITHIN_S)
        if unfinished:
            stopping.cancel()
            structlog.get_logger().warning("leaving without a word to the brokers")
        else:
            stopping.result()


@asynccontextmanager
async def _background(jobs: Iterator[Coroutine[Any, Any, None]]) -> AsyncIterator[Sequence["asyncio.Task[None]"]]:
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def tune_garbage_collection() -> None:
    """Take everything that lives until the end out of the collector's sight, and let it run less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@contextmanager
def stopped_by_signals(stream: Stream) -> Iterator[None]:
    """Have signals stop a stream, while this lasts."""
    loop = asyncio.get_running_loop()
    for one in SIGNALS:
        loop.add_signal_handler(one, stream.stopping.set)
    try:
        yield
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
