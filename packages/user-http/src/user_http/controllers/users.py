"""Users: create, read, change, deactivate, reactivate."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from attrs import evolve, frozen

from user_http import routes
from user_http.answers import Answer, not_modified, versioned
from user_http.conditions import Match, expected_version, if_match, is_known
from user_http.controllers.common import context_of, given, profile_patch, record_read, user_answer
from user_http.decoding.body import read_body, read_optional_body
from user_http.decoding.media import JSON, MERGE_PATCH
from user_http.decoding.query import read_query, several_of
from user_http.idempotency import Work, once
from user_http.pipeline import Operation
from user_http.problems import BODY_INVALID, FieldProblem, RequestRefusedError
from user_http.requests import Call
from user_http.schemas.users import CreateUser, Deactivation, Reactivation, UserPatch
from usercore.codec.activity import render_summary
from usercore.codec.preferences import render_preferences
from usercore.codec.profile import render_profile
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import Settled
from usercore.kernel.secret import Secret
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.model import User
from usercore.users.reactivate_user import ReactivateUserCommand
from usercore.users.update_user import UpdateUserCommand
from usercore.wiring.core import Core

_PREFERENCES: Final = "emailPreferences"
_ACTIVITY: Final = "activity"
INCLUDED: Final = (_PREFERENCES, _ACTIVITY)
"""What can be put into a profile besides."""
FACETS: Final = {_PREFERENCES: "email_preferences", _ACTIVITY: "activity"}
"""What the audit trail calls it."""
_PROFILE: Final = "profile"


@frozen
class UserController:
    """Answers the operations on one user."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.CREATE_USER, self.create)
        yield Operation(routes.GET_USER, self.get)
        yield Operation(routes.PATCH_USER, self.patch)
        yield Operation(routes.DEACTIVATE_USER, self.deactivate)
        yield Operation(routes.REACTIVATE_USER, self.reactivate)

    async def create(self, call: Call) -> Answer:
        """Create a user."""
        read_query(call)
        body = await read_body(call, CreateUser)
        password = given(body.password)
        command = CreateUserCommand(profile_patch(body), None if password is None else Secret(password))

        async def work(context: CommandContext) -> Answer:
            return created(await self.core.create_user(command, context))

        async def replay(settled: Settled) -> Answer:
            return created(await self.core.read_past.at_version(settled.user_id, settled.version))

        return await once(call, self.core.once, context_of(call, None), work=work, replay=replay)

    async def get(self, call: Call) -> Answer:
        """Serve a profile: ready bytes, unless something is to be put in."""
        if call.query_string:
            query = read_query(call, "include")
            include = query.read("include", several_of(*INCLUDED))
            query.check()
            if include:
                return await self._with(include, call)
        document = await self.core.read_profile(call.target)
        if is_known(call.header(b"if-none-match"), document.version):
            return not_modified(document.version)
        await record_read(self.core, call, document.user_id, _PROFILE)
        return versioned(document.body, document.version)

    async def _with(self, include: frozenset[str], call: Call) -> Answer:
        user_id = call.target
        document = await self.core.read_profile(user_id)
        body = document.body[:-1]
        if _PREFERENCES in include:
            body += b',"emailPreferences":' + render_preferences(await self.core.get_email_preferences(user_id))
        if _ACTIVITY in include:
            body += b',"activity":' + render_summary(await self.core.read_activity.summary(user_id))
        await record_read(self.core, call, user_id, _PROFILE, *sorted(FACETS[name] for name in include))
        return versioned(body + b"}", document.version)

    async def patch(self, call: Call) -> Answer:
        """Change a profile by merge patch."""
        read_query(call)
        match = if_match(call, required=True)
        body = await read_body(call, UserPatch, (MERGE_PATCH, JSON))
        return await self.update(call, call.target, body, match)

    async def update(self, call: Call, user_id: UserId, body: UserPatch, match: Match) -> Answer:
        """Change the profile of a user, whichever way the request named them."""
        patch = profile_patch(body)

        async def work(context: CommandContext) -> Answer:
            expected = await expected_version(match, user_id, self.core.get_user)
            command = UpdateUserCommand(user_id, patch, expected)
            return user_answer(await self.core.update_user(command, context))

        return await self._once(call, user_id, work)

    async def deactivate(self, call: Call) -> Answer:
        """Deactivate a user."""
        read_query(call)
        body = await read_optional_body(call, Deactivation)
        return await self.end(call, call.target, body, if_match(call, required=False))

    async def end(self, call: Call, user_id: UserId, body: Deactivation, match: Match) -> Answer:
        """Deactivate a user, whichever way the request named them."""
        until = given(body.until)
        command = DeactivateUserCommand(
            user_id, given(body.reason), given(body.notes), None if until is None else _utc(until)
        )

        async def work(context: CommandContext) -> Answer:
            expected = await expected_version(match, user_id, self.core.get_user)
            return user_answer(await self.core.deactivate_user(evolve(command, expected_version=expected), context))

        return await self._once(call, user_id, work)

    async def reactivate(self, call: Call) -> Answer:
        """Reactivate a user."""
        read_query(call)
        body = await read_optional_body(call, Reactivation)
        match, user_id = if_match(call, required=False), call.target

        async def work(context: CommandContext) -> Answer:
            expected = await expected_version(match, user_id, self.core.get_user)
            command = ReactivateUserCommand(user_id, given(body.reason), expected)
            return user_answer(await self.core.reactivate_user(command, context))

        return await self._once(call, user_id, work)

    async def _once(self, call: Call, user_id: UserId, work: Work) -> Answer:
        async def replay(settled: Settled) -> Answer:
            return user_answer(await self.core.read_past.at_version(settled.user_id, settled.version))

        return await once(call, self.core.once, context_of(call, user_id), work=work, replay=replay)


def created(user: User) -> Answer:
    """Return a new user, with where they are to be found."""
    location = (b"location", routes.GET_USER.path.replace("{userId}", user.id).encode())
    return versioned(render_profile(user), user.version, location, status=201)


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        field = FieldProblem("/until", "not_a_time", "give a time that exists in UTC")
        raise RequestRefusedError(BODY_INVALID, errors=(field,)) from None
