"""The memory and the SQL implementation do the same, whatever is asked of them and in whatever order."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import asdict, define, evolve, field, fields
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.builders import NOW, OPERATOR, MadeUpProofs, SetClock
from tests.facts import any_facts
from tests.keys import MASTER_KEYS
from tests.strategies import NASTY
from usercore.activity.read_activity import Activity
from usercore.activity.values import FactKind
from usercore.adapters.attributes import JsonSchemaValidator
from usercore.adapters.memory.trust import MemoryKeyedHasher
from usercore.adapters.sql import Database, open_database, sql_ports
from usercore.adapters.sql.tables import metadata
from usercore.delivery.ports import OutboxMessage
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.receipts import IdempotencyKey
from usercore.kernel.secret import Secret
from usercore.merging.merge_users import MergeUsersCommand
from usercore.merging.planning import TAKEABLE
from usercore.merging.undo_merge import UndoMergeCommand
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.settings import DatabaseSettings
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.model import User
from usercore.users.queries import Sort, UserQuery, read_cursor
from usercore.users.reactivate_user import ReactivateUserCommand
from usercore.users.read_users import UserNamed
from usercore.users.search import query_words
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState, VerificationChannel
from usercore.verification.confirm_verification import ConfirmByLinkCommand, ConfirmVerificationCommand
from usercore.verification.record_verification import RecordVerificationCommand
from usercore.verification.start_verification import StartVerificationCommand
from usercore.verification.values import Verification
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core

EMAILS = ("ada@example.com", "ADA@example.com", *(f"user{n}@example.com" for n in range(12)))
USERNAMES = ("ada", "Ada", "grace", "zoë", *(f"name{n}" for n in range(8)))
EXTERNAL_IDS = ("CRM-1", *(f"crm-{n}" for n in range(8)))
NAMES = ("Ada", "Ada Grace", "Grace Brewster", "Zoë", *NASTY[:6])
TOPICS = ("news", "offers", "contract")
EMAIL, PHONE, IDENTITY = VerificationChannel


@define
class NumberedIds:
    """Makes the same ids in the same order each time."""

    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1))

    def user_id(self) -> UserId:
        return UserId(self._next())

    def event_id(self) -> EventId:
        return EventId(self._next())

    def _next(self) -> str:
        return str(UUID(int=0x0197_0000_0000_7000_8000_0000_0000_0000 + next(self._numbers)))


class Pair:
    """Both implementations, with the same clock and the same ids, and what each answers to the same call."""

    def __init__(self, database: Database, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.clock = SetClock()
        keyed = MemoryKeyedHasher()
        common: dict[str, Any] = {"clock": self.clock, "validator": JsonSchemaValidator(), "keyed": keyed}
        kept: dict[str, Any] = asdict(sql_ports(database, MASTER_KEYS), recurse=False)
        self.proofs = MadeUpProofs()
        self.memory = memory_core(ids=NumberedIds(), proofs=MadeUpProofs(), **common)
        self.sql = memory_core(ids=NumberedIds(), proofs=self.proofs, **(common | kept | {"keyed": keyed}))

    def both(self, call: Callable[[Core], Awaitable[Any]]) -> Any:
        """Make one call on both, see that they answer alike, and give the answer."""
        answers = [self.runner.run(_answer(call(core))) for core in (self.memory, self.sql)]
        assert answers[1] == answers[0]
        return answers[0]


async def _answer(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except UserCoreError as error:
        members = [one.name for one in fields(type(error))]
        return type(error), [getattr(error, name) for name in members]


def patches(*, whole: bool) -> st.SearchStrategy[ProfilePatch]:
    """Draw what a caller may send; names come from few, so that users collide."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "username": st.none() | st.sampled_from(USERNAMES),
        "phone_number": st.sampled_from((None, "+4930123456", "4930123456", "+491", "no number")),
        "address": st.none() | st.builds(AddressPatch, city=st.none() | st.sampled_from(NAMES)),
        "locale": st.none() | st.sampled_from(("de-ch", "en")),
        "time_zone": st.none() | st.just("Europe/Berlin"),
        "attributes": st.none() | st.dictionaries(st.sampled_from("ab"), st.integers(0, 3) | st.just("é"), max_size=2),
        "external_id": st.none() | st.sampled_from(EXTERNAL_IDS),
    }
    needed: dict[str, st.SearchStrategy[Any]] = {
        "email": st.sampled_from(EMAILS),
        "first_name": st.sampled_from(NAMES),
        "last_name": st.sampled_from((*NAMES, *NAMES, "", "\x00")),
    }
    if not whole:
        optional, needed = {**optional, **needed}, {}
    few = st.lists(st.sampled_from(sorted(optional)), max_size=2, unique=True)
    return few.flatmap(lambda names: _patch({**needed, **{name: optional[name] for name in names}}))


