"""`userctl outbox`: events that wait to be published, and those that were."""

from datetime import UTC, datetime
from typing import Annotated

import structlog
from attrs import fields
from cyclopts import Parameter

from user_cli.commands.options import AsJson, command_group, stated_reason
from user_cli.failures import UsageError
from user_cli.inputs import optional_moment
from user_cli.output import say, show_json, show_table
from user_cli.session import open_session
from usercore.audit.entry import service_entry
from usercore.codec.scalars import optional_timestamp, timestamp
from usercore.delivery.ports import OutboxFilter, OutboxLine, OutboxStanding
from usercore.kernel.ids import UserId

app = command_group("outbox", "Events that wait to be published, and those that were.")


@app.command
async def status(*, as_json: AsJson = False) -> None:
    """Show what waits to be published, by shard and event, and how many published events are still kept.

    ```
    userctl outbox status
    userctl outbox status --json
    ```

    Args:
        as_json: write {"pending": ..., "oldest": ..., "published": ..., "lastPublishedAt": ..., "waiting": [...]}.
    """
    async with open_session() as session:
        standing = await session.core.ports.outbox.standing()
    if as_json:
        show_json(_standing_object(standing))
        return
    now = datetime.now(UTC)
    rows = ((line.shard, line.message, line.pending, _age(line.oldest, now)) for line in standing.waiting)
    show_table(("SHARD", "EVENT", "WAITING", "OLDEST"), rows, empty="Nothing waits.")
    last = optional_timestamp(standing.last_published_at)
    say(
        f"{_pending(standing)} waiting; {standing.published} published and kept"
        + (f", last at {last}." if last else ".")
    )


def _standing_object(standing: OutboxStanding) -> dict[str, object]:
    oldest = min((line.oldest for line in standing.waiting), default=None)
    return {
        "pending": _pending(standing),
        "oldest": optional_timestamp(oldest),
        "published": standing.published,
        "lastPublishedAt": optional_timestamp(standing.last_published_at),
        "waiting": [_line_object(line) for line in standing.waiting],
    }


def _line_object(line: OutboxLine) -> dict[str, object]:
    oldest = timestamp(line.oldest)
    return {"shard": line.shard, "message": line.message, "pending": line.pending, "oldest": oldest}


def _pending(standing: OutboxStanding) -> int:
    return sum(line.pending for line in standing.waiting)


def _age(at: datetime, now: datetime) -> str:
    return f"{max((now - at).total_seconds(), 0.0):.1f} s ago"


@app.command
async def replay(
    *,
    reason: Annotated[str, Parameter(help="Why, in at most 500 characters; the audit trail and the log keep it.")],
    user: str | None = None,
    message: str | None = None,
    since: str | None = None,
    until: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Publish events again that were published before, in their order.

    Consumers get the same event ids a second time: those that remember ids ignore them, and others do their work
    twice. Events are there for as long as USER_SERVICE_OUTBOX_KEPT_H says. It only marks them; whoever runs the relay
    publishes them. Nothing is asked: say which events by a user or by times.

    ```
    userctl outbox replay --user 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --reason "ticket 17"
    userctl outbox replay --since 2026-01-31T12:00:00Z --until 2026-01-31T13:00:00Z --reason "topic was lost"
    userctl outbox replay --since 2026-01-31 --message UserCreated --reason "new consumer"
    ```

    Args:
        reason: why.
        user: the events of this user.
        message: only events of this name: UserCreated.
        since: events that happened then or later.
        until: events that happened before then.
        as_json: write {"reopened": ...}.
    """
    reason = stated_reason(reason)
    chosen = OutboxFilter(
        user_id=None if user is None else UserId(user),
        message=message,
        since=optional_moment("--since", since),
        until=optional_moment("--until", until),
    )
    if chosen.user_id is None and chosen.since is None and chosen.until is None:
        raise UsageError("say which events by --user, --since or --until")
    async with open_session() as session:
        ports, context = session.core.ports, session.context
        now, event_id = ports.clock.now(), ports.ids.event_id()
        replayed = service_entry("OutboxReplayed", _fields(chosen), reason, context, event_id=event_id, at=now)
        await ports.trail.append([replayed])
        reopened = await ports.shards.reopen(chosen)
        structlog.get_logger().info(
            "outbox replay",
            operator=str(session.context.actor),
            operator_reason=reason,
            user_id=chosen.user_id,
            message=chosen.message,
            since=optional_timestamp(chosen.since),
            until=optional_timestamp(chosen.until),
            reopened=reopened,
        )
    if as_json:
        show_json({"reopened": reopened})
    else:
        say(f"{reopened} events will be published again.")


def _fields(chosen: OutboxFilter) -> tuple[str, ...]:
    """Return by what the events were chosen; the audit trail keeps no values."""
    return tuple(one.name for one in fields(OutboxFilter) if getattr(chosen, one.name) is not None)
