"""Take note of what a user says of some topics."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import evolve, field, frozen

from usercore.kernel.changes import FieldChange
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.preferences.errors import PreferencesInvalidError
from usercore.preferences.events import PreferencesRecord, UserEmailPreferencesUpdated
from usercore.preferences.get_email_preferences import FACET, EmailPreferences, combine
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.values import (
    SOURCE_MAX_CHARS,
    WORDING_MAX_CHARS,
    EmailPreference,
    EmailTopic,
    PreferenceChoice,
)
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.stepping import UserStepper
from usercore.users.values import ValueRejectedError, parse_text


@frozen
class UpdateEmailPreferencesCommand:
    """Say something of some topics; the others stay as they are.

    Args:
        user_id: whose preferences.
        choices: by topic name.
        expected_version: refuse if this is not the user's version; None takes any.
    """

    user_id: UserId
    choices: Mapping[str, PreferenceChoice] = field(repr=False)
    expected_version: int | None = None


@frozen
class UpdateEmailPreferences:
    """Changes email preferences; each change is a version of the user."""

    step: UserStepper
    preferences: PreferencesReader
    topics: TopicRegistry
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: UpdateEmailPreferencesCommand, context: CommandContext) -> EmailPreferences:
        """Return what holds after it; a choice that was made already changes nothing.

        Unsubscribing is taken of deactivated users, and of those whose data is restricted, as well.

        Raises:
            UserNotFoundError, UserErasedError, UserDeactivatedError, UserMergedError: no user to change.
            StaleVersionError: `expected_version` is not the current one.
            PreferencesInvalidError: an unknown topic, or a mandatory one is to be left.
        """
        registered = await self.topics.all()
        said: dict[str, EmailPreference] = {}
        # Whoever wants less mail may say so whatever the account's state.
        leaving = not any(choice.subscribed for choice in command.choices.values())
        allowed = evolve(context, for_privacy=True) if leaving else context

        async def act(user: User) -> Change | None:
            as_asked = leaving or context.privacy_request is not None
            after = user.touch(now=self.clock.now(), as_asked=as_asked)
            before = (await self.preferences.get_many([user.id]))[user.id]
            news = _read(command.choices, registered, context, after.updated_at)
            fresh = tuple(new for new in news if _differs(before.get(new.topic), new))
            said.clear()
            said.update(before, **{new.topic: new for new in fresh})
            return self._change(after, before, fresh, context) if fresh else None

        user = await self.step(command.user_id, act, expected=command.expected_version, context=allowed)
        return combine(user.id, user.version, registered, said)

    def _change(
        self,
        after: User,
        before: Mapping[str, EmailPreference],
        fresh: tuple[EmailPreference, ...],
        context: CommandContext,
    ) -> Change:
        return Change(
            user=after,
            event_id=self.ids.event_id(),
            event=UserEmailPreferencesUpdated(after.id, after.updated_at, fresh),
            changes=tuple(FieldChange(FACET + new.topic, before.get(new.topic), new) for new in fresh),
            context=context,
            records=(PreferencesRecord(after.id, fresh),),
        )


def _differs(old: EmailPreference | None, new: EmailPreference) -> bool:
    return old is None or (old.subscribed, old.wording_version) != (new.subscribed, new.wording_version)


def _read(
    choices: Mapping[str, PreferenceChoice],
    registered: Sequence[EmailTopic],
    context: CommandContext,
    now: datetime,
) -> list[EmailPreference]:
    """Check every choice and return what they amount to, naming all that is wrong at once."""
    topics = {topic.name: topic for topic in registered}
    found: list[Violation] = []
    news: list[EmailPreference] = []
    for name, choice in choices.items():
        try:
            news.append(_preference(topics.get(name), choice, context, now))
        except ValueRejectedError as error:
            # A name that nobody registered is the caller's text, and is not repeated.
            path = ("topics", name) if name in topics else ("topics",)
            found.append(Violation(path, error.code, error.detail))
    if found:
        raise PreferencesInvalidError(violations=tuple(found))
    return news


def _preference(
    topic: EmailTopic | None, choice: PreferenceChoice, context: CommandContext, now: datetime
) -> EmailPreference:
    if topic is None:
        raise ValueRejectedError("topic_unknown", "name a topic that the operator registered")
    if topic.mandatory and not choice.subscribed:
        raise ValueRejectedError("topic_mandatory", "this mail belongs to the contract and stays")
    source = choice.source if choice.source is not None else context.actor.kind.lower()
    wording = choice.wording_version
    return EmailPreference(
        topic=topic.name,
        subscribed=choice.subscribed,
        source=parse_text(source, max_chars=SOURCE_MAX_CHARS),
        at=now,
        wording_version=topic.wording_version if wording is None else parse_text(wording, max_chars=WORDING_MAX_CHARS),
    )
