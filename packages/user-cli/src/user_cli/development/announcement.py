"""What `userctl dev` says when everything is ready."""

from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from user_cli.development.folder import DataFolder
from user_cli.output import say, show_json, show_pairs

__all__ = ["Announcement", "announce"]


@frozen
class Announcement:
    """Everything that was started.

    Args:
        url: of the HTTP service.
        stream_url: of the stream processor's health and metrics.
        bootstrap: ``host:port`` of the Kafka brokers.
        forgets: whether the broker is the embedded one, which keeps nothing.
        folder: keeps the data.
        servers: keeps the database, where that is another folder.
        deliveries: where what other services would be sent is written down.
        token: allows everything.
        expires_at: when the token ends; aware, UTC.
        pids: of the HTTP service, the stream processor and the embedded servers.
    """

    url: str
    stream_url: str
    bootstrap: str
    forgets: bool
    folder: DataFolder
    servers: Path
    deliveries: Path
    token: str = field(repr=False)
    expires_at: datetime
    pids: tuple[int, ...]


def announce(what: Announcement, *, as_json: bool) -> None:
    """Write where everything is and how to call it."""
    if as_json:
        show_json(_object(what))
        return
    say("The User Service is ready. Ctrl-C ends it.")
    show_pairs(
        [
            ("  API", f"{what.url}/v1/users"),
            ("  Docs", f"{what.url}/docs"),
            ("  Health", f"{what.url}/health/ready"),
            ("  Metrics", f"{what.url}/metrics"),
            ("  Kafka", what.bootstrap + ("  (embedded: forgets all messages when it stops)" if what.forgets else "")),
            ("  Stream", f"{what.stream_url}/health/ready  and  {what.stream_url}/metrics"),
            ("  Deliveries", f"{what.deliveries}  (what other services would be sent)"),
            ("  Data", " and ".join(dict.fromkeys((str(what.folder.path), str(what.servers))))),
            ("  Token", f"{what.folder.token}  (allows everything, until {what.expires_at:%Y-%m-%d})"),
        ]
    )
    say("Try it:")
    say(f"  curl -s -H 'Authorization: Bearer {what.token}' {what.url}/v1/users")
    say("In another terminal, for userctl and curl:")
    say(f'  . {what.folder.environment}; curl -s -H "Authorization: Bearer $TOKEN" {what.url}/v1/users')


def _object(what: Announcement) -> dict[str, object]:
    return {
        "url": what.url,
        "docs": f"{what.url}/docs",
        "metrics": f"{what.url}/metrics",
        "health": f"{what.url}/health/ready",
        "kafka": what.bootstrap,
        "streamHealth": f"{what.stream_url}/health/ready",
        "streamMetrics": f"{what.stream_url}/metrics",
        "dataDir": str(what.folder.path),
        "deliveries": str(what.deliveries),
        "token": what.token,
        "tokenExpiresAt": what.expires_at.isoformat().replace("+00:00", "Z"),
        "environment": str(what.folder.environment),
        "pids": list(what.pids),
    }
