"""`userctl db`: the tables."""

import os
from collections.abc import Mapping
from typing import Any, Literal

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.output import note, say, show_json, show_table
from usercore.codec.scalars import optional_timestamp
from usercore.settings import DatabaseSettings, load
from usercore.wiring import migrations
from usercore.wiring.migrations import Part, Partition, Phase, SchemaStatus, Told

_MIB = 1024**2

app = command_group("db", "Bring the database's tables up to date, back, or look.")


@app.command
async def upgrade(
    revision: str = "head",
    /,
    *,
    to: WithDefault[Literal["expand", "contract"]] = "expand",
    as_json: AsJson = False,
) -> None:
    """Bring the tables forward, to the newest version unless another is named.

    Copies of the service may go on serving meanwhile. `--to expand` ends before a version that takes away what older
    copies use; `--to contract` takes it away, once no older copy runs any more. See docs/migrations.md.

    ```
    userctl db upgrade
    userctl db upgrade --to contract
    ```

    Args:
        revision: a version, or head for the newest.
        to: how far: expand while older copies may run, contract once none does.
        as_json: write the status as JSON.
    """
    settings, told = load(DatabaseSettings, os.environ), _told(as_json=as_json)
    _show(await migrations.upgrade(settings, revision, contract=to == "contract", told=told), as_json=as_json)


@app.command
async def downgrade(revision: str, /, *, as_json: AsJson = False) -> None:
    """Take the tables back to an earlier version. What later versions added is lost.

    ```
    userctl db downgrade base
    ```

    Args:
        revision: a version, or base for no tables at all.
        as_json: write the status as JSON.
    """
    settings, told = load(DatabaseSettings, os.environ), _told(as_json=as_json)
    _show(await migrations.downgrade(settings, revision, told=told), as_json=as_json)


@app.command
async def status(*, as_json: AsJson = False) -> None:
    """Show every version of the tables: what it means to older copies, and which ones are still to come.

    ```
    userctl db status --json
    ```

    Args:
        as_json: write {"current": ..., "newest": ..., "pending": [...], "versions": [...]}.
    """
    found = await migrations.status(load(DatabaseSettings, os.environ))
    if not as_json:
        rows = [
            (one.revision, one.phase, "" if one.transactional else "beside", _state(found, one.revision), one.about)
            for one in found.versions
        ]
        show_table(("VERSION", "PHASE", "HOW", "STATE", "ABOUT"), rows, empty="No versions.")
    _show(found, as_json=as_json)


@app.command
async def partitions(*, as_json: AsJson = False) -> None:
    """Show the parts of the outbox, of history and of the audit trail: what each takes, and how large it is.

    The outbox is parted by the numbers of its events, the others by time. See docs/retention.md.

    ```
    userctl db partitions
    ```

    Args:
        as_json: write {"items": [{"table": ..., "name": ..., "low": ..., "high": ..., "bytes": ..., "rows": ...}]}.
    """
    settings = load(DatabaseSettings, os.environ)
    found = [_of_outbox(one) for one in await migrations.partitions(settings)]
    found += [_of_trail(one) for one in await migrations.trail_parts(settings)]
    if as_json:
        show_json({"items": found})
        return
    rows = [(one["name"], *_range(one), f"{one['bytes'] / _MIB:.1f} MiB", one["rows"]) for one in found]
    show_table(("PARTITION", "FROM", "BELOW", "SIZE", "ROWS"), rows, empty="There are none: userctl db upgrade")


def _range(one: Mapping[str, Any]) -> tuple[object, object]:
    if one["high"] is None:
        return "what no other", "takes"
    return ("the first" if one["low"] is None else one["low"]), one["high"]


def _of_outbox(one: Partition) -> Mapping[str, Any]:
    return {"table": "outbox", "name": one.name, "low": one.low, "high": one.high, "bytes": one.size, "rows": one.rows}


def _of_trail(one: Part) -> Mapping[str, Any]:
    return {
        "table": one.trail.value,
        "name": one.name,
        "low": optional_timestamp(one.low),
        "high": optional_timestamp(one.high),
        "bytes": one.size,
        "rows": one.rows,
    }


def _told(*, as_json: bool) -> Told:
    """Return what tells people how far it is; programs wait for the end."""
    return (lambda _: None) if as_json else note


def _state(found: SchemaStatus, revision: str) -> str:
    return "pending" if revision in found.pending else "there"


def _show(found: SchemaStatus, *, as_json: bool) -> None:
    if as_json:
        show_json(_document(found))
        return
    phases = {one.revision: one.phase for one in found.versions}
    if not found.pending:
        say(f"Up to date, at {found.current}.")
    elif phases[found.pending[0]] is Phase.CONTRACT and found.current is not None:
        say(
            f"At {found.current}; {found.pending[0]} takes away what older copies use."
            " Once none runs: userctl db upgrade --to contract"
        )
    else:
        say(f"At {found.current or 'no version'}; the newest is {found.newest}: userctl db upgrade")


def _document(found: SchemaStatus) -> object:
    return {
        "current": found.current,
        "newest": found.newest,
        "pending": list(found.pending),
        "versions": [
            {
                "version": one.revision,
                "phase": one.phase.value,
                "transactional": one.transactional,
                "state": _state(found, one.revision),
                "about": one.about,
            }
            for one in found.versions
        ],
    }
