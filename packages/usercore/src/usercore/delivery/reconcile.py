"""Find and mend what has drifted between users and the AuthenticationService's credentials."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.audit.ports import AuditTrail
from usercore.delivery.credentials import CredentialDirectory, CredentialState
from usercore.delivery.ports import DeliveryRecords, Mending
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.users.model import User
from usercore.users.ports import UserDirectory, UserReader
from usercore.users.queries import Sort, UserQuery, read_cursor
from usercore.users.values import AccountState, fold_ascii

PAGE: Final = 200
_ORDER: Final = Sort.CREATED_UP
_SIGNS_IN: Final = {AccountState.ACTIVE: True, AccountState.DEACTIVATED: False, AccountState.MERGED: False}
"""Who has a credential, and whether it lets them in."""


class Drift(StrEnum):
    """What is wrong with a credential."""

    MISSING = "MISSING"
    WRONG_LOGIN = "WRONG_LOGIN"
    WRONG_STATE = "WRONG_STATE"
    ORPHANED = "ORPHANED"


@frozen
class Found:
    """One drift.

    Args:
        user_id: whose credential.
        drift: what is wrong with it.
        mended_by: the delivery that mends it, as far as one was made.
    """

    user_id: UserId
    drift: Drift
    mended_by: Operation | None = None


@frozen
class Reconciled:
    """One page.

    Args:
        found: what has drifted.
        checked: how many users or credentials were looked at.
        next_cursor: goes on behind them, or None at the end.
    """

    found: tuple[Found, ...]
    checked: int
    next_cursor: str | None


@frozen
class _Wanted:
    """A drift, and what would mend it."""

    user_id: UserId
    drift: Drift
    operation: Operation
    payload: Mapping[str, object] = field(repr=False)
    version: int | None


@frozen
class ReconcileCredentials:
    """Compares users with credentials, page by page. Running it twice is harmless.

    A user whose deliveries wait is left out: what they bring is no drift. A mend is written only if the user is still
    at the version that was compared, so that it cannot undo what happened meanwhile.
    """

    directory: UserDirectory
    users: UserReader
    credentials: CredentialDirectory
    records: DeliveryRecords
    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def of_users(self, *, after: str | None = None, limit: int = PAGE, dry_run: bool = True) -> Reconciled:
        """Compare a page of users with their credentials, the oldest users first.

        Args:
            after: the cursor of the page before.
            limit: users on a page.
            dry_run: whether to find and not mend.

        Raises:
            UnavailableError: the database or the service does not answer.
            CredentialsUnknownError: no AuthenticationService is connected that could be asked.
            QueryInvalidError: the cursor is not one of ours.
        """
        place = None if after is None else read_cursor(_ORDER, after)
        query = UserQuery(states=frozenset(_SIGNS_IN), sort=_ORDER, limit=limit, after=place)
        page = await self.directory.page(query)
        ids = [document.user_id for document in page.items]
        # In this order: whoever's deliveries do not wait now has a credential at least as new as the user was then.
        waiting = await self.records.waiting_of(Recipient.AUTHENTICATION, ids)
        users = await self.users.get_many([one for one in ids if one not in waiting])
        states = await self.credentials.states(list(users))
        wanted = [one for user in users.values() for one in _drifts(user, states.get(user.id))]
        found = await self._mend(wanted, dry_run=dry_run)
        return Reconciled(found, len(ids), page.next_cursor)

    async def of_credentials(
        self,
        *,
        after: str | None = None,
        limit: int = PAGE,
        reason: str | None = None,
        context: CommandContext,
    ) -> Reconciled:
        """Find a page of credentials whose user was erased or never was.

        Args:
            after: the cursor of the page before.
            limit: about how many credentials on a page.
            reason: why they are removed; None finds them and removes nothing.
            context: who asks.

        Raises:
            ReasonInvalidError: the reason is too long, or none.
            UnavailableError: the database or the service does not answer.
            CredentialsUnknownError: no AuthenticationService is connected that could be asked.
        """
        if reason is not None:
            require_reason(reason)
        page = await self.credentials.page(after=after, limit=limit)
        ids = [state.user_id for state in page.items]
        users = await self.users.get_many(ids)
        waiting = await self.records.waiting_of(Recipient.AUTHENTICATION, ids)
        orphaned = [one for one in ids if one not in waiting and not _has_credential(users.get(one))]
        wanted = [_Wanted(one, Drift.ORPHANED, Operation.REMOVE_CREDENTIAL, {}, None) for one in orphaned]
        found = await self._mend(wanted, dry_run=reason is None)
        if reason is not None and found:
            await self._note(context)
        return Reconciled(found, len(ids), page.next_cursor)

    async def _mend(self, wanted: Sequence[_Wanted], *, dry_run: bool) -> tuple[Found, ...]:
        found = [Found(one.user_id, one.drift) for one in wanted]
        if dry_run or not wanted:
            return tuple(found)
        mendings = [self._mending(one) for one in wanted]
        made = await self.records.add(mendings)
        return tuple(
            evolve(one, mended_by=mending.delivery.operation) if mending.delivery.event_id in made else one
            for one, mending in zip(found, mendings, strict=True)
        )

    def _mending(self, wanted: _Wanted) -> Mending:
        delivery = Delivery(
            event_id=self.ids.event_id(),
            recipient=Recipient.AUTHENTICATION,
            operation=wanted.operation,
            user_id=wanted.user_id,
            payload=wanted.payload,
            secret=None,
            created_at=self.clock.now(),
        )
        return Mending(delivery, wanted.version)

    async def _note(self, context: CommandContext) -> None:
        entry = AuditEntry(
            user_id=SERVICE_CHAIN,
            event_id=self.ids.event_id(),
            at=self.clock.now(),
            actor=context.actor,
            action="OrphanedCredentialsRemoved",
            fields=("credential",),
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
        )
        await self.trail.append([entry])


def _has_credential(user: User | None) -> bool:
    return user is not None and user.status.state in _SIGNS_IN


def _drifts(user: User, state: CredentialState | None) -> Iterator[_Wanted]:
    enabled = _SIGNS_IN.get(user.status.state)
    if enabled is None:
        return
    login: dict[str, object] = {"email": user.profile.email.address, "username": user.profile.username}
    if state is None:
        if user.status.state is not AccountState.MERGED:
            payload = {**login, "enabled": enabled}
            yield _Wanted(user.id, Drift.MISSING, Operation.PROVISION_CREDENTIAL, payload, user.version)
        return
    if not _same_login(user, state):
        yield _Wanted(user.id, Drift.WRONG_LOGIN, Operation.CHANGE_LOGIN, login, user.version)
    if state.enabled != enabled:
        operation = Operation.ENABLE_CREDENTIAL if enabled else Operation.DISABLE_CREDENTIAL
        yield _Wanted(user.id, Drift.WRONG_STATE, operation, {}, user.version)


def _same_login(user: User, state: CredentialState) -> bool:
    """Compare without regard to case, which a service may fold for itself."""
    email = fold_ascii(state.email) == fold_ascii(user.profile.email.address)
    return email and (state.username is None or fold_ascii(state.username) == fold_ascii(user.profile.username))
