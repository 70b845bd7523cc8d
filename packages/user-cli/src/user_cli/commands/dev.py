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
from user_cli.development.server import HOST, choose_port, http_server, until_ended
from user_cli.embedded import EmbeddedServers, embedded_servers
from user_cli.inputs import write_private
from user_cli.output import note, say
from user_cli.session import open_session
from user_cli.tokens import ALL_SCOPES, read_signing_key, sign_token
from usercore.settings import DatabaseSettings, ServingSettings, load
from usercore.wiring import migrations

__all__ = ["dev"]

_TOKEN_LIFETIME: Final = timedelta(days=30)
_MOST_SAMPLES: Final = 100_000
_SUBJECT: Final = "developer"


async def dev(
    *,
    data_dir: WithDefault[Path] = Path(".dev-data"),
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535), show_default=True)] = 8080,
    samples: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=_MOST_SAMPLES), show_default=True)] = 0,
    as_json: AsJson = False,
) -> None:
    """Start the whole service on embedded servers, for development; Ctrl-C ends it.

    PostgreSQL and Valkey are started where DATABASE_URL and REDIS_URL name none. Data, keys and a ready token
    stay in the data folder, so that the next start goes on where this one ended. Not for production: everything
    listens on 127.0.0.1, and whoever can read the folder can do everything.

    ```
    userctl dev
    userctl dev --samples 200 --port 9000
    ```

    Args:
        data_dir: keeps everything.
        port: where HTTP is served on 127.0.0.1; 0 chooses a free one.
        samples: how many made-up users there shall be.
        as_json: write what was started as JSON.
    """
    port = choose_port(port)
    folder = open_folder(data_dir)
    given = {name: _given(name, folder) for name in ("DATABASE_URL", "REDIS_URL")}
    embedded = embedded_servers(folder.path, database_url=given["DATABASE_URL"], redis_url=given["REDIS_URL"])
    async with embedded as servers:
        urls = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        folder.remember_embedded(url for name, url in urls.items() if given[name] is None)
        ours = _variables(folder, servers, port)
        environ = dict(os.environ) | ours
        settings = load(ServingSettings, environ)
        await _prepare(environ, samples)
        async with http_server(settings.http, environ) as server:
            expires_at, token = _token(folder)
            folder.write_environment(ours | {"TOKEN": token})
            announcement = Announcement(
                f"http://{HOST}:{port}",
                folder,
                servers.folder,
                Path(environ["USER_SERVICE_DELIVERY_RECORD_FILE"]),
                token,
                expires_at,
                (server.pid, *servers.pids),
            )
            announce(announcement, as_json=as_json)
            await until_ended(server)
    if not as_json:
        say("Stopped; the data stays.")


def _given(name: str, folder: DataFolder) -> str | None:
    """Return a server of the developer's own; one of ours, in a terminal that has read our file, is none."""
    url = os.environ.get(name)
    return None if not url or folder.was_embedded(url) else url


def _variables(folder: DataFolder, servers: EmbeddedServers, port: int) -> dict[str, str]:
    """Return the settings of the service: ours where they must be, the developer's where they may be."""
    usual = {
        "USER_SERVICE_DELIVERY_RECORD_FILE": str(folder.deliveries),
        "USER_SERVICE_DRAIN_TIMEOUT_S": "5",
    }
    if not os.environ.get("USER_SERVICE_CACHE_KEY_FILE"):
        usual["USER_SERVICE_CACHE_KEY"] = folder.cache_key.read_text(encoding="ascii").strip()
    chosen = {name: os.environ.get(name) or value for name, value in usual.items()}
    return chosen | {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "USER_SERVICE_LISTEN_HOST": HOST,
        "USER_SERVICE_LISTEN_PORT": str(port),
        # Tokens are checked with our own key alone: an empty variable is one that is not set.
        "USER_SERVICE_TOKEN_KEY_FILE": str(folder.jwks),
        "USER_SERVICE_TOKEN_JWKS_URL": "",
    }


async def _prepare(environ: Mapping[str, str], samples: int) -> None:
    """Bring the tables up to date, and what is in them."""
    await migrations.upgrade(load(DatabaseSettings, environ))
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
