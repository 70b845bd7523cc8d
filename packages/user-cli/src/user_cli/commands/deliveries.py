"""`userctl deliveries`: what the services around us have been told, and what not."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

from attrs import frozen
from cyclopts import Parameter

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.failures import UsageError
from user_cli.output import show_json, show_json_items, show_json_page
from user_cli.session import open_session
from user_cli.settling import settle
from user_cli.views_deliveries import delivery_object, show_deliveries, show_delivery
from usercore.delivery.overseeing import ListDeliveries
from usercore.delivery.values import DeliveryFilter, DeliveryLine, DeliveryState, Recipient
from usercore.kernel.ids import UserId
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX

app = command_group("deliveries", "What the services around this one were told: look, retry, discard.")

State = Annotated[
    DeliveryState | None,
    Parameter(show_choices=False, help="WAITING, DELIVERED, FAILED or DISCARDED; each of them if left out."),
]
To = Annotated[
    Recipient | None,
    Parameter(name="--recipient", show_choices=False, help="AUTHENTICATION, NOTIFICATION or AUDIT."),
]
Reason = Annotated[str, Parameter(help="Why, in at most 500 characters; it is kept with the delivery.")]
_EMPTY: Final = "No delivery was given up."


@Parameter(name="*")
@frozen
class Choice:
    """Which deliveries, in place of their ids; conditions combine.

    Args:
        every: all deliveries that were given up.
        to: with --all, only those to this service: AUTHENTICATION, NOTIFICATION or AUDIT.
        user: with --all, only those about the user of this id.
    """

    every: Annotated[bool, Parameter(name="--all")] = False
    to: Annotated[Recipient | None, Parameter(name="--recipient", show_choices=False)] = None
    user: str | None = None


@app.command(name="list")
async def list_(
    *,
    state: State = None,
    to: To = None,
    user: str | None = None,
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """List deliveries in the order of what caused them.

    ```
    userctl deliveries list --state FAILED
    userctl deliveries list --recipient AUTHENTICATION --state WAITING --all --json
    ```

    Args:
        state: what became of them.
        to: whom they are for.
        user: the id of the user whom they are about.
        limit: deliveries on a page.
        cursor: go on where the page before ended.
        everything: list every page.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    wanted = DeliveryFilter(state, to, None if user is None else UserId(user))
    async with open_session() as session:
        deliveries = session.core.list_deliveries
        if everything and as_json:
            await show_json_items(delivery_object(line) async for line in _every(deliveries, wanted))
        elif everything:
            show_deliveries([line async for line in _every(deliveries, wanted)], None)
        else:
            page = await deliveries(wanted, after=cursor, limit=limit)
            if as_json:
                show_json_page(map(delivery_object, page.items), page.next_cursor)
            else:
                show_deliveries(page.items, page.next_cursor)


@app.command
async def show(delivery_id: str, /, *, as_json: AsJson = False) -> None:
    """Show what is known of one delivery: all but what it says, which is personal data.

    ```
    userctl deliveries show 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11:AUDIT
    ```

    Args:
        delivery_id: the event's id and the recipient.
        as_json: write the delivery as JSON.
    """
    async with open_session() as session:
        line = await session.core.get_delivery(delivery_id)
    if as_json:
        show_json(delivery_object(line))
    else:
        show_delivery(line)


@app.command
async def retry(*delivery_ids: str, choice: Choice = Choice(), as_json: AsJson = False) -> None:
    """Tell deliveries that were given up after all, or ones that wait at once. A service hears each key once.

    A running service tells them; so does `userctl deliver`.

    ```
    userctl deliveries retry 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11:AUTHENTICATION
    userctl deliveries retry --all --recipient NOTIFICATION
    ```

    Args:
        delivery_ids: the deliveries' ids.
        choice: which deliveries.
        as_json: write {"items": [{"id": ..., "result": ...}], "nextCursor": null}.
    """
    _check(delivery_ids, choice)
    async with open_session() as session:
        keys = delivery_ids or await _chosen(session.core.list_deliveries, choice)
        await settle(session.core.retry_delivery, keys, empty=_EMPTY, as_json=as_json)


@app.command
async def discard(
    *delivery_ids: str,
    reason: Reason,
    choice: Choice = Choice(),
    as_json: AsJson = False,
) -> None:
    """Empty deliveries and never tell them. Their recipient does not hear of what they say: reconcile it otherwise.

    ```
    userctl deliveries discard 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11:NOTIFICATION --reason "mail was sent by hand"
    userctl deliveries discard --all --recipient AUDIT --reason "ticket 17"
    ```

    Args:
        delivery_ids: the deliveries' ids.
        reason: why.
        choice: which deliveries.
        as_json: write {"items": [{"id": ..., "result": ...}], "nextCursor": null}.
    """
    _check(delivery_ids, choice)
    async with open_session() as session:
        keys = delivery_ids or await _chosen(session.core.list_deliveries, choice)
        act = session.core.discard_delivery
        await settle(lambda one: act(one, reason, session.context), keys, empty=_EMPTY, as_json=as_json)


def _check(delivery_ids: Sequence[str], choice: Choice) -> None:
    if bool(delivery_ids) == choice.every:
        raise UsageError("name deliveries by their ids, or say --all")
    if delivery_ids and (choice.to or choice.user):
        raise UsageError("--recipient and --user go with --all")


async def _chosen(deliveries: ListDeliveries, choice: Choice) -> Sequence[str]:
    user = None if choice.user is None else UserId(choice.user)
    wanted = DeliveryFilter(DeliveryState.FAILED, choice.to, user)
    return [line.key async for line in _every(deliveries, wanted)]


async def _every(deliveries: ListDeliveries, wanted: DeliveryFilter) -> AsyncIterator[DeliveryLine]:
    after: str | None = None
    while True:
        page = await deliveries(wanted, after=after, limit=PAGE_MAX)
        for line in page.items:
            yield line
        after = page.next_cursor
        if after is None:
            return
