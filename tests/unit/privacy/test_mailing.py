"""Suppression, unsubscription links, and who may be written to, over a core in memory."""

import base64
import string
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import IDS, NOW, SetClock, a_context
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.memory.trust import MemoryKeyedHasher
from usercore.kernel.ids import UserId
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.privacy.mailing.errors import SuppressionInvalidError, UnsubscribeTokenInvalidError
from usercore.privacy.mailing.suppress import LiftSuppressionCommand, SuppressCommand
from usercore.privacy.mailing.tokens import TOKEN_MAX_CHARS, Ticket, UnsubscribeTokens
from usercore.privacy.mailing.values import MailRefusal, Suppression, SuppressionReason
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import QueryInvalidError, UserNotFoundError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User, Verification
from usercore.users.values import AccountState
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_ports

CONTEXT = a_context()
TOPICS = (
    RegisterTopicCommand("news", "News", "1"),
    RegisterTopicCommand("offers", "Offers", "1", subscribed_by_default=True),
    RegisterTopicCommand("orders", "Orders", "1", mandatory=True, subscribed_by_default=True),
)
KEYED = MemoryKeyedHasher()
TOKENS = UnsubscribeTokens(KEYED)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def core(clock: SetClock) -> Core:
    one = assemble(memory_ports(clock=clock, keyed=KEYED), public_url="https://users.example.com/base")
    for topic in TOPICS:
        await one.register_topic(topic)
    return one


async def a_user(core: Core, email: str = "grace@example.com") -> User:
    return await core.create_user(CreateUserCommand(ProfilePatch(email=email, first_name="G", last_name="H")), CONTEXT)


async def say(core: Core, user: User, **subscribed: bool) -> None:
    choices = {topic: PreferenceChoice(subscribed=wanted) for topic, wanted in subscribed.items()}
    await core.update_email_preferences(UpdateEmailPreferencesCommand(user.id, choices), CONTEXT)


async def refusal(core: Core, user: User, topic: str) -> MailRefusal | None:
    return (await core.read_mail_permission(user.id, topic)).refusal


def database_of(core: Core) -> MemoryDatabase:
    database: MemoryDatabase = core.ports.suppressions.database  # type: ignore[attr-defined]
    return database


# Suppression.


async def test_an_address_is_found_however_it_is_written_and_is_kept_nowhere(core: Core) -> None:
    command = SuppressCommand(" Canary@Example.COM ", SuppressionReason.BOUNCE, "mail-gateway")

    assert await core.suppress(command, CONTEXT) is True
    assert await core.suppress(command, CONTEXT) is False

    standing = [Suppression(SuppressionReason.BOUNCE, NOW, "mail-gateway")]
    assert list(await core.check_suppression("canary@example.com")) == standing
    assert list(await core.check_suppression("another@example.com")) == []
    assert "canary" not in str(database_of(core).suppressions).lower()
    assert "canary" not in repr(command).lower()


async def test_without_a_source_the_caller_is_it(core: Core) -> None:
    await core.suppress(SuppressCommand("a@example.com", SuppressionReason.OPERATOR), CONTEXT)
    [found] = await core.check_suppression("a@example.com")
    assert found.source == "OPERATOR:ada"


async def test_an_address_that_was_lifted_may_be_written_to(core: Core) -> None:
    for reason in SuppressionReason:
        await core.suppress(SuppressCommand("a@example.com", reason), CONTEXT)
    lift = LiftSuppressionCommand("A@example.com", "typed wrongly", SuppressionReason.BOUNCE)

    assert await core.lift_suppression(lift, CONTEXT) == 1
    assert await core.lift_suppression(evolve(lift, reason=None), CONTEXT) == len(SuppressionReason) - 1
    assert list(await core.check_suppression("a@example.com")) == []


async def test_what_is_no_address_is_refused_without_repeating_it(core: Core) -> None:
    for command in (SuppressCommand("canary", SuppressionReason.BOUNCE), SuppressCommand("", SuppressionReason.BOUNCE)):
        with pytest.raises(SuppressionInvalidError) as refused:
            await core.suppress(command, CONTEXT)
        assert "canary" not in str(refused.value)
    with pytest.raises(SuppressionInvalidError):
        await core.check_suppression("canary")
    with pytest.raises(SuppressionInvalidError):
        await core.lift_suppression(LiftSuppressionCommand("a@example.com", " "), CONTEXT)


# Tokens.

TOPIC_NAMES = st.none() | st.from_regex(r"[a-z][a-z0-9]{0,24}(-[a-z0-9]{1,24})?", fullmatch=True)


@given(st.uuids(), TOPIC_NAMES)
async def test_a_token_says_what_was_put_into_it_and_nothing_else(ident: UUID, topic: str | None) -> None:
    ticket = Ticket(UserId(str(ident)), topic)

    token = await TOKENS.write(ticket)

    assert await TOKENS.read(token) == ticket
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum()
    assert len(token) <= TOKEN_MAX_CHARS


