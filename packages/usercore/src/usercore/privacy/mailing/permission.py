"""Whether a user may be written to on a topic."""

from attrs import frozen

from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.values import EmailPreference, EmailTopic, effective
from usercore.privacy.mailing.links import UnsubscribeLinks
from usercore.privacy.mailing.suppress import CheckSuppression
from usercore.privacy.mailing.values import MailPermission, MailRefusal, Suppression, SuppressionReason
from usercore.users.errors import QueryInvalidError
from usercore.users.history import present
from usercore.users.model import User
from usercore.users.ports import UserReader
from usercore.users.values import AccountState


@frozen
class ReadMailPermission:
    """Says whether a user may be written to. Mail that belongs to the contract always may be."""

    users: UserReader
    topics: TopicRegistry
    preferences: PreferencesReader
    suppression: CheckSuppression
    links: UnsubscribeLinks

    async def __call__(self, user_id: UserId, topic: str) -> MailPermission:
        """Return whether a user may be written to on a topic, and how they end it.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
            QueryInvalidError: no such topic is registered.
        """
        user = await present(self.users, user_id)
        known = next((one for one in await self.topics.all() if one.name == topic), None)
        if known is None:
            # The name is the caller's text, and is not repeated.
            violation = Violation(("topic",), "topic_unknown", "name a topic that the operator registered")
            raise QueryInvalidError(violations=(violation,))
        if known.mandatory:
            return MailPermission(user.id, topic, None, None)
        return MailPermission(user.id, topic, await self._refusal(user, known), await self.links.url(user.id, topic))

    async def _refusal(self, user: User, topic: EmailTopic) -> MailRefusal | None:
        if user.restricted:
            return MailRefusal.RESTRICTED
        if user.status.state is not AccountState.ACTIVE:
            return MailRefusal.NOT_ACTIVE
        said = (await self.preferences.get_many([user.id]))[user.id].get(topic.name)
        if not effective(topic, said).subscribed:
            return MailRefusal.NOT_SUBSCRIBED
        reasons = await self.suppression.known(user.profile.email)
        return MailRefusal.SUPPRESSED if any(_stands(one, user, said) for one in reasons) else None


def _stands(one: Suppression, user: User, said: EmailPreference | None) -> bool:
    """Return whether a reason stands against a topic to which the user may have subscribed since.

    Who unsubscribed from all may subscribe again; so may who was erased and came back, once it is sure that the
    address is theirs.
    """
    if said is None or not said.subscribed or said.at <= one.since:
        return True
    match one.reason:
        case SuppressionReason.UNSUBSCRIBED:
            return False
        case SuppressionReason.ERASED:
            return user.verification.email is None
        case _:
            return True