def _patch(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[ProfilePatch]:
    drawn: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(members)
    return drawn.map(lambda given: ProfilePatch(**given))


PLAIN = CommandContext(OPERATOR, "conversation-1", "request-1")
contexts = st.sampled_from(
    (
        PLAIN,
        CommandContext(Actor(ActorKind.USER, "me"), "conversation-2", traceparent="00-1-2-01"),
        CommandContext(Actor(ActorKind.SERVICE, 'sh"op\\ é'), "conversation-3"),
    )
)
versions = st.sampled_from((None, None, None, 1, 2, 3))


class BothImplementations(RuleBasedStateMachine):
    """Drives both with one clock; every rule compares the answers, every step compares what is stored."""

    users = Bundle("users")
    cursors = Bundle("cursors")

    def __init__(self, database: Database, runner: asyncio.Runner) -> None:
        super().__init__()
        self.pair = Pair(database, runner)
        self.ids: list[UserId] = []
        self.pending: tuple[tuple[Verification, int], ...] = ()

    @initialize(target=users)
    def people_and_topics(self) -> Any:
        """Begin with enough for users to collide and for lists to have pages."""
        self.register_schema(2, PLAIN)
        for name in TOPICS:
            self.register_topic(name, mandatory=name == "contract", default=name == "news")
        return multiple(
            *(
                self.create(ProfilePatch(email=email, first_name=first, last_name="Grace", external_id=external), PLAIN)
                for email, first, external in zip(EMAILS[1:8], NAMES[:7], (None, *EXTERNAL_IDS), strict=False)
            )
        )

    def _know(self, answer: Any) -> Any:
        if not isinstance(answer, User):
            return multiple()
        self.ids = list(dict.fromkeys([*self.ids, answer.id]))
        return answer.id

    @rule(target=users, patch=patches(whole=True), context=contexts)
    def create(self, patch: ProfilePatch, context: CommandContext) -> Any:
        return self._know(self.pair.both(lambda core: core.create_user(CreateUserCommand(patch), context)))

    @rule(
        target=users,
        patch=patches(whole=True),
        context=contexts,
        key=st.sampled_from("kl"),
        fingerprint=st.sampled_from((b"f", b"f", b"g")),
    )
    def create_once(self, patch: ProfilePatch, context: CommandContext, key: str, fingerprint: bytes) -> Any:
        named = IdempotencyKey("caller:create", key, fingerprint)
        return self._know(
            self.pair.both(
                lambda core: core.once(
                    named,
                    context,
                    lambda claimed: core.create_user(CreateUserCommand(patch), claimed),
                    lambda settled: core.read_past.at_version(settled.user_id, settled.version),
                )
            )
        )

    @rule(user=users, patch=patches(whole=False), expected=versions, context=contexts)
    def update(self, user: UserId, patch: ProfilePatch, expected: int | None, context: CommandContext) -> None:
        self.pair.both(lambda core: core.update_user(UpdateUserCommand(user, patch, expected), context))

    @rule(user=users, patch=patches(whole=False), key=st.sampled_from("kl"), context=contexts)
    def update_once(self, user: UserId, patch: ProfilePatch, key: str, context: CommandContext) -> None:
        named = IdempotencyKey("caller:update", key, user.encode())
        self.pair.both(
            lambda core: core.once(
                named,
                context,
                lambda claimed: core.update_user(UpdateUserCommand(user, patch), claimed),
                lambda settled: core.read_past.at_version(settled.user_id, settled.version),
            )
        )

    @rule(
        user=users,
        reason=st.none() | st.sampled_from(("INACTIVITY", "gone \u202e away", "")),
        hours=st.none() | st.integers(-1, 3),
        expected=versions,
        context=contexts,
    )
    def deactivate(
        self, user: UserId, reason: str | None, hours: int | None, expected: int | None, context: CommandContext
    ) -> None:
        until = None if hours is None else self.pair.clock.now() + timedelta(hours=hours)
        command = DeactivateUserCommand(user, reason, until=until, expected_version=expected)
        self.pair.both(lambda core: core.deactivate_user(command, context))

    @rule(user=users, expected=versions, context=contexts)
    def reactivate(self, user: UserId, expected: int | None, context: CommandContext) -> None:
        command = ReactivateUserCommand(user, "back", expected)
        self.pair.both(lambda core: core.reactivate_user(command, context))

    @rule(hours=st.sampled_from((0, 0, 0, 1, 2, 30)))
    def time_passes(self, hours: int) -> None:
        self.pair.clock.advance(hours=hours, microseconds=1)
        self.pair.both(lambda core: core.reactivate_due())

    @rule(name=st.sampled_from((*TOPICS, "No Topic")), mandatory=st.booleans(), default=st.booleans())
    def register_topic(self, name: str, *, mandatory: bool, default: bool) -> None:
        command = RegisterTopicCommand(name, name.title(), "v1", mandatory=mandatory, subscribed_by_default=default)
        self.pair.both(lambda core: core.register_topic(command))

    @rule(
        user=users,
        choices=st.dictionaries(
            st.sampled_from((*TOPICS, "other")), st.builds(PreferenceChoice, st.booleans()), min_size=1, max_size=3
        ),
        expected=versions,
        context=contexts,
    )
    def prefer(
        self, user: UserId, choices: dict[str, PreferenceChoice], expected: int | None, context: CommandContext
    ) -> None:
        command = UpdateEmailPreferencesCommand(user, choices, expected)
        self.pair.both(lambda core: core.update_email_preferences(command, context))

    @rule(
        survivor=users,
        merged=users,
        take=st.frozensets(st.sampled_from((*TAKEABLE, "attributes.a", "colour")), max_size=3),
        expected=versions,
        context=contexts,
    )
    def merge(
        self, survivor: UserId, merged: UserId, take: frozenset[str], expected: int | None, context: CommandContext
    ) -> None:
        command = MergeUsersCommand(survivor, merged, take, "the same person", expected)
        self.pair.both(lambda core: core.preview_merge(command, context))
        self.pair.both(lambda core: core.merge_users(command, context))
        self.pair.both(lambda core: core.read_merges(merged))

    @rule(user=users, data=st.data(), expected=versions, context=contexts)
    def undo_merge(self, user: UserId, data: st.DataObject, expected: int | None, context: CommandContext) -> None:
        merges = self.pair.both(lambda core: core.read_merges(user))
        if not isinstance(merges, list) or not merges:
            return
        merge = data.draw(st.sampled_from(merges))
        command = UndoMergeCommand(merge.survivor, merge.id, "two people", expected)
        self.pair.both(lambda core: core.preview_undo(command, context))
        self.pair.both(lambda core: core.undo_merge(command, context))

    @rule(user=users, channel=st.sampled_from((EMAIL, EMAIL, PHONE, IDENTITY)), context=contexts)
    def start_verification(self, user: UserId, channel: VerificationChannel, context: CommandContext) -> None:
        command = StartVerificationCommand(user, channel)
        answer = self.pair.both(lambda core: core.start_verification(command, context))
        if isinstance(answer, Verification):
            self.pending = (*self.pending, (answer, self.pair.proofs.made))

    @rule(data=st.data(), guess=st.sampled_from(("code", "code", "token", "link", "wrong")), context=contexts)
    def confirm_verification(self, data: st.DataObject, guess: str, context: CommandContext) -> None:
        if not self.pending:
            return
        pending, made = data.draw(st.sampled_from(self.pending))
        owner = pending.user_id if guess != "wrong" else data.draw(st.sampled_from(self.ids))
        code, token = Secret(f"{made - 1:06}"), Secret(f"{made:043}")
        if guess == "link":
            self.pair.both(lambda core: core.confirm_by_link(ConfirmByLinkCommand(token), context))
        else:
            proof = token if guess == "token" else code
            command = ConfirmVerificationCommand(owner, pending.id, proof, by_link=guess == "token")
            self.pair.both(lambda core: core.confirm_verification(command, context))

    @rule(user=users, channel=st.sampled_from(VerificationChannel), at=st.none() | st.just(NOW), context=contexts)
    def record_verification(
        self, user: UserId, channel: VerificationChannel, at: datetime | None, context: CommandContext
    ) -> None:
        command = RecordVerificationCommand(user, channel, "PostIdent", "case-17", at)
        self.pair.both(lambda core: core.record_verification(command, context))

    @rule(users=st.lists(users, min_size=1, max_size=3), data=st.data(), context=contexts)
    def tell_facts(self, users: list[UserId], data: st.DataObject, context: CommandContext) -> None:
        told = data.draw(st.lists(any_facts(users), max_size=8))
        self.pair.both(lambda core: core.record_facts.many(told, [context] * len(told)))

    @rule(user=users, kinds=st.frozensets(st.sampled_from(FactKind)), limit=st.integers(1, 4))
    def read_activity(self, user: UserId, kinds: frozenset[FactKind], limit: int) -> None:
        first = self.pair.both(lambda core: core.read_activity(user, kinds=kinds, limit=limit))
        cursor = first.page.next_cursor if isinstance(first, Activity) else "none"
        self.pair.both(lambda core: core.read_activity(user, kinds=kinds, cursor=cursor, limit=limit))

    @rule(most=st.integers(0, 3), context=contexts)
    def register_schema(self, most: int, context: CommandContext) -> None:
        command = RegisterAttributeSchemaCommand({"type": "object", "maxProperties": most, "title": "é\u2028"})
        self.pair.both(lambda core: core.register_attribute_schema(command, context))
        self.pair.both(lambda core: core.list_attribute_schemas())

    @rule()
    def deliver(self) -> None:
        self.pair.both(lambda core: core.deliver_pending())

    @rule()
    def purge(self) -> None:
        self.pair.both(lambda core: core.ports.ledger.purge(core.ports.clock.now()))

    @rule(
        target=cursors,
        sort=st.sampled_from(Sort),
        states=st.frozensets(st.sampled_from(AccountState), max_size=3),
        words=st.none() | st.sampled_from(("a", "ad gra", "gra ada", "ZOË", "zoe", "example user")),
        email=st.sampled_from((*[None] * 8, "ada@example.com", "user1@example.com", "\x00")),
        since=st.none() | st.integers(0, 40),
        limit=st.integers(1, 4),
    )
    def list_users(
        self,
        sort: Sort,
        states: frozenset[AccountState],
        words: str | None,
        email: str | None,
        since: int | None,
        limit: int,
    ) -> Any:
        after = None if since is None else self.pair.clock.now() - timedelta(hours=since)
        query = UserQuery(
            email=email,
            states=states,
            updated_after=after,
            words=query_words(words) if words else (),
            sort=sort,
            limit=limit,
        )
        return self._page(query)

    @rule(target=cursors, query=consumes(cursors))
    def go_on(self, query: UserQuery) -> Any:
        return self._page(query)

    def _page(self, query: UserQuery) -> Any:
        page = self.pair.both(lambda core: core.list_users(query))
        if page.next_cursor is None:
            return multiple()
        return evolve(query, after=read_cursor(query.sort, page.next_cursor))

    @rule(user=users, version=st.integers(0, 6), hours=st.integers(0, 40))
    def look_back(self, user: UserId, version: int, hours: int) -> None:
        at = self.pair.clock.now() - timedelta(hours=hours)
        self.pair.both(lambda core: core.read_past.at_version(user, version))
        self.pair.both(lambda core: core.read_past.at(user, at))
        self.pair.both(lambda core: core.get_email_preferences.at_version(user, version))

    @rule(
        email=st.sampled_from(EMAILS),
        username=st.sampled_from((*USERNAMES, *EMAILS, "\x00", "\ud800")),
        external_id=st.sampled_from((*EXTERNAL_IDS, "\x00")),
    )
    def find(self, email: str, username: str, external_id: str) -> None:
        self.pair.both(lambda core: core.get_user(UserNamed(email=email)))
        self.pair.both(lambda core: core.get_user(UserNamed(username=username)))
        self.pair.both(lambda core: core.get_user(UserNamed(external_id=external_id)))

    @invariant()
    def all_is_stored_alike(self) -> None:
        self.pair.both(lambda core: _stored(core, self.ids, [one for one, _ in self.pending]))


async def _stored(core: Core, ids: Sequence[UserId], begun: Sequence[Verification]) -> list[Any]:
    return [
        dict(await core.ports.users.get_many(ids)),
        dict(await core.ports.profiles.documents(ids)),
        await core.ports.preferences.get_many(ids),
        await core.ports.deliveries.waiting(),
        await _published(core),
        [await core.read_history(user, limit=5) for user in ids],
        [sorted(await core.ports.users.merged_into(user)) for user in ids],
        await core.ports.activity_reader.tallies(ids),
        [await core.ports.verification_reader.get(one.user_id, one.id) for one in begun],
    ]


async def _published(core: Core) -> list[OutboxMessage]:
    """Give the outbox without its numbers, which may have gaps."""
    return [evolve(message, position=0) for message in await core.ports.outbox.messages(after=0, limit=1000)]


# What may only be added to is kept from being emptied as well.
_UNGUARDED = """
DO $$
DECLARE guarded regclass;
BEGIN
    FOR guarded IN SELECT DISTINCT tgrelid FROM pg_trigger WHERE NOT tgisinternal LOOP
        EXECUTE 'ALTER TABLE ' || guarded || ' DISABLE TRIGGER USER';
    END LOOP;
END
$$
"""
_EMPTY = f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY"


def test_memory_and_sql_answer_and_store_alike(migrated_database_url: str) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        limits = DatabaseSettings(url=Secret(migrated_database_url))
        database = runner.run(stack.enter_async_context(open_database(limits)))

        async def empty() -> None:
            async with database._writes.connect() as connection:
                await connection.exec_driver_sql(f"{_UNGUARDED}; {_EMPTY}")

        def machine() -> BothImplementations:
            runner.run(empty())
            return BothImplementations(database, runner)

        try:
            run_state_machine_as_test(
                machine,  # type: ignore[arg-type] # a function that makes one will do
                settings=settings(
                    max_examples=settings().max_examples // 4,
                    stateful_step_count=40,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())
