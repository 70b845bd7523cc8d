"""`userctl keys`: the master keys, and what they wrap."""

import base64
import secrets
from typing import Annotated, Final

from cyclopts import Parameter, validators

from user_cli.commands.options import AsJson, command_group
from user_cli.output import say, show_json, show_table
from user_cli.progress import counted
from user_cli.session import open_session
from usercore.privacy.keys.ports import KeysStanding, Plain

app = command_group("keys", "Master keys: look, wrap everything anew, seal what is in the clear.")

_KEY_BYTES: Final = 32
_WHAT: Final = {
    Plain.HISTORY: "history",
    Plain.OUTBOX: "published events",
    Plain.DEAD_LETTERS: "dead letters",
    Plain.PARKED: "parked messages",
}
_Why = Annotated[str, Parameter(help="Why, in at most 500 characters.")]


@app.command
def generate(version: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=999_999))], /) -> None:
    """Write a new master key, as USER_SERVICE_MASTER_KEYS has it, to standard output.

    ```
    userctl keys generate 2 >> master-keys
    ```

    Args:
        version: a number higher than those in use.
    """
    say(f"{version}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}")


@app.command
async def status(*, as_json: AsJson = False) -> None:
    """Show which master key wraps how many keys, and what lies in the clear.

    ```
    userctl keys status
    ```

    Args:
        as_json: write one JSON document.
    """
    async with open_session() as session:
        standing = await session.core.ports.key_store.standing()
    if as_json:
        show_json(_document(standing))
        return
    versions = sorted({standing.current, *standing.users, *standing.service})
    rows = [
        (
            f"{version} (current)" if version == standing.current else str(version),
            str(standing.users.get(version, 0)),
            str(standing.service.get(version, 0)),
        )
        for version in versions
    ]
    show_table(("MASTER KEY", "USERS' KEYS", "SERVICE'S KEYS"), rows, empty="There are no keys.")
    plain = {_WHAT[what]: count for what, count in standing.plain.items() if count}
    if standing.outdated:
        say(f"{standing.outdated} keys to be wrapped anew: userctl keys rotate")
    if plain:
        say(f"In the clear: {', '.join(f'{count} {what}' for what, count in plain.items())}: userctl keys seal")


def _document(standing: KeysStanding) -> dict[str, object]:
    return {
        "current": standing.current,
        "users": {str(version): count for version, count in standing.users.items()},
        "service": {str(version): count for version, count in standing.service.items()},
        "outdated": standing.outdated,
        "plain": {what.value: count for what, count in standing.plain.items()},
    }


@app.command
async def rotate(*, reason: _Why, as_json: AsJson = False) -> None:
    """Wrap every key with the current master key; what is sealed stays as it is.

    Give every copy of the service the new master key first, beside the old ones; once nothing is left that an old one
    wraps, give that up. Running it twice is harmless; after Ctrl-C it goes on where it was.

    ```
    userctl keys rotate --reason "yearly rotation"
    ```

    Args:
        reason: why.
        as_json: write {"rewrapped": ...}.
    """
    async with open_session() as session:
        with counted("keys") as show:
            done = await session.core.rotate_keys(reason, session.context, show)
    if as_json:
        show_json({"rewrapped": done})
    else:
        say(f"{done} keys wrapped anew.")


@app.command
async def seal(*, reason: _Why, as_json: AsJson = False) -> None:
    """Seal history, published events and messages set aside that were written before there were keys.

    Running it twice is harmless, also beside running copies; after Ctrl-C it begins with what is left.

    ```
    userctl keys seal --reason "after the upgrade"
    ```

    Args:
        reason: why.
        as_json: write how many rows of each sort were sealed.
    """
    async with open_session() as session:
        with counted("rows") as show:
            done = await session.core.seal_plain(reason, session.context, lambda _, count: show(count))
    if as_json:
        show_json({what.value: count for what, count in done.items()})
    else:
        say(f"{sum(done.values())} rows sealed.")
