"""Email preferences over registered topics, over memory."""

from typing import Any

import pytest
from attrs import evolve

from tests.builders import NOW, SetClock, a_context
from usercore.codec.preferences import preferences_object
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.preferences.errors import PreferencesInvalidError, TopicInvalidError
from usercore.preferences.get_email_preferences import EmailPreferences
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import EmailPreference, EmailTopic, PreferenceChoice, effective
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import StaleVersionError, UserDeactivatedError, UserNotFoundError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.update_user import UpdateUserCommand
from usercore.wiring.core import Core

YES, NO = PreferenceChoice(subscribed=True), PreferenceChoice(subscribed=False)
USER = Actor(ActorKind.USER, "grace")


@pytest.fixture
async def user(core: Core) -> User:
    """A user, and three topics: news (opt-in), offers (opt-out) and receipts (mandatory)."""
    for topic in (
        RegisterTopicCommand("news", "News", "v1"),
        RegisterTopicCommand("offers", "Offers", "v1", subscribed_by_default=True),
        RegisterTopicCommand("receipts", "Receipts", "v1", mandatory=True),
    ):
        await core.register_topic(topic)
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), a_context())


async def choose(core: Core, user: User, **choices: PreferenceChoice) -> EmailPreferences:
    command = UpdateEmailPreferencesCommand(user.id, choices)
    return await core.update_email_preferences(command, a_context(actor=USER))


def wanted(preferences: EmailPreferences) -> dict[str, bool]:
    return {held.topic.name: held.subscribed for held in preferences.topics}


async def test_who_said_nothing_has_the_defaults_and_what_is_mandatory(core: Core, user: User) -> None:
    preferences = await core.get_email_preferences(user.id)

    assert wanted(preferences) == {"news": False, "offers": True, "receipts": True}
    assert preferences.version == 1
    assert all(held.said is None for held in preferences.topics)


async def test_what_is_said_holds_with_source_time_and_wording(core: Core, user: User, clock: SetClock) -> None:
    clock.advance(seconds=3)
    choice = PreferenceChoice(subscribed=True, source=" sign-up ", wording_version="v0")

    after = await choose(core, user, news=choice, offers=NO)

    assert wanted(after) == {"news": True, "offers": False, "receipts": True}
    assert after.version == 2
    said = {held.topic.name: held.said for held in after.topics}
    assert said["news"] == EmailPreference("news", True, "sign-up", clock.time, "v0")  # noqa: FBT003
    assert said["offers"] == EmailPreference("offers", False, "user", clock.time, "v1")  # noqa: FBT003
    assert await core.get_email_preferences(user.id) == after


async def test_topics_not_mentioned_stay(core: Core, user: User) -> None:
    await choose(core, user, news=YES)

    after = await choose(core, user, offers=NO)

    assert wanted(after) == {"news": True, "offers": False, "receipts": True}


async def test_saying_the_same_again_changes_nothing(core: Core, user: User, clock: SetClock) -> None:
    first = await choose(core, user, news=YES, receipts=YES)
    clock.advance(days=1)

    assert await choose(core, user, news=YES) == first
    assert await core.ports.outbox.pending() == 2


async def test_agreeing_to_a_new_wording_is_news(core: Core, user: User) -> None:
    await choose(core, user, news=YES)
    await core.register_topic(RegisterTopicCommand("news", "News", "v2"))

    after = await choose(core, user, news=YES)

    assert after.version == 3


async def test_only_what_is_new_is_announced(core: Core, user: User) -> None:
    await choose(core, user, news=YES)
    await choose(core, user, news=YES, offers=NO)

    *_, last = (await core.read_history(user.id)).items[:1]
    assert [change.field for change in last.changes] == ["email_preferences.offers"]
    assert last.message == "UserEmailPreferencesUpdated"


async def test_everything_wrong_is_named_at_once_and_nothing_is_kept(core: Core, user: User) -> None:
    with pytest.raises(PreferencesInvalidError) as caught:
        await choose(
            core,
            user,
            news=PreferenceChoice(subscribed=True, source=""),
            offers=PreferenceChoice(subscribed=True, wording_version="x" * 51),
            receipts=NO,
            canary=YES,
        )

    found = {violation.path: violation.code for violation in caught.value.violations}
    assert found == {
        ("topics", "news"): "too_short",
        ("topics", "offers"): "too_long",
        ("topics", "receipts"): "topic_mandatory",
        ("topics",): "topic_unknown",
    }
    assert "canary" not in str(caught.value)
    assert await core.ports.outbox.pending() == 1


