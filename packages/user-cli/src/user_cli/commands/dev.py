"""`userctl dev`: everything, started with one command."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter, validators

from user_cli.commands.options import AsJson, WithDefault
from user_cli.commands.token import audience
from user_cli.development.announcement import Announcement, announce
from user_cli.development.folder import DataFolder, open_folder
from user_cli.development.samples import create_samples, register_topics
from user_cli.development.server import (
    HOST,
    choose_port,
    http_service,
    running,
    stream_processor,
    until_ended,
)
from user_cli.embedded import EmbeddedServers, embedded_servers
from user_cli.inputs import write_private
from user_cli.output import note, say
from user_cli.session import open_session
from user_cli.signals import end_by_signals, heed_signals
from user_cli.tokens import ALL_SCOPES, read_signing_key, sign_token
from usercore.settings import DatabaseSettings, ServingSettings, StreamSettings, load
from usercore.wiring import migrations

__all__ = ["dev"]

_TOKEN_LIFETIME: Final = timedelta(days=30)
_MOST_SAMPLES: Final = 100_000
_SUBJECT: Final = "developer"

# The embedded broker knows no idempotent producer, and one who joins a group waits for half a session.
_ON_EMBEDDED_KAFKA: Final = {"USER_SERVICE_KAFKA_SECURITY": "", "USER_SERVICE_KAFKA_IDEMPOTENT": "false"}
_USUAL_ON_EMBEDDED_KAFKA: Final = {
    "USER_SERVICE_STREAM_SESSION_TIMEOUT_S": "2",
    "USER_SERVICE_TOPIC_PARTITIONS": "3",
}
_OTHER_MASTER_KEYS: Final = ("USER_SERVICE_MASTER_KEYS_FILE", "USER_SERVICE_MASTER_KEYS_COMMAND")
_Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535), show_default=True)]


async def dev(
    *,
    data_dir: WithDefault[Path] = Path(".dev-data"),
    port: _Port = 8080,
    stream_port: _Port = 8081,
    samples: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=_MOST_SAMPLES), show_default=True)] = 0,
    as_json: AsJson = False,
) -> None:
    """Start the whole service on embedded servers, for development; Ctrl-C ends it.

    PostgreSQL, Valkey and a Kafka broker are started where DATABASE_URL, REDIS_URL and KAFKA_BOOTSTRAP name none.
    Data, keys and a ready token stay in the data folder, so that the next start goes on where this one ended; what
    is on the embedded broker does not stay. Not for production: everything listens on 127.0.0.1, whoever can read
    the folder can do everything, and the broker asks nobody who they are.

    ```
    userctl dev
    userctl dev --samples 200 --port 9000
    ```

    Args:
        data_dir: keeps everything.
        port: where HTTP is served on 127.0.0.1; 0 chooses a free one.
        stream_port: where health and metrics of the stream processor are served; 0 chooses a free one.
        samples: how many made-up users there shall be.
        as_json: write what was started as JSON.
    """
    end_by_signals()
    port, stream_port = choose_port(port, "--port"), choose_port(stream_port, "--stream-port")
    folder = open_folder(data_dir)
    given = {name: _given(name, folder) for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP")}
    database_url, redis_url, kafka_bootstrap = given.values()
    embedded = embedded_servers(
        folder.path, database_url=database_url, redis_url=redis_url, kafka=True, kafka_bootstrap=kafka_bootstrap
    )
    async with embedded as servers:
        found = _found(servers)
        folder.remember_embedded(where for name, where in found.items() if given[name] is None)
        ours = found | _variables(folder, port, stream_port, forgets=kafka_bootstrap is None)
        environ = dict(os.environ) | ours
        http = http_service(load(ServingSettings, environ).http)
        stream = stream_processor(load(StreamSettings, environ).consumer)
        await _prepare(environ, samples)
        async with running((http, stream), environ) as processes:
            expires_at, token = _token(folder)
            folder.write_environment(ours | {"TOKEN": token})
            announcement = Announcement(
                url=http.url,
                stream_url=stream.url,
                bootstrap=found["KAFKA_BOOTSTRAP"],
                forgets=kafka_bootstrap is None,
                folder=folder,
                servers=servers.folder,
                deliveries=Path(environ["USER_SERVICE_DELIVERY_RECORD_FILE"]),
                token=token,
                expires_at=expires_at,
                pids=(*(process.pid for process in processes), *servers.pids),
            )
            asked = heed_signals()  # before anybody knows that we are here
            announce(announcement, as_json=as_json)
            await until_ended(processes, asked)
    if not as_json:
        say("Stopped; the data stays.")


def _given(name: str, folder: DataFolder) -> str | None:
    """Return a server of the developer's own; one of ours, in a terminal that has read our file, is none."""
    url = os.environ.get(name)
    return None if not url or folder.was_embedded(url) else url


