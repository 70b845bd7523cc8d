"""What every Inbox and Rejections promise, and what a receipt in a change means: one effect, however often told."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, SECOND, a_context, a_profile, creation, update
from tests.contracts.footprints import footprint, must_commit, outbox
from usercore.adapters.coalescing import GroupCommitUserWriter
from usercore.codec.rejections import aggregate_of
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.inbox import AlreadyAppliedError, MessageId, Receipt
from usercore.messaging.values import RejectedCommand
from usercore.users.errors import EmailTakenError, StaleVersionError
from usercore.users.intake import ProfilePatch
from usercore.users.ports import Change
from usercore.users.update_user import UpdateUserCommand
from usercore.wiring.core import Ports, assemble

HOUR = timedelta(hours=1)
PROBLEM = {"code": "user_not_found", "status": 404, "detail": "'nobody' 𐐷"}


def a_receipt(**named: str) -> Receipt:
    plain = {"topic": "update-user", "source": "/shop", "id": IDS.event_id()}
    return Receipt(MessageId(**{**plain, **named}), b"\x00\xfffingerprint")


def told_by(receipt: Receipt) -> CommandContext:
    return evolve(a_context(), receipt=receipt)


def created_by(receipt: Receipt, email: str | None = None) -> Change:
    return creation(a_profile(email), context=told_by(receipt))


async def knows(ports: Ports, *receipts: Receipt) -> list[bool]:
    """Tell of each whether it is remembered, exactly as it is."""
    found = await ports.inbox.known([receipt.message for receipt in receipts])
    assert set(found.values()) <= set(receipts)
    return [found.get(receipt.message) == receipt for receipt in receipts]


async def test_what_was_recorded_is_known_and_nothing_else(ports: Ports) -> None:
    one, other = a_receipt(), a_receipt()
    await ports.inbox.record([one], at=NOW)

    assert await knows(ports, one, other) == [True, False]
    assert await ports.inbox.known([]) == {}
    await ports.inbox.record([], at=NOW)


@pytest.mark.parametrize("part", ["topic", "source", "id"])
async def test_messages_that_differ_in_any_part_of_their_name_never_meet(ports: Ports, part: str) -> None:
    receipt = a_receipt()
    named: Any = {part: "o'ther 𐐷"}
    other = evolve(receipt, message=evolve(receipt.message, **named))
    await ports.inbox.record([receipt], at=NOW)

    assert await knows(ports, receipt, other) == [True, False]
    await ports.inbox.record([other], at=NOW)
    assert await knows(ports, receipt, other) == [True, True]


async def test_what_is_remembered_stays_as_it_is(ports: Ports) -> None:
    receipt = a_receipt()
    await ports.inbox.record([receipt], at=NOW)

    await ports.inbox.record([evolve(receipt, fingerprint=b"other"), a_receipt()], at=NOW + HOUR)

    assert await knows(ports, receipt) == [True]
    assert await ports.inbox.purge(NOW + SECOND) == 1


async def test_purging_forgets_what_is_old_alone(ports: Ports) -> None:
    old = [a_receipt() for _ in range(3)]
    young = a_receipt()
    await ports.inbox.record(old, at=NOW)
    await ports.inbox.record([young], at=NOW + HOUR)

    assert await ports.inbox.purge(NOW) == 0
    assert await ports.inbox.purge(NOW + HOUR) == 3
    assert await ports.inbox.purge(NOW + HOUR) == 0
    assert await knows(ports, *old, young) == [False, False, False, True]


async def test_a_receipt_that_many_record_at_once_is_recorded(ports: Ports) -> None:
    for _ in range(5):  # the first time, connections are still being made
        receipts = [a_receipt() for _ in range(200)]
        turns = [receipts if turn % 2 else list(reversed(receipts)) for turn in range(10)]

        await asyncio.wait_for(asyncio.gather(*(ports.inbox.record(turn, at=NOW) for turn in turns)), timeout=30)

        assert await knows(ports, *receipts) == [True] * 200
        assert await ports.inbox.purge(NOW + SECOND) == 200


async def test_a_change_is_remembered_with_the_message_that_asked_for_it(ports: Ports) -> None:
    born, renamed = a_receipt(), a_receipt()
    change = created_by(born)

    await must_commit(ports, change)
    await must_commit(ports, update(change.user, first_name="Ada", context=told_by(renamed)))

    assert await knows(ports, born, renamed) == [True, True]
    # As old as the change: purging goes by the time of the effect.
    assert await ports.inbox.purge(change.user.updated_at) == 0
    assert await ports.inbox.purge(change.user.updated_at + SECOND) == 1


async def test_a_change_without_a_message_leaves_no_receipt(ports: Ports) -> None:
    await must_commit(ports, creation())

    assert await ports.inbox.purge(NOW + HOUR) == 0


def creating(_: Change, receipt: Receipt) -> Change:
    return created_by(receipt)


def updating(known: Change, receipt: Receipt) -> Change:
    return update(known.user, first_name="Ada", context=told_by(receipt))


def taking(known: Change, receipt: Receipt) -> Change:
    return created_by(receipt, known.user.profile.email.address)


@pytest.mark.parametrize("again", [creating, updating, taking])
@pytest.mark.parametrize("fingerprint", [b"\x00\xfffingerprint", b"other"])
async def test_a_message_has_no_second_effect_and_leaves_no_trace_of_the_try(
    ports: Ports, again: Callable[[Change, Receipt], Change], fingerprint: bytes
) -> None:
    receipt = a_receipt()
    known = created_by(receipt)
    await must_commit(ports, known)
    second = again(known, evolve(receipt, fingerprint=fingerprint))
    before = await footprint(ports, [known.user.id, second.user.id])

    [outcome] = await ports.writer.commit([second])

    assert isinstance(outcome, AlreadyAppliedError)
    assert await footprint(ports, [known.user.id, second.user.id]) == before
    assert await knows(ports, receipt) == [True]


@pytest.mark.parametrize("kind", [creating, updating])
async def test_of_a_batch_a_used_receipt_harms_no_other(
    ports: Ports, kind: Callable[[Change, Receipt], Change]
) -> None:
    used = a_receipt()
    known = [creation() for _ in range(20)]
    await must_commit(ports, created_by(used), *known)
    receipts = [a_receipt() for _ in range(20)]
    receipts[7] = used
    batch = [kind(born, receipt) for born, receipt in zip(known, receipts, strict=True)]
    before = await footprint(ports, [batch[7].user.id])

    outcomes = await ports.writer.commit(batch)

    assert [type(one) for one in outcomes] == [
        AlreadyAppliedError if number == 7 else type(None) for number in range(20)
    ]
    assert await knows(ports, *receipts) == [True] * 20
    events = {message.event_id for message in await outbox(ports)}
    assert [change.event_id in events for change in batch] == [number != 7 for number in range(20)]
    after = await footprint(ports, [batch[7].user.id])
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    assert after[:3] == before[:3]


async def test_of_one_batch_a_message_has_its_effect_once(ports: Ports) -> None:
    receipt = a_receipt()
    batch = [created_by(receipt), creation(), created_by(receipt), created_by(a_receipt())]

    outcomes = await ports.writer.commit(batch)

    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyAppliedError", *["NoneType"] * 3]
    assert (outcomes[1], outcomes[3]) == (None, None)
    assert len(await outbox(ports)) == 3


async def test_of_many_deliveries_at_once_one_has_its_effect(ports: Ports) -> None:
    receipt = a_receipt()
    async with GroupCommitUserWriter(ports.writer) as gathered:
        writers = (ports.writer, gathered)
        changes = [created_by(receipt) for _ in range(30)]

        outcomes = await asyncio.wait_for(
            asyncio.gather(*(writers[number % 2].commit([change]) for number, change in enumerate(changes))), timeout=30
        )

    kinds = sorted(type(one).__name__ for [one] in outcomes)
    assert kinds == [*["AlreadyAppliedError"] * 29, "NoneType"]
    [message] = await outbox(ports)
    assert message.event_id == changes[[one for [one] in outcomes].index(None)].event_id


async def test_a_refused_change_leaves_no_receipt(ports: Ports) -> None:
    known = creation()
    await must_commit(ports, known, update(known.user, first_name="Ada"))
    taken, stale = a_receipt(), a_receipt()
    refused = [taking(known, taken), updating(known, stale)]

    alone = [one for change in refused for one in await ports.writer.commit([change])]
    together = await ports.writer.commit([*refused, creation()])

    assert [type(one) for one in alone] == [EmailTakenError, StaleVersionError]
    assert [type(one) for one in together] == [EmailTakenError, StaleVersionError, type(None)]
    assert await knows(ports, taken, stale) == [False, False]


async def test_a_command_that_changes_nothing_is_remembered(ports: Ports) -> None:
    known = creation()
    await must_commit(ports, known)
    receipt = a_receipt()
    command = UpdateUserCommand(known.user.id, ProfilePatch(first_name=known.user.profile.first_name))

    user = await assemble(ports).update_user(command, told_by(receipt))

    assert user == known.user
    assert await knows(ports, receipt) == [True]
    assert len(await outbox(ports)) == 1


def refused(receipt: Receipt, user_id: str | None = None) -> RejectedCommand:
    return RejectedCommand(
        event_id=IDS.event_id(),
        command="UpdateUser",
        receipt=receipt,
        problem=PROBLEM,
        user_id=None if user_id is None else UserId(user_id),
        context=told_by(receipt),
        at=NOW,
    )


async def test_a_rejection_answers_the_command_and_remembers_its_message(ports: Ports) -> None:
    receipt = a_receipt(source="/sh'op 𐐷")
    command = refused(receipt, "u1")

    await ports.rejections.reject([command])

    [message] = await outbox(ports)
    assert (message.event_id, message.message, message.topic) == (
        command.event_id,
        "UserCommandRejected",
        "user-command-rejected",
    )
    assert (message.aggregate, message.user_id, message.sequence) == ("command", aggregate_of(receipt.message), 1)
    assert json.loads(message.payload) == {
        "command": "UpdateUser",
        "commandId": receipt.message.id,
        "problem": PROBLEM,
    }
    assert dict(message.headers)["ce_subject"] == "u1"
    assert message.occurred_at == NOW
    assert await knows(ports, receipt) == [True]


async def test_a_command_is_rejected_once_however_often_it_comes(ports: Ports) -> None:
    first, second = a_receipt(), a_receipt()
    await ports.rejections.reject([refused(first)])

    await ports.rejections.reject([refused(first), refused(second)])
    await ports.rejections.reject([refused(second)])
    await ports.rejections.reject([])

    assert [json.loads(message.payload)["commandId"] for message in await outbox(ports)] == [
        first.message.id,
        second.message.id,
    ]
    assert await ports.outbox.pending() == 2


async def test_a_command_that_was_applied_is_not_rejected_afterwards(ports: Ports) -> None:
    applied, unchanged = a_receipt(), a_receipt()
    await must_commit(ports, created_by(applied))
    await ports.inbox.record([unchanged], at=NOW)

    await ports.rejections.reject([refused(applied), refused(unchanged)])

    assert [message.message for message in await outbox(ports)] == ["UserCreated"]


async def test_a_command_that_was_rejected_is_not_applied_afterwards(ports: Ports) -> None:
    receipt = a_receipt()
    await ports.rejections.reject([refused(receipt)])

    [outcome] = await ports.writer.commit([created_by(receipt)])

    assert isinstance(outcome, AlreadyAppliedError)
    assert [message.message for message in await outbox(ports)] == ["UserCommandRejected"]


async def test_many_that_reject_the_same_commands_at_once_answer_each_once(ports: Ports) -> None:
    receipts = [a_receipt() for _ in range(500)]

    async def reject(turn: int) -> None:
        for start in range(0, 500, 100):  # the first time, connections are still being made
            some = receipts[start : start + 100]
            await ports.rejections.reject([refused(one) for one in (some if turn % 2 else reversed(some))])

    await asyncio.wait_for(asyncio.gather(*map(reject, range(10))), timeout=30)

    answered = [json.loads(message.payload)["commandId"] for message in await outbox(ports)]
    assert sorted(answered) == sorted(receipt.message.id for receipt in receipts)


async def test_a_command_is_either_applied_or_rejected_and_never_both(ports: Ports) -> None:
    receipts = [a_receipt() for _ in range(20)]

    async def apply(receipt: Receipt) -> bool:
        [outcome] = await ports.writer.commit([created_by(receipt)])
        assert outcome is None or isinstance(outcome, AlreadyAppliedError)
        return outcome is None

    async def both(receipt: Receipt) -> bool:
        applied, _ = await asyncio.gather(apply(receipt), ports.rejections.reject([refused(receipt)]))
        return applied

    applied = await asyncio.wait_for(asyncio.gather(*map(both, receipts)), timeout=60)

    found = [message.message for message in await outbox(ports)]
    assert sorted(found) == ["UserCommandRejected"] * applied.count(False) + ["UserCreated"] * applied.count(True)