async def test_versions_and_states_are_looked_at_as_for_any_change(core: Core, user: User) -> None:
    stale = UpdateEmailPreferencesCommand(user.id, {"news": YES}, expected_version=7)
    with pytest.raises(StaleVersionError):
        await core.update_email_preferences(stale, a_context())
    with pytest.raises(UserNotFoundError):
        await core.get_email_preferences(UserId("nobody"))
    await core.deactivate_user(DeactivateUserCommand(user.id), a_context())
    with pytest.raises(UserDeactivatedError):
        await choose(core, user, news=YES)


async def test_the_past_of_preferences_is_restored(core: Core, user: User, clock: SetClock) -> None:
    seen = [await core.get_email_preferences(user.id)]
    choices: dict[str, PreferenceChoice]
    for choices in ({"news": YES}, {"offers": NO}, {"news": NO, "offers": YES}):
        clock.advance(seconds=1)
        seen.append(await choose(core, user, **choices))
    rename = UpdateUserCommand(user.id, ProfilePatch(first_name="Ada"))
    await core.update_user(rename, a_context())

    for then in seen:
        assert await core.get_email_preferences.at_version(user.id, then.version) == then
    assert wanted(await core.get_email_preferences.at_version(user.id, 5)) == wanted(seen[-1])


async def test_preferences_stay_while_the_profile_changes(core: Core, user: User) -> None:
    await choose(core, user, news=YES)

    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(first_name="Ada")), a_context())

    assert wanted(await core.get_email_preferences(user.id))["news"] is True


async def test_on_the_wire_every_topic_is_shown_with_what_holds_and_what_was_said(core: Core, user: User) -> None:
    shown = preferences_object(await choose(core, user, news=YES))

    topics = shown["topics"]
    assert isinstance(topics, dict)
    assert topics["news"] == {
        "subscribed": True,
        "source": "user",
        "updatedAt": "2026-03-01T12:00:00.123456Z",
        "wordingVersion": "v1",
        "title": "News",
        "description": "",
        "mandatory": False,
        "currentWordingVersion": "v1",
    }
    assert topics["receipts"]["subscribed"] is True
    assert topics["receipts"]["updatedAt"] is None
    assert (shown["userId"], shown["version"]) == (user.id, 2)


TOPIC = EmailTopic("news", "News", "", False, False, "v1", NOW)  # noqa: FBT003
SAID_NO = EmailPreference("news", False, "form", NOW, "v1")  # noqa: FBT003


@pytest.mark.parametrize(
    ("mandatory", "default", "said", "holds"),
    [
        (False, False, None, False),
        (False, True, None, True),
        (False, True, SAID_NO, False),
        (False, False, evolve(SAID_NO, subscribed=True), True),
        (True, False, None, True),
        (True, True, SAID_NO, True),
    ],
)
def test_a_mandatory_topic_holds_always_and_else_what_was_said(
    mandatory: bool, default: bool, said: EmailPreference | None, holds: bool
) -> None:
    topic = evolve(TOPIC, mandatory=mandatory, subscribed_by_default=default)

    assert effective(topic, said).subscribed is holds


@pytest.mark.parametrize("name", ["news", "a", "product-news-2", "x" * 50])
async def test_a_topic_is_named_by_lower_case_words_joined_by_hyphens(core: Core, name: str) -> None:
    topic = await core.register_topic(RegisterTopicCommand(name, " News ", "v1", description=" What is new "))

    assert list(await core.list_topics()) == [topic]
    assert (topic.title, topic.description, topic.registered_at) == ("News", "What is new", NOW)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "News"}, "name"),
        ({"name": "a--b"}, "name"),
        ({"name": "a_b"}, "name"),
        ({"name": "1a"}, "name"),
        ({"name": "ñews"}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": "news\n"}, "name"),
        ({"title": ""}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"description": "x" * 501}, "description"),
        ({"wording_version": " "}, "wording_version"),
    ],
)
async def test_a_topic_that_breaks_a_rule_is_refused(core: Core, fields: dict[str, Any], path: str) -> None:
    right = RegisterTopicCommand("news", "News", "v1")

    with pytest.raises(TopicInvalidError) as caught:
        await core.register_topic(evolve(right, **fields))

    assert [violation.path for violation in caught.value.violations] == [(path,)]
    assert list(await core.list_topics()) == []
