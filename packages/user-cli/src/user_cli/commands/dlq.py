"""`userctl dlq`: messages that nobody could use."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Final

from attrs import frozen
from cyclopts import Parameter

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.failures import UsageError
from user_cli.inputs import write_private
from user_cli.output import show_json, show_json_items, show_json_page
from user_cli.session import open_messaging_session, open_session
from user_cli.settling import settle
from user_cli.views_set_aside import letter_object, line_object, show_letter, show_lines
from usercore.messaging.dead_letters import ListDeadLetters
from usercore.messaging.values import DeadLetterFilter, DeadLetterLine, DeadLetterState
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX

app = command_group("dlq", "Messages that nobody could use: look, replay, discard.")

State = Annotated[
    DeadLetterState | None,
    Parameter(show_choices=False, help="WAITING, REPLAYED or DISCARDED; each of them if left out."),
]
Reason = Annotated[str, Parameter(help="Why, in at most 500 characters; it is kept with the letter.")]
_EMPTY: Final = "No letter waits."


@Parameter(name="*")
@frozen
class Choice:
    """Which letters, in place of their ids; conditions combine.

    Args:
        every: all letters that wait.
        topic: with --all, only those that came from this topic.
        code: with --all, only those with this code.
    """

    every: Annotated[bool, Parameter(name="--all")] = False
    topic: str | None = None
    code: str | None = None


@app.command(name="list")
async def list_(
    *,
    state: State = None,
    topic: str | None = None,
    code: str | None = None,
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first.

    ```
    userctl dlq list --state WAITING
    userctl dlq list --topic create-user --code not_json --all --json
    ```

    Args:
        state: what became of them.
        topic: where they came from, without the deployment's prefix.
        code: what is wrong with them.
        limit: letters on a page.
        cursor: go on where the page before ended.
        everything: list every page.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    wanted = DeadLetterFilter(state, topic, code)
    async with open_session() as session:
        letters = session.core.list_dead_letters
        if everything and as_json:
            await show_json_items(line_object(line) async for line in _every(letters, wanted))
        elif everything:
            show_lines([line async for line in _every(letters, wanted)], None)
        else:
            page = await letters(wanted, after=cursor, limit=limit)
            if as_json:
                show_json_page(map(line_object, page.items), page.next_cursor)
            else:
                show_lines(page.items, page.next_cursor)


@app.command
async def show(letter_id: str, /, *, value_to: Path | None = None, as_json: AsJson = False) -> None:
    """Show one dead letter: what is wrong with it, its headers, its key and its value.

    What it shows may be personal data. Bytes that are no UTF-8 are shown in base64, and no more than 64 KiB of a value.

    ```
    userctl dlq show 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    userctl dlq show 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --value-to value.json
    ```

    Args:
        letter_id: the letter's id.
        value_to: a file to write the value to, byte for byte, for its owner alone.
        as_json: write the letter as JSON.
    """
    async with open_session() as session:
        letter = await session.core.get_dead_letter(letter_id)
        await session.core.record_reads.messages(("dead_letter", letter.id), session.context)
    if value_to is not None:
        if letter.message.value is None:
            raise UsageError("the message has no value: leave --value-to out")
        write_private(value_to, letter.message.value)
    if as_json:
        show_json(letter_object(letter))
    else:
        show_letter(letter)


@app.command
async def replay(
    *letter_ids: str,
    reason: Reason,
    choice: Choice = Choice(),
    as_json: AsJson = False,
) -> None:
    """Send dead letters to their topics again, as they were. A letter is replayed once; running it twice is harmless.

    A message that had its effect meanwhile has no second one. Where this is interrupted, run it again.

    ```
    userctl dlq replay 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --reason "schema was fixed"
    userctl dlq replay --all --code parked_too_long --reason "orders were late"
    ```

    Args:
        letter_ids: the letters' ids.
        reason: why.
        choice: which letters.
        as_json: write {"items": [{"id": ..., "result": ...}], "nextCursor": null}.
    """
    _check(letter_ids, choice)
    async with open_messaging_session() as session:
        from usercore.wiring.setaside import replay_dead_letter  # noqa: PLC0415 - takes long to import

        act = replay_dead_letter(session.core.ports, session.messaging.sender)
        ids = letter_ids or await _chosen(session.core.list_dead_letters, choice)
        await settle(lambda one: act(one, reason, session.context), ids, empty=_EMPTY, as_json=as_json)


@app.command
async def discard(
    *letter_ids: str,
    reason: Reason,
    choice: Choice = Choice(),
    as_json: AsJson = False,
) -> None:
    """Mark dead letters as ones about which nothing will be done. They stay where they can be read.

    ```
    userctl dlq discard 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --reason "a test of the shop's"
    userctl dlq discard --all --topic create-user --code not_json --reason "ticket 17"
    ```

    Args:
        letter_ids: the letters' ids.
        reason: why.
        choice: which letters.
        as_json: write {"items": [{"id": ..., "result": ...}], "nextCursor": null}.
    """
    _check(letter_ids, choice)
    async with open_session() as session:
        ids = letter_ids or await _chosen(session.core.list_dead_letters, choice)
        act = session.core.discard_dead_letter
        await settle(lambda one: act(one, reason, session.context), ids, empty=_EMPTY, as_json=as_json)


def _check(letter_ids: Sequence[str], choice: Choice) -> None:
    if bool(letter_ids) == choice.every:
        raise UsageError("name letters by their ids, or say --all")
    if letter_ids and (choice.topic or choice.code):
        raise UsageError("--topic and --code go with --all")


async def _chosen(letters: ListDeadLetters, choice: Choice) -> Sequence[str]:
    """Return those that wait now: a message that dies again on the way is not taken up again."""
    wanted = DeadLetterFilter(DeadLetterState.WAITING, choice.topic, choice.code)
    return [line.id async for line in _every(letters, wanted)]


async def _every(letters: ListDeadLetters, wanted: DeadLetterFilter) -> AsyncIterator[DeadLetterLine]:
    after: str | None = None
    while True:
        page = await letters(wanted, after=after, limit=PAGE_MAX)
        for line in page.items:
            yield line
        after = page.next_cursor
        if after is None:
            return