@given(st.uuids(), TOPIC_NAMES, st.data())
async def test_a_token_that_was_changed_anywhere_is_none(ident: UUID, topic: str | None, data: st.DataObject) -> None:
    token = await TOKENS.write(Ticket(UserId(str(ident)), topic))
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz0189-_=. \n%/é").filter(lambda one: one != token[at]))

    for changed in (token[:at] + letter + token[at + 1 :], token[:at], token + letter, token[:at] + token[at + 1 :]):
        with pytest.raises(UnsubscribeTokenInvalidError):
            await TOKENS.read(changed)


async def test_the_same_bytes_written_in_another_way_are_no_token() -> None:
    token = await TOKENS.write(Ticket(IDS.user_id(), "news"))
    raw = base64.urlsafe_b64decode(token + "==")
    ways = [token[:-1] + letter for letter in string.ascii_letters + string.digits + "-_"]
    others = [way for way in ways if way != token and base64.urlsafe_b64decode(way + "==") == raw]

    assert len(others) == 15
    for other in others:
        with pytest.raises(UnsubscribeTokenInvalidError):
            await TOKENS.read(other)


async def test_a_token_of_another_key_a_topic_or_a_user_of_ones_own_choice_is_none() -> None:
    user_id = IDS.user_id()
    token = await TOKENS.write(Ticket(user_id, "news"))
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    forged = [
        raw[:33] + b"offers",
        raw[:33],
        raw[:1] + UUID(IDS.user_id()).bytes + raw[17:],
        b"\x02" + raw[1:],
        raw[:33] + b"News",
        raw[:33] + b"\xff",
        raw[:32],
        b"",
    ]
    for one in forged:
        with pytest.raises(UnsubscribeTokenInvalidError):
            await TOKENS.read(base64.urlsafe_b64encode(one).rstrip(b"=").decode())
    with pytest.raises(UnsubscribeTokenInvalidError):
        await UnsubscribeTokens(MemoryKeyedHasher()).read(token)


# One click.


async def test_one_click_leaves_the_topic_once_and_says_where_it_was_said(core: Core) -> None:
    user = await a_user(core)
    await say(core, user, news=True)
    token = await TOKENS.write(Ticket(user.id, "news"))

    for _ in range(2):
        await core.unsubscribe(token, CONTEXT)

    held = {one.topic.name: one for one in (await core.get_email_preferences(user.id)).topics}
    said = held["news"].said
    assert said is not None
    assert (said.subscribed, said.source, held["offers"].said) == (False, "one-click", None)
    step = (await core.read_history(user.id)).items[0]
    assert (step.version, str(step.actor)) == (3, f"USER:{user.id}")
    assert list(await core.check_suppression("grace@example.com")) == []


async def test_one_click_can_leave_all_that_can_be_left_now_and_later(core: Core, clock: SetClock) -> None:
    user = await a_user(core)
    await say(core, user, news=True)
    clock.advance(seconds=1)
    await core.unsubscribe(await TOKENS.write(Ticket(user.id, None)), CONTEXT)
    await core.register_topic(RegisterTopicCommand("later", "Later", "1", subscribed_by_default=True))

    held = {one.topic.name: one.subscribed for one in (await core.get_email_preferences(user.id)).topics}
    assert held == {"news": False, "offers": False, "orders": True, "later": True}
    assert await refusal(core, user, "later") is MailRefusal.SUPPRESSED
    assert [one.reason for one in await core.check_suppression("grace@example.com")] == ["UNSUBSCRIBED"]

    clock.advance(seconds=1)
    await say(core, user, news=True)
    assert await refusal(core, user, "news") is None


@pytest.mark.parametrize("topic", ["orders", "gone"])
async def test_what_cannot_be_left_or_is_no_more_is_no_error(core: Core, topic: str) -> None:
    user = await a_user(core)
    await core.unsubscribe(await TOKENS.write(Ticket(user.id, topic)), CONTEXT)
    assert (await core.get_email_preferences(user.id)).version == 1


async def test_a_user_who_is_deactivated_or_restricted_can_leave(core: Core) -> None:
    deactivated, restricted = await a_user(core, "a@example.com"), await a_user(core, "b@example.com")
    await core.deactivate_user(DeactivateUserCommand(deactivated.id), CONTEXT)
    database_of(core).users[restricted.id] = evolve(restricted, restricted=True)
    for user in (deactivated, restricted):
        await core.unsubscribe(await TOKENS.write(Ticket(user.id, "offers")), CONTEXT)
        said = (await core.ports.preferences.get_many([user.id]))[user.id]
        assert said["offers"].subscribed is False


