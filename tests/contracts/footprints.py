"""Everything that the ports show of some users: what a refused change must leave as it was."""

from collections.abc import Sequence

from usercore.delivery.ports import OutboxMessage
from usercore.kernel.ids import UserId
from usercore.users.ports import Change
from usercore.wiring.core import Ports


async def footprint(ports: Ports, ids: Sequence[UserId]) -> object:
    """Take in what all ports together show of these users, and of all users' outbox and deliveries."""
    return (
        dict(await ports.users.get_many(ids)),
        dict(await ports.profiles.documents(ids)),
        [list(await ports.history.entries(one, below_version=None, limit=100)) for one in ids],
        await outbox(ports),
        await ports.outbox.pending(),
        await ports.deliveries.waiting(),
        await ports.preferences.get_many(ids),
    )


async def outbox(ports: Ports) -> list[OutboxMessage]:
    """Read the whole outbox, page by page; positions rise."""
    messages: list[OutboxMessage] = []
    last = 0
    while page := await ports.outbox.messages(after=last, limit=50):
        positions = [one.position for one in page]
        assert positions == sorted(set(positions))
        assert positions[0] > last
        messages += page
        last = positions[-1]
    return messages


async def must_commit(ports: Ports, *changes: Change) -> None:
    """Commit changes that nothing stands against."""
    assert list(await ports.writer.commit(changes)) == [None] * len(changes)
