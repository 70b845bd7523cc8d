"""The commands of userctl. Each is imported when it is used, so that `--help` does not wait for a database driver."""

from importlib.metadata import version

from cyclopts import App, Parameter
from rich.console import Console

from user_cli import exits

__all__ = ["build_app"]

_ABOUT = """\
Run and operate the User Service.

Settings come from the environment: `userctl config check` shows them all. A command that changes a user needs
`REDIS_URL` and `USER_SERVICE_CACHE_KEY` wherever the service has them, or profiles stay cached for a minute.

Tables are for people. With `--json`, programs get one JSON document: an object, or for a list
`{"items": [...], "nextCursor": ...}`. Errors are one line on standard error, with a stable code.

```
userctl dev --samples 100
userctl user create --email grace@example.com --first-name Grace --last-name Hopper
userctl user list --q "grace hop" --json
userctl config check
```
"""

_COMMANDS = {
    "dev": ("user_cli.commands.dev:dev", "Start the whole service on embedded servers, for development."),
    "serve": ("user_cli.commands.serve:serve", "Serve HTTP on the settings of the environment."),
    "stream": ("user_cli.commands.stream:stream", "Process messages and publish events on Kafka."),
    "db": ("user_cli.commands.db:app", "Bring the database's tables up to date, back, or look."),
    "user": ("user_cli.commands.user:app", "Create, find, change, verify, deactivate and reactivate users."),
    "merge": ("user_cli.commands.merge:app", "Duplicate accounts: what a merge would do, doing it, looking back."),
    "top": ("user_cli.commands.top:top", "A running service at a glance, again and again."),
    "stats": ("user_cli.commands.stats:stats", "How many users there are, since when, and of what kind."),
    "import": ("user_cli.commands.import_users:import_users", "Create and change many users from a file."),
    "imports": ("user_cli.commands.imports:app", "Imports of many users: look, see what was wrong with rows, cancel."),
    "export": ("user_cli.commands.export:export", "Write many users into a file: NDJSON, CSV or Parquet."),
    "segment": ("user_cli.commands.segment:app", "Users chosen by a filter: count them, and what a filter means."),
    "preferences": ("user_cli.commands.preferences:app", "Email preferences of a user."),
    "topics": ("user_cli.commands.topics:app", "Email topics that users may subscribe to."),
    "privacy": ("user_cli.commands.privacy:app", "What people ask of their data, and what becomes of it."),
    "consents": ("user_cli.commands.consents:app", "Consents of a user, and what users are asked about."),
    "suppression": ("user_cli.commands.suppression:app", "Addresses that must not be written to."),
    "attributes": ("user_cli.commands.attributes:app", "The JSON Schema of custom attributes."),
    "deliver": ("user_cli.commands.deliver:deliver", "Deliver once what other services have not been told yet."),
    "mail": ("user_cli.commands.mail:app", "Mail by SMTP: look at letters, and send a test."),
    "deliveries": (
        "user_cli.commands.deliveries:app",
        "What the services around this one were told: look, retry, discard.",
    ),
    "auth": ("user_cli.commands.auth:app", "The AuthenticationService: find and mend what has drifted."),
    "relay": ("user_cli.commands.relay:app", "Publish events to Kafka, without the stream processor."),
    "outbox": ("user_cli.commands.outbox:app", "Events that wait to be published, and those that were."),
    "events": ("user_cli.commands.events:app", "Look on at what passes through topics."),
    "profiles": ("user_cli.commands.profiles:app", "The compacted topic of users' latest profiles."),
    "dlq": ("user_cli.commands.dlq:app", "Messages that nobody could use: look, replay, discard."),
    "parked": ("user_cli.commands.parked:app", "Events that wait for their user, order or payment."),
    "send": ("user_cli.commands.send:send", "Send a command, a query or a fact to its topic."),
    "audit": ("user_cli.commands.audit:app", "Who did what to whom, and the proof of it."),
    "retention": ("user_cli.commands.retention:app", "How long things are kept, and what is due to go."),
    "keys": ("user_cli.commands.keys:app", "Master keys: look, wrap everything anew, seal what is in the clear."),
    "token": ("user_cli.commands.token:app", "Make signing keys and bearer tokens."),
    "catalog": ("user_cli.commands.catalog:app", "The service's messages as pages of an EventCatalog."),
    "config": ("user_cli.commands.config:app", "Check and document the settings."),
}


def build_app(output: Console, errors: Console, asked: str | None = None) -> App:
    """Return the command line, which raises what goes wrong instead of printing it.

    Args:
        output: takes help.
        errors: takes what the command line's library says of its own accord.
        asked: the command that is asked for. It is imported and speaks for itself; others are known by a line.
    """
    app = App(
        name="userctl",
        help=_ABOUT,
        help_format="markdown",
        help_epilogue=exits.HELP,
        default_parameter=Parameter(negative=(), show_default=False),
        version=version("user-cli"),
        console=output,
        error_console=errors,
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name, (where, about) in _COMMANDS.items():
        app.command(where, name=name, help=None if name == asked else about)
    return app
