"""Users and changes for tests, each with an email nobody else has."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from attrs import define, evolve

from usercore.adapters.memory.system import Uuid7Ids
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import Claim
from usercore.kernel.secret import Secret
from usercore.users.model import AccountStatus, Profile, Transition, User
from usercore.users.ports import Change, Credential
from usercore.users.values import AccountState, DeactivationReason, EmailAddress, fold_ascii

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OPERATOR = Actor(ActorKind.OPERATOR, "ada")
IDS = Uuid7Ids()


@define
class SetClock:
    """A clock that the test moves."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@define
class MadeUpProofs:
    """Codes and tokens that a test can tell beforehand: the first is made of 1, the second of 2."""

    made: int = 0

    def code(self) -> Secret:
        self.made += 1
        return Secret(f"{self.made:06}")

    def token(self) -> Secret:
        self.made += 1
        return Secret(f"{self.made:043}")


def a_context(claim: Claim | None = None, actor: Actor = OPERATOR) -> CommandContext:
    """Give the circumstances of a command."""
    return CommandContext(actor, correlation_id="conversation-1", causation_id="request-1", claim=claim)


def an_email(address: str | None = None) -> EmailAddress:
    """Give a plain address; one that nobody else has where none is named."""
    given = address or f"{uuid4().hex}@example.com"
    return EmailAddress(given, fold_ascii(given))


def a_profile(email: str | None = None, **fields: Any) -> Profile:
    """Give a profile whose username is its email."""
    address = an_email(email)
    plain: dict[str, Any] = {"username": address.address, "first_name": "Grace", "last_name": "Hopper"}
    return Profile(email=address, **{**plain, **fields})


def creation(
    profile: Profile | None = None,
    *,
    user_id: UserId | None = None,
    now: datetime = NOW,
    context: CommandContext | None = None,
    password_hash: str | None = None,
) -> Change:
    """Give the change that creates a user."""
    step = User.create(user_id or IDS.user_id(), profile or a_profile(), now=now, actor=OPERATOR)
    credential = Credential(None if password_hash is None else Secret(password_hash))
    return evolve(change_of(step, context), credential=credential)


def change_of(step: Transition | None, context: CommandContext | None = None) -> Change:
    """Wrap a transition, which must have changed something."""
    assert step is not None
    return Change(
        user=step.user,
        event_id=IDS.event_id(),
        event=step.event,
        changes=step.changes,
        context=context or a_context(),
    )


def update(user: User, *, now: datetime | None = None, context: CommandContext | None = None, **fields: Any) -> Change:
    """Give the change that sets fields of a profile."""
    at = now or user.updated_at + SECOND
    return change_of(user.update(evolve(user.profile, **fields), now=at), context)


def deactivation(user: User, *, until: datetime | None = None, now: datetime | None = None) -> Change:
    """Give the change that deactivates a user."""
    step = user.deactivate(
        reason=DeactivationReason.INACTIVITY,
        notes="quiet for years",
        until=until,
        now=now or user.updated_at + SECOND,
        actor=OPERATOR,
    )
    return change_of(step)


def in_state(change: Change, state: AccountState) -> Change:
    """Give a creation whose user stands in another state from the beginning."""
    status = AccountStatus(state, since=change.user.created_at, actor=OPERATOR)
    return evolve(change, user=evolve(change.user, status=status))


def only(mapping: Mapping[UserId, User]) -> User:
    """Give the one user of a mapping."""
    [user] = mapping.values()
    return user
