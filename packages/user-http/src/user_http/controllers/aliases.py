"""The operations as the event catalogue documents them: ids in the body or the query."""

from collections.abc import Iterator

from attrs import frozen
from msgspec import UnsetType

from user_http import routes
from user_http.access import RULES, authorise, is_privileged
from user_http.answers import Answer, versioned
from user_http.conditions import if_match
from user_http.controllers.common import missing_field, record_read
from user_http.controllers.preferences import PreferencesController
from user_http.controllers.users import UserController
from user_http.decoding.body import read_body
from user_http.decoding.query import Query, at_most, read_query
from user_http.pipeline import Operation
from user_http.problems import BODY_INVALID, QUERY_MALFORMED, FieldProblem, RequestRefusedError
from user_http.requests import Call, parse_user_id
from user_http.schemas.users import DeactivateUser, UpdateUser
from usercore.codec.profile import render_profile
from usercore.kernel.ids import UserId
from usercore.users.errors import UserErasedError, UserMergedError, UserNotFoundError
from usercore.users.read_users import UserNamed
from usercore.users.values import EMAIL_MAX_CHARS, USERNAME_MAX_CHARS
from usercore.wiring.core import Core

ID_MAX_CHARS = 64


@frozen
class AliasController:
    """Answers the catalogue's operations by way of the plain ones."""

    core: Core
    users: UserController
    preferences: PreferencesController

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.UPDATE_BY_MESSAGE, self.update)
        yield Operation(routes.DEACTIVATE_BY_MESSAGE, self.deactivate)
        yield Operation(routes.GET_BY_NAME, self.get)
        yield Operation(routes.GET_EMAIL_PREFERENCES_BY_QUERY, self.get_preferences)

    async def update(self, call: Call) -> Answer:
        """Change a profile; If-Match may be left out."""
        query = read_query(call, "userId")
        body = await read_body(call, UpdateUser)
        user_id = _named(call, query, body.user_id)
        return await self.users.update(call, user_id, body, if_match(call, required=False))

    async def deactivate(self, call: Call) -> Answer:
        """Deactivate a user."""
        query = read_query(call, "userId")
        body = await read_body(call, DeactivateUser)
        user_id = _named(call, query, body.user_id)
        return await self.users.end(call, user_id, body, if_match(call, required=False))

    async def get(self, call: Call) -> Answer:
        """Find a user by id, email or username."""
        rule = RULES[call.route.id]
        named = _one_name(read_query(call, "id", "email", "username"))
        if named.user_id is not None:
            authorise(rule, call.who, named.user_id)
        elif not call.who.handles_users:
            return await self._get_own(call, named)
        else:
            authorise(rule, call.who, None)
        user = await self.core.get_user(named)
        if named.user_id not in {None, user.id}:
            authorise(rule, call.who, user.id)  # who stands for a merged account may be another's
        await record_read(self.core, call, user.id, "profile")
        return versioned(render_profile(user), user.version)

    async def _get_own(self, call: Call, named: UserNamed) -> Answer:
        """Find the caller by their own name; anybody else's answers as if there were nobody."""
        try:
            user = await self.core.get_user(named)
        except UserErasedError:
            raise UserNotFoundError from None
        if not is_privileged(RULES[call.route.id], call.who) and user.id != call.who.subject:
            raise UserNotFoundError
        await record_read(self.core, call, user.id, "profile")
        return versioned(render_profile(user), user.version)

    async def get_preferences(self, call: Call) -> Answer:
        """Read the email preferences of the user that the query names."""
        query = read_query(call, "userId")
        raw = query.read("userId", at_most(ID_MAX_CHARS))
        if raw is None and not query.found:
            query.refuse("userId", "required", "name the user")
        query.check()
        user_id = parse_user_id(raw or "")
        authorise(RULES[call.route.id], call.who, user_id)
        try:
            return await self.preferences.read(call, user_id)
        except UserMergedError as error:
            survivor = error.survivor or user_id
            authorise(RULES[call.route.id], call.who, survivor)
            return await self.preferences.read(call, survivor)


def _named(call: Call, query: Query, in_body: str | UnsetType) -> UserId:
    """Return whom the body, the query or both name, having checked that the caller may change them."""
    in_query = query.read("userId", at_most(ID_MAX_CHARS))
    query.check()
    names = {name for name in (in_query, in_body) if isinstance(name, str)}
    if not names:
        raise missing_field("userId")
    if len(names) > 1:
        field = FieldProblem("/userId", "differs", "name the same user in the body and in the query")
        raise RequestRefusedError(BODY_INVALID, errors=(field,))
    user_id = parse_user_id(names.pop())
    authorise(RULES[call.route.id], call.who, user_id)
    return user_id


def _one_name(query: Query) -> UserNamed:
    raw_id = query.read("id", at_most(ID_MAX_CHARS))
    email = query.read("email", at_most(EMAIL_MAX_CHARS))
    username = query.read("username", at_most(USERNAME_MAX_CHARS))
    query.check()
    if len(query.values) != 1:
        raise RequestRefusedError(QUERY_MALFORMED, "name the user by id, email or username: one of them")
    return UserNamed(user_id=None if raw_id is None else parse_user_id(raw_id), email=email, username=username)
