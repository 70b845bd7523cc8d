"""An embedded broker that speaks Kafka's protocol, for development and tests only: Tansu, in memory.

It is no Apache Kafka. It keeps nothing over a restart, replicates and compacts nothing, knows neither the idempotent
producer nor transactions, and finds wrong offsets for times. What it does know: consumer groups that rebalance,
committed offsets, headers and tombstones.
"""

import asyncio
import secrets
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from attrs import frozen

from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, start_on_free_port
from user_cli.embedded.programs import kafka_program

__all__ = ["Kafka", "broker_answers", "start_kafka"]

_READY_DEADLINE_S = 20.0
_ANSWER_MS = 1_000


@frozen
class Kafka:
    """A broker that answers.

    Args:
        process: the broker, or the guard that stays beside it.
        bootstrap: ``host:port``. Nobody is asked for a password.
    """

    process: ServerProcess
    bootstrap: str


async def start_kafka(folder: Path, account: Account, *, ports: Callable[[], int]) -> Kafka:
    """Start the broker, without any topic.

    Args:
        folder: of the embedded servers, open to `account`.
        account: who the broker runs as.
        ports: gives a port to try; asked again when somebody else was quicker to take it.

    Raises:
        EmbeddedServerError: when it cannot be started.
    """
    broker = await asyncio.to_thread(kafka_program, account, folder)
    # Another's broker on the port that we try answers as readily as ours; only the name tells them apart.
    cluster = secrets.token_hex(8)
    process, port = await start_on_free_port(
        partial(_program, broker, folder, account, cluster),
        partial(broker_answers, cluster),
        ports,
        _READY_DEADLINE_S,
    )
    return Kafka(process, f"127.0.0.1:{port}")


def _program(broker: Path, folder: Path, account: Account, cluster: str, port: int) -> Program:
    url = f"tcp://127.0.0.1:{port}"
    return Program(
        name="the embedded Kafka broker",
        command=(
            *(str(broker), "broker", "--silent", "--storage-engine", "memory://tansu/", "--cluster-id", cluster),
            *("--listener-url", url, "--advertised-listener-url", url),
        ),
        folder=folder,
        log=folder / "kafka.log",
        account=account,
        # Asked politely it stays for five seconds, and has nothing to write down.
        ends=((signal.SIGKILL, 5.0),),
    )


async def broker_answers(cluster: str, port: int) -> bool:
    """Return whether a broker of that cluster, and no other, serves the port of 127.0.0.1."""
    try:
        connection = await create_conn("127.0.0.1", port, request_timeout_ms=_ANSWER_MS)
        try:
            metadata = await connection.send(MetadataRequest([]))
        finally:
            connection.close()
    except (OSError, KafkaError, TimeoutError):
        return False
    return bool(metadata.cluster_id == cluster and metadata.brokers)
