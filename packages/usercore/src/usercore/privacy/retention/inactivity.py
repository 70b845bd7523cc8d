"""What becomes of an account that nobody uses: notice, deactivation, a request to erase it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import ConflictError, NotFoundError
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.requests.make_request import MakePrivacyRequest, MakePrivacyRequestCommand
from usercore.privacy.requests.values import RequestKind
from usercore.privacy.retention.ports import Notice, RetentionStore
from usercore.privacy.retention.values import InactivityRule, Step, Unused
from usercore.users.deactivate_user import DeactivateUser, DeactivateUserCommand
from usercore.users.ports import UserReader
from usercore.users.values import DeactivationReason

AT_ONCE: Final = 100
_IDENTITY_NOTE: Final = "asked by the retention schedule: the account was deactivated for inactivity"


@frozen
class WorkOffInactivity:
    """Takes one step with accounts that it is due for. An account that changes meanwhile is left alone."""

    store: RetentionStore
    users: UserReader
    deactivate: DeactivateUser
    make_request: MakePrivacyRequest
    clock: Clock
    ids: IdGenerator

    async def __call__(self, step: Step, rule: InactivityRule, context: CommandContext) -> int:
        """Return how many accounts the step was taken with; 0 where none is left.

        Raises:
            UnavailableError: the database does not answer.
        """
        due = await self.store.unused(step, self.clock.now() - steps_of(rule)[step], AT_ONCE)
        match step:
            case Step.NOTICE:
                return await self._notice(due, rule, context)
            case Step.DEACTIVATION:
                return sum([await self._deactivated(one, context) for one in due])
            case Step.ERASURE:
                return sum([await self._asked(one, context) for one in due])

    async def _notice(self, due: Sequence[Unused], rule: InactivityRule, context: CommandContext) -> int:
        found = await self.users.get_many([one.user_id for one in due])
        now = self.clock.now()
        given = 0
        for one in due:
            user = found.get(one.user_id)
            if user is not None and user.version == one.version:
                notice = Notice(user, self.ids.event_id(), now, now + rule.grace, context)
                given += await self.store.notice(notice)
        return given

    async def _deactivated(self, one: Unused, context: CommandContext) -> bool:
        command = DeactivateUserCommand(
            one.user_id, reason=DeactivationReason.INACTIVITY.value, expected_version=one.version
        )
        try:
            await self.deactivate(command, context)
        except (ConflictError, NotFoundError):
            return False
        return True

    async def _asked(self, one: Unused, context: CommandContext) -> bool:
        command = MakePrivacyRequestCommand(one.user_id, RequestKind.ERASURE, identity_note=_IDENTITY_NOTE)
        try:
            await self.make_request(command, context)
        except (ConflictError, NotFoundError):
            return False
        return True


def steps_of(rule: InactivityRule | None) -> Mapping[Step, timedelta]:
    """Return the steps that a rule knows, in their order, with how long an account waits for each."""
    if rule is None:
        return {}
    steps = {Step.NOTICE: rule.after, Step.DEACTIVATION: rule.grace}
    return steps if rule.erasure is None else {**steps, Step.ERASURE: rule.erasure}
