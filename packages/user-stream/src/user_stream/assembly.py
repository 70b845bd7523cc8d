"""Where the parts of the processor meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen

from user_stream.burying import Burying
from user_stream.commands import RunCommands
from user_stream.facts import TellFacts
from user_stream.parking import Parking, SettleFacts, Sweep
from user_stream.processing import Process
from user_stream.queries import AnswerQueries
from user_stream.rejecting import Rejecting
from user_stream.replying import Replying
from user_stream.retrying import Retrying
from user_stream.tracing import Following, traced_batches
from user_stream.work import Bury
from usercore.codec.messages import MessageKind
from usercore.kernel.tracing import Tracer
from usercore.messaging.ports import MessageSender
from usercore.observe.metrics import Metrics
from usercore.settings import StreamSettings
from usercore.wiring.core import Core
from usercore.wiring.messaging import signed_topics

__all__ = ["Processor", "open_processor"]


@frozen
class Processor:
    """What a running stream processor does: batches that come, and facts that wait."""

    process: Process
    sweep: Sweep


@asynccontextmanager
async def open_processor(
    core: Core,
    settings: StreamSettings,
    metrics: Metrics,
    *,
    sender: MessageSender,
    bury: Bury,
    stopping: asyncio.Event,
    hashes: int,
    tracer: Tracer | None = None,
) -> AsyncIterator[Processor]:
    """Put the parts together.

    Args:
        core: the use cases.
        settings: how messages are consumed.
        metrics: counts what becomes of them.
        sender: sends replies.
        bury: keeps dead letters.
        stopping: once set nothing is tried again.
        hashes: passwords that may be hashed or wait for it at once; more would be refused.
        tracer: goes on with the traces of messages, where there are traces.
    """
    consumer, ports = settings.consumer, core.ports
    retrying = Retrying(consumer.retries, consumer.retry_first_s, consumer.retry_longest_s, metrics, stopping)
    burying = Burying(bury, retrying, metrics)
    replying = Replying(
        sender, consumer.reply_prefixes, settings.kafka.topic_prefix, settings.relay.source, ports.clock, ports.ids
    )
    parking = Parking(ports.parked, retrying, ports.clock, ports.ids, consumer.parked_limit_s)
    tell = TellFacts(core.record_facts, retrying, ports.clock, consumer.future_tolerance_s)
    following = Following(tracer, settings.kafka.topic_prefix + consumer.group)
    async with Rejecting(ports.rejections, ports.clock, ports.ids) as rejecting:
        process = Process(
            {
                MessageKind.COMMAND: RunCommands(
                    core, retrying, rejecting, burying, parking.news, asyncio.Semaphore(hashes), following
                ),
                MessageKind.QUERY: AnswerQueries(core, retrying, replying, burying, following),
                MessageKind.EVENT: traced_batches(SettleFacts(tell, parking, burying), following),
            },
            burying,
            consumer.message_limit_bytes,
            metrics,
            signed_topics(settings.signing, consumer.inbox_kept_h),
            ports.clock,
        )
        limit = consumer.message_limit_bytes
        sweep = Sweep(parking, tell, burying, ports.clock, limit, consumer.parked_interval_s, metrics)
        yield Processor(process, sweep)
