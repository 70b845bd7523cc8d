"""New users, judged: what a creation comes to, whose change is made only where somebody needs it whole."""

from datetime import datetime

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret
from usercore.users.model import Profile, User
from usercore.users.ports import Change, Credential


@frozen
class Creation:
    """A new user of whom nobody but the AuthenticationService is told by mail or otherwise.

    Most rows of most imports are of this kind, and a writer can render them without making each value of their change.

    Args:
        user_id: theirs for ever.
        event_id: names the change.
        profile: what the row says.
        now: when: aware, UTC.
        context: who imports, because of what.
        password_hash: as other systems hash passwords, or None.
    """

    user_id: UserId
    event_id: EventId
    profile: Profile
    now: datetime
    context: CommandContext
    password_hash: Secret | None = field(default=None, repr=False)

    @property
    def change(self) -> Change:
        """The change that it is."""
        step = User.create(self.user_id, self.profile, now=self.now, actor=self.context.actor)
        return Change(
            user=step.user,
            event_id=self.event_id,
            event=step.event,
            changes=step.changes,
            context=self.context,
            credential=Credential(self.password_hash, announced=False),
        )


def change_of(step: Change | Creation) -> Change:
    """Return the change of a step of either kind."""
    return step.change if isinstance(step, Creation) else step


def user_of(step: User | Change | Creation) -> User:
    """Return the user after a step, or the user."""
    return step if isinstance(step, User) else change_of(step).user


def profile_of(step: Change | Creation) -> Profile:
    """Return the profile of the user after a step."""
    return step.profile if isinstance(step, Creation) else step.user.profile


def is_new(step: Change | Creation) -> bool:
    """Return whether a step begins a user's life."""
    return isinstance(step, Creation) or step.user.version == 1
