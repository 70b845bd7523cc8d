"""Unsubscribe whoever has the link."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock
from usercore.preferences.ports import TopicRegistry
from usercore.preferences.update_email_preferences import UpdateEmailPreferences, UpdateEmailPreferencesCommand
from usercore.preferences.values import EmailTopic, PreferenceChoice
from usercore.privacy.mailing.ports import SuppressionList
from usercore.privacy.mailing.suppress import Addresses
from usercore.privacy.mailing.tokens import Ticket, UnsubscribeTokens
from usercore.privacy.mailing.values import Suppression, SuppressionReason
from usercore.users.errors import UserErasedError, UserMergedError, UserNotFoundError
from usercore.users.history import heir
from usercore.users.ports import UserReader

SOURCE: Final = "one-click"
"""The source of what is said by an unsubscription link."""


@frozen
class ReadUnsubscribeTicket:
    """Says what a link would do, and does nothing."""

    tokens: UnsubscribeTokens
    topics: TopicRegistry

    async def __call__(self, token: str) -> EmailTopic | None:
        """Return the topic that the link leaves; None for all, or for one that is not registered any more.

        Raises:
            UnsubscribeTokenInvalidError: the token is none of ours.
        """
        ticket = await self.tokens.read(token)
        return next((topic for topic in await self.topics.all() if topic.name == ticket.topic), None)


@frozen
class Unsubscribe:
    """Ends mail of a topic, or of all that can be left. Doing it twice is doing it once.

    Whoever has the mail has the link, and speaks for the user. All of them left, the address is suppressed as well, so
    that no topic of later writes to it by default.
    """

    tokens: UnsubscribeTokens
    topics: TopicRegistry
    update: UpdateEmailPreferences
    users: UserReader
    suppressions: SuppressionList
    addresses: Addresses
    clock: Clock

    async def __call__(self, token: str, context: CommandContext) -> None:
        """Unsubscribe; of a user who is gone nothing is left to do.

        Args:
            token: of the link.
            context: the circumstances; its actor does not matter.

        Raises:
            UnsubscribeTokenInvalidError: the token is none of ours.
            UnavailableError: the database does not answer; nothing may have been done.
        """
        ticket = await self.tokens.read(token)
        own = evolve(context, actor=Actor(ActorKind.USER, ticket.user_id))
        if ticket.topic is None:
            await self._suppress(ticket.user_id)
        choices = {name: PreferenceChoice(subscribed=False, source=SOURCE) for name in await self._left(ticket)}
        if not choices:
            return
        try:
            await self.update(UpdateEmailPreferencesCommand(ticket.user_id, choices), own)
        except UserMergedError as error:
            await self._of_survivor(error.survivor, choices, own)
        except (UserNotFoundError, UserErasedError):
            return

    async def _of_survivor(
        self, user_id: UserId | None, choices: Mapping[str, PreferenceChoice], context: CommandContext
    ) -> None:
        """Unsubscribe whoever is written to in place of the user of the link, whose account was merged."""
        if user_id is None:
            return
        try:
            await self.update(UpdateEmailPreferencesCommand(user_id, choices), context)
        except (UserNotFoundError, UserErasedError, UserMergedError):
            return

    async def _left(self, ticket: Ticket) -> list[str]:
        """Return the topics that are left. One that belongs to the contract, or is no more, cannot be."""
        return [
            topic.name
            for topic in await self.topics.all()
            if not topic.mandatory and ticket.topic in {None, topic.name}
        ]

    async def _suppress(self, user_id: UserId) -> None:
        user = (await self.users.get_many([user_id])).get(user_id)
        if user is None:
            return
        survivor = await heir(self.users, user)
        suppression = Suppression(SuppressionReason.UNSUBSCRIBED, self.clock.now(), SOURCE)
        # Where the account was merged, its address and the one that is written to now.
        for email in {user.profile.email, survivor.profile.email}:
            await self.suppressions.add(await self.addresses.hash_of_known(email), suppression)
