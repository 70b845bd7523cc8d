"""`userctl events`: what passes through topics."""

import base64
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter, validators

from user_cli.commands.options import AsJson, command_group
from user_cli.failures import UsageError
from user_cli.output import say, to_json
from usercore.codec.scalars import timestamp
from usercore.delivery.topics import PUBLISHED
from usercore.messaging.values import RawMessage
from usercore.observe.logs import configure_logs
from usercore.settings import KafkaSettings, TelemetrySettings, load

app = command_group("events", "Look on at what passes through topics.")

_Count = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]


@app.command
async def tail(
    *,
    topic: tuple[str, ...] = (),
    from_beginning: bool = False,
    last: _Count = None,
    count: _Count = None,
    as_json: AsJson = False,
) -> None:
    """Show messages as they come, until Ctrl-C; the events of users unless topics are named.

    It looks on: it joins no consumer group, and nobody gets fewer messages because of it. What it shows is personal
    data; who may see it, and where it is kept, is up to you.

    ```
    userctl events tail
    userctl events tail --topic user-profiles --from-beginning
    userctl events tail --last 10 --count 10 --json
    ```

    Args:
        topic: once for each: user-created, create-user, user-service.dead-letter; without the deployment's prefix.
        from_beginning: show first what is there already.
        last: show first this many of those that are there already.
        count: end after this many.
        as_json: write each message as a JSON document on a line of its own.
    """
    if from_beginning and last is not None:
        raise UsageError("--from-beginning shows everything: leave --last out")
    # A client of Kafka takes long to import: `--help` and slips of the keyboard do not wait for it.
    from usercore.wiring.messaging import tail_topics  # noqa: PLC0415

    configure_logs(load(TelemetrySettings, os.environ))
    settings = load(KafkaSettings, os.environ)
    messages = tail_topics(settings, topic or PUBLISHED, last=None if from_beginning else last or 0)
    await _show(messages, count, as_json=as_json)


async def _show(messages: AsyncIterator[RawMessage], count: int | None, *, as_json: bool) -> None:
    shown = 0
    async for message in messages:
        if as_json:
            print(to_json(_message_object(message)), flush=True)  # noqa: T201 - this is what was asked for
        else:
            say(_line(message))
        shown += 1
        if shown == count:
            return


def _line(message: RawMessage) -> str:
    named = {name: value.decode(errors="replace") for name, value in message.headers}
    parts = [
        timestamp(_at(message)),
        f"{message.topic}/{message.partition}/{message.offset}",
        _text(message.key) or "-",
        named.get("ce_type", "-"),
        named.get("ce_sequence", "-"),
        "(tombstone)" if message.value is None else message.value.decode(errors="replace"),
    ]
    return "  ".join(parts)


def _message_object(message: RawMessage) -> dict[str, object]:
    return {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": timestamp(_at(message)),
        "key": _text(message.key),
        "headers": [[name, _text(value)] for name, value in message.headers],
        **_value(message.value),
    }


def _value(value: bytes | None) -> dict[str, Any]:
    """Return JSON as it is, and anything else in base64."""
    if value is None:
        return {"value": None}
    try:
        return {"value": json.loads(value, parse_constant=_refuse)}
    except (ValueError, RecursionError):
        return {"value": None, "valueBase64": base64.b64encode(value).decode()}


def _refuse(_: str) -> None:
    message = "not a number of JSON"
    raise ValueError(message)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _at(message: RawMessage) -> datetime:
    return datetime.fromtimestamp(max(message.timestamp_ms, 0) / 1000, UTC)
