"""What an operator does about deliveries."""

import pytest

from tests.builders import IDS, a_context, creation
from usercore.delivery.errors import DeliveryNotFoundError, DeliverySettledError
from usercore.delivery.values import DeliveryFilter, DeliveryState, Recipient
from usercore.kernel.reasons import ReasonInvalidError
from usercore.users.errors import QueryInvalidError
from usercore.wiring.core import Core


async def a_key(core: Core) -> str:
    change = creation()
    assert list(await core.ports.writer.commit([change])) == [None]
    return f"{change.event_id}:{Recipient.AUDIT}"


async def test_a_discarded_delivery_says_who_decided_it_and_so_does_the_audit_trail(core: Core) -> None:
    key = await a_key(core)
    with pytest.raises(ReasonInvalidError):
        await core.discard_delivery(key, " ", a_context())

    line = await core.discard_delivery(key, " not needed ", a_context())

    assert (line.state, line.settled_by, line.settled_reason) == (DeliveryState.DISCARDED, "OPERATOR:ada", "not needed")
    entries = core.ports.trail.database.audit[line.user_id]  # type: ignore[attr-defined]
    assert entries[-1].entry.action == "DeliveryDiscarded"
    assert entries[-1].entry.causation_id == line.event_id
    await core.deliver_pending()
    assert Recipient.AUDIT not in {call.recipient for call in core.ports.audit.calls}  # type: ignore[attr-defined]


async def test_what_found_its_end_is_neither_retried_nor_discarded(core: Core) -> None:
    key = await a_key(core)
    await core.deliver_pending()
    with pytest.raises(DeliverySettledError):
        await core.retry_delivery(key)
    with pytest.raises(DeliverySettledError):
        await core.discard_delivery(key, "x", a_context())


async def test_what_is_not_there_is_said_not_to_be_there(core: Core) -> None:
    key = f"{IDS.event_id()}:AUDIT"
    with pytest.raises(DeliveryNotFoundError):
        await core.get_delivery(key)
    with pytest.raises(DeliveryNotFoundError):
        await core.retry_delivery(key)
    with pytest.raises(DeliveryNotFoundError):
        await core.discard_delivery(key, "x", a_context())


@pytest.mark.parametrize("limit", [0, 501])
async def test_a_page_has_a_sensible_size(core: Core, limit: int) -> None:
    with pytest.raises(QueryInvalidError):
        await core.list_deliveries(DeliveryFilter(), limit=limit)