@pytest.mark.parametrize("topic", ["offers", None])
async def test_of_a_user_who_is_gone_nothing_is_left_to_do(core: Core, topic: str | None) -> None:
    user = await a_user(core)
    status = evolve(user.status, state=AccountState.ERASED)
    database_of(core).users[user.id] = evolve(user, status=status)
    before = len(database_of(core).outbox)
    for user_id in (user.id, IDS.user_id()):
        await core.unsubscribe(await TOKENS.write(Ticket(user_id, topic)), CONTEXT)
    assert len(database_of(core).outbox) == before


async def test_a_link_can_be_looked_at_without_effect(core: Core) -> None:
    user = await a_user(core)
    topic = await core.read_unsubscribe_ticket(await TOKENS.write(Ticket(user.id, "offers")))
    assert topic is not None
    assert topic.title == "Offers"
    assert await core.read_unsubscribe_ticket(await TOKENS.write(Ticket(user.id, None))) is None
    assert (await core.get_email_preferences(user.id)).version == 1


# Permission.


async def test_a_user_is_written_to_if_they_subscribed_and_gets_a_link_to_leave(core: Core) -> None:
    user = await a_user(core)
    assert await refusal(core, user, "news") is MailRefusal.NOT_SUBSCRIBED
    await say(core, user, news=True)

    may = await core.read_mail_permission(user.id, "news")

    assert may.allowed
    start = "https://users.example.com/base/v1/unsubscribe/"
    assert may.unsubscribe_url is not None
    assert may.unsubscribe_url.startswith(start)
    assert await TOKENS.read(may.unsubscribe_url.removeprefix(start)) == Ticket(user.id, "news")


async def test_mail_of_the_contract_needs_no_leave_and_has_no_link(core: Core) -> None:
    user = await a_user(core)
    await core.suppress(SuppressCommand("grace@example.com", SuppressionReason.COMPLAINT), CONTEXT)
    may = await core.read_mail_permission(user.id, "orders")
    assert (may.allowed, may.unsubscribe_url) == (True, None)


@pytest.mark.parametrize("reason", SuppressionReason)
async def test_a_suppressed_address_is_not_written_to(core: Core, reason: SuppressionReason) -> None:
    user = await a_user(core)
    await core.suppress(SuppressCommand("Grace@example.com", reason), CONTEXT)
    assert await refusal(core, user, "offers") is MailRefusal.SUPPRESSED


@pytest.mark.parametrize("reason", [one for one in SuppressionReason if one is not SuppressionReason.UNSUBSCRIBED])
async def test_subscribing_outweighs_no_suppression_but_having_unsubscribed(
    core: Core, clock: SetClock, reason: SuppressionReason
) -> None:
    user = await a_user(core)
    await core.suppress(SuppressCommand("grace@example.com", reason), CONTEXT)
    clock.advance(seconds=1)
    await say(core, user, news=True)
    assert await refusal(core, user, "news") is MailRefusal.SUPPRESSED


async def test_who_was_erased_and_came_back_may_subscribe_once_the_address_is_known_to_be_theirs(
    core: Core, clock: SetClock
) -> None:
    await core.suppress(SuppressCommand("grace@example.com", SuppressionReason.ERASED), CONTEXT)
    clock.advance(seconds=1)
    user = await a_user(core)
    await say(core, user, news=True)
    assert await refusal(core, user, "news") is MailRefusal.SUPPRESSED

    known = database_of(core).users[user.id]
    database_of(core).users[user.id] = evolve(known, verification=Verification(email=clock.now()))

    assert await refusal(core, user, "news") is None
    assert await refusal(core, user, "offers") is MailRefusal.SUPPRESSED


async def test_nobody_who_is_away_or_whose_data_is_restricted_is_written_to(core: Core) -> None:
    user = await a_user(core)
    database_of(core).users[user.id] = evolve(user, restricted=True)
    assert await refusal(core, user, "offers") is MailRefusal.RESTRICTED
    database_of(core).users[user.id] = user
    await core.deactivate_user(DeactivateUserCommand(user.id), CONTEXT)
    assert await refusal(core, user, "offers") is MailRefusal.NOT_ACTIVE


async def test_a_topic_or_a_user_that_is_not_there_is_an_error(core: Core) -> None:
    user = await a_user(core)
    with pytest.raises(QueryInvalidError):
        await core.read_mail_permission(user.id, "canary")
    with pytest.raises(UserNotFoundError):
        await core.read_mail_permission(IDS.user_id(), "news")


async def test_without_a_url_of_ours_there_is_no_link() -> None:
    core = assemble(memory_ports())
    await core.register_topic(TOPICS[1])
    user = await a_user(core)
    may = await core.read_mail_permission(user.id, "offers")
    assert (may.allowed, may.unsubscribe_url) == (True, None)
