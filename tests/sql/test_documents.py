"""What PostgreSQL renders and keeps is, byte for byte, what the codec renders."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.builders import IDS, a_context, creation
from tests.databases import fresh_database
from tests.keys import MASTER_KEYS
from usercore.adapters.sql import SqlPorts, open_database, sql_ports
from usercore.codec.events import event_payload
from usercore.codec.profile import render_profile
from usercore.delivery.ports import OutboxMessage
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings
from usercore.users.model import User
from usercore.users.ports import Change


class Store:
    """Ports on an event loop of their own, so that many examples share one database."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.ports = self.runner.run(self._open(url))

    async def _open(self, url: str) -> SqlPorts:
        return sql_ports(
            await self.stack.enter_async_context(open_database(DatabaseSettings(url=Secret(url)))), MASTER_KEYS
        )

    def commit(self, *changes: Change) -> None:
        assert list(self.runner.run(self.ports.writer.commit(changes))) == [None] * len(changes)

    def close(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module")
def store(postgres_url: str, _migrated_template: str) -> Iterator[Store]:
    with fresh_database(postgres_url, _migrated_template) as url:
        opened = Store(url)
        yield opened
        opened.close()


def born_as(user: User) -> Change:
    """Give a creation that writes this very user."""
    step = User.create(user.id, user.profile, now=user.created_at, actor=user.status.actor)
    return Change(user, IDS.event_id(), step.event, step.changes, a_context())


_MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_MANY
@given(user=strategies.users())
def test_the_database_renders_the_bytes_that_the_codec_renders(store: Store, user: User) -> None:
    store.commit(born_as(user))

    documents = store.runner.run(store.ports.profiles.documents([user.id]))

    assert documents[user.id].body == render_profile(user)
    assert (documents[user.id].version, documents[user.id].state) == (user.version, user.status.state)


@_MANY
@given(user=strategies.users())
def test_a_user_comes_back_as_written(store: Store, user: User) -> None:
    store.commit(born_as(user))

    assert store.runner.run(store.ports.users.get_many([user.id])) == {user.id: user}


@_MANY
@given(user=strategies.users())
def test_history_and_payload_come_back_as_written(store: Store, user: User) -> None:
    change = born_as(user)
    store.commit(change)

    [entry] = store.runner.run(store.ports.history.entries(user.id, below_version=None, limit=2))
    *_, message = store.runner.run(_outbox(store.ports))

    assert entry.changes == change.changes
    assert message.payload == event_payload(change.event)
    assert (message.user_id, message.event_id, message.sequence) == (user.id, change.event_id, 1)


async def _outbox(ports: SqlPorts) -> list[OutboxMessage]:
    total = await ports.outbox.pending()
    return list(await ports.outbox.messages(after=0, limit=total))


@settings(_MANY, max_examples=25)
@given(batch=st.lists(strategies.users(), min_size=2, max_size=5))
def test_users_written_together_do_not_mix(store: Store, batch: list[User]) -> None:
    store.commit(*map(born_as, batch))

    documents = store.runner.run(store.ports.profiles.documents([user.id for user in batch]))

    assert {user_id: one.body for user_id, one in documents.items()} == {one.id: render_profile(one) for one in batch}


@pytest.mark.parametrize(
    "strange",
    ["", "u1", "' OR true --", "0" * 36, "\x00", "{}", "a,b", "\ud800", "0" * 10_000],
    ids=["empty", "short", "injection", "digits", "nul", "array", "comma", "surrogate", "long"],
)
async def test_an_id_that_is_none_of_ours_does_not_exist(ports: SqlPorts, strange: str) -> None:
    change = creation()
    await ports.writer.commit([change])
    ids = [UserId(strange), change.user.id, UserId(change.user.id.upper()), UserId(f"{{{change.user.id}}}")]

    assert set(await ports.profiles.documents(ids)) == {change.user.id}
    assert set(await ports.users.get_many(ids)) == {change.user.id}
    assert await ports.history.entries(ids[0], below_version=None, limit=5) == []
    assert await ports.preferences.get_many(ids) == {one: {} for one in ids}
