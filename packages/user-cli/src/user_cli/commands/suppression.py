"""`userctl suppression`: addresses that must not be written to.

Addresses come from standard input or a file, one a line, and are never shown.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from user_cli.commands.options import AsJson, Source, WithDefault, command_group
from user_cli.failures import InputInvalidError, UsageError
from user_cli.inputs import STDIN, read_bytes
from user_cli.output import show_json, show_table
from user_cli.session import Session, open_session
from usercore.codec.mailing import suppressions_object
from usercore.kernel.errors import InvalidError
from usercore.privacy.mailing.suppress import LiftSuppressionCommand, SuppressCommand
from usercore.privacy.mailing.values import SuppressionReason

T = TypeVar("T")

app = command_group("suppression", "Addresses that must not be written to.")


@app.command
def add(
    source: Source[str] = STDIN,
    /,
    *,
    because: WithDefault[SuppressionReason] = SuppressionReason.OPERATOR,
    said_by: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Put addresses on the list. Doing it twice is doing it once.

    ```
    userctl suppression add - --because BOUNCE --said-by mail-gateway < bounced.txt
    ```

    Args:
        source: a file with an address a line, or - for standard input.
        because: why they must not be written to.
        said_by: who or what says so; you, if left out.
        as_json: write {"added": ..., "known": ...}.
    """

    async def one(session: Session, email: str) -> str:
        command = SuppressCommand(email, because, said_by)
        return "added" if await session.core.suppress(command, session.context) else "known"

    _count(source, ("added", "known"), one, as_json=as_json)


@app.command
def remove(
    source: Source[str] = STDIN,
    /,
    *,
    reason: str,
    because: SuppressionReason | None = None,
    as_json: AsJson = False,
) -> None:
    """Take addresses off the list. Who did, when and why is kept.

    ```
    userctl suppression remove - --because BOUNCE --reason "the mailbox is back" < back.txt
    ```

    Args:
        source: a file with an address a line, or - for standard input.
        reason: why they may be written to again.
        because: lift this reason alone; all, if left out.
        as_json: write {"removed": ..., "unknown": ...}.
    """

    async def one(session: Session, email: str) -> str:
        command = LiftSuppressionCommand(email, reason, because)
        return "removed" if await session.core.lift_suppression(command, session.context) else "unknown"

    _count(source, ("removed", "unknown"), one, as_json=as_json)


@app.command
def check(source: Source[str] = STDIN, /, *, as_json: AsJson = False) -> None:
    """Say for each address whether it must not be written to, and why. The answers are in the order of the lines.

    ```
    echo grace@example.com | userctl suppression check
    ```

    Args:
        source: a file with an address a line, or - for standard input.
        as_json: write {"items": [...], "nextCursor": null}.
    """
    asyncio.run(_check(list(_addresses(source)), as_json=as_json))


async def _check(addresses: list[tuple[int, str]], *, as_json: bool) -> None:
    async with open_session() as session:
        found = [(number, await _of_line(number, session.core.check_suppression(email))) for number, email in addresses]
    if as_json:
        show_json({"items": [{"line": n, **suppressions_object(reasons)} for n, reasons in found], "nextCursor": None})
        return
    show_table(
        ("LINE", "SUPPRESSED", "REASONS"),
        ((n, "yes" if reasons else "no", " ".join(one.reason for one in reasons)) for n, reasons in found),
        empty="No addresses.",
    )


def _count(
    source: str, words: tuple[str, str], act: Callable[[Session, str], Awaitable[str]], *, as_json: bool
) -> None:
    addresses = list(_addresses(source))
    counted = asyncio.run(_each(addresses, act))
    numbers = {word: counted[word] for word in words}
    if as_json:
        show_json(numbers)
    else:
        show_table([word.upper() for word in words], [list(numbers.values())], empty="")


async def _each(addresses: list[tuple[int, str]], act: Callable[[Session, str], Awaitable[str]]) -> Counter[str]:
    async with open_session() as session:
        return Counter([await _of_line(number, act(session, email)) for number, email in addresses])


async def _of_line(number: int, work: Awaitable[T]) -> T:
    """Return what comes of a line, or say which one cannot be used."""
    try:
        return await work
    except InvalidError as error:
        raise InputInvalidError(f"line {number}: {error}") from None


def _addresses(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers."""
    if "@" in source and not Path(source).exists():
        raise UsageError("addresses are never arguments: write them into a file, or to standard input")
    try:
        lines = read_bytes(source).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputInvalidError("the addresses are not in UTF-8") from None
    found = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise InputInvalidError("there is no address: write one a line")
    yield from found