def _found(servers: EmbeddedServers) -> dict[str, str]:
    """Return where the servers are, ours and the developer's."""
    return {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "KAFKA_BOOTSTRAP": servers.kafka_bootstrap or "",
    }


def _variables(folder: DataFolder, port: int, stream_port: int, *, forgets: bool) -> dict[str, str]:
    """Return the settings of the service: ours where they must be, the developer's where they may be.

    Args:
        folder: keeps keys and deliveries.
        port: of HTTP.
        stream_port: of the stream processor.
        forgets: whether the broker is the embedded one.
    """
    usual = {
        "USER_SERVICE_DELIVERY_RECORD_FILE": str(folder.deliveries),
        "USER_SERVICE_ERASURE_LEDGER_FILE": str(folder.erasures),
        "USER_SERVICE_DRAIN_TIMEOUT_S": "5",
        **(_USUAL_ON_EMBEDDED_KAFKA if forgets else {}),
    }
    if not os.environ.get("USER_SERVICE_CACHE_KEY_FILE"):
        usual["USER_SERVICE_CACHE_KEY"] = folder.cache_key.read_text(encoding="ascii").strip()
    if not any(os.environ.get(name) for name in _OTHER_MASTER_KEYS):
        usual["USER_SERVICE_MASTER_KEYS"] = folder.master_keys.read_text(encoding="ascii").strip()
    chosen = {name: os.environ.get(name) or value for name, value in usual.items()}
    return chosen | {
        **(_ON_EMBEDDED_KAFKA if forgets else {}),
        "USER_SERVICE_LISTEN_HOST": HOST,
        "USER_SERVICE_LISTEN_PORT": str(port),
        "USER_SERVICE_STREAM_LISTEN_HOST": HOST,
        "USER_SERVICE_STREAM_LISTEN_PORT": str(stream_port),
        # Tokens are checked with our own key alone: an empty variable is one that is not set.
        "USER_SERVICE_TOKEN_KEY_FILE": str(folder.jwks),
        "USER_SERVICE_TOKEN_JWKS_URL": "",
    }


async def _prepare(environ: Mapping[str, str], samples: int) -> None:
    """Bring the tables up to date, and what is in them."""
    await migrations.upgrade(load(DatabaseSettings, environ), contract=True)
    async with open_session(environ) as session:
        await register_topics(session)
        if samples:
            done = await create_samples(session, samples)
            note(f"Sample users: {done.created} created, {done.present} were there.")


def _token(folder: DataFolder) -> tuple[datetime, str]:
    """Make a token for everything, and keep it in the folder."""
    now = datetime.now(UTC).replace(microsecond=0)
    key = read_signing_key(folder.signing_key)
    token = sign_token(key, audience(), subject=_SUBJECT, scopes=ALL_SCOPES, now=now, lifetime=_TOKEN_LIFETIME)
    write_private(folder.token, token.encode() + b"\n")
    return now + _TOKEN_LIFETIME, token
