"""What the controllers share: circumstances of a command, and patches from bodies."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import UNSET as ABSENT
from msgspec import structs

from user_http.access import actor_of
from user_http.answers import Answer, versioned
from user_http.auth.callers import Scope
from user_http.problems import BODY_INVALID, FieldProblem, RequestRefusedError
from user_http.requests import Call
from user_http.schemas.users import AddressInput, CreateUser, UserPatch
from usercore.codec.profile import render_profile
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.unset import UNSET
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.model import User
from usercore.wiring.core import Core

_NOT_PROFILE = frozenset({"password", "user_id"})


def context_of(call: Call, target: str | None) -> CommandContext:
    """Return the circumstances of a command about a user, or about nobody yet."""
    exchange = call.exchange
    return CommandContext(
        actor_of(call.who, target),
        correlation_id=exchange.request_id,
        causation_id=exchange.request_id,
        traceparent=exchange.traceparent,
        for_privacy=Scope.PRIVACY_MANAGE in call.who.scopes,
    )


def _reading_of(call: Call) -> CommandContext:
    """Return the circumstances under which an operator reads."""
    actor = Actor(ActorKind.OPERATOR, call.who.subject)
    request_id = call.exchange.request_id
    return CommandContext(actor, correlation_id=request_id, causation_id=request_id)


async def record_read(core: Core, call: Call, user_id: UserId, *facets: str) -> None:
    """Record that an operator is about to be shown a user; whoever else reads goes on at once.

    Raises:
        UnavailableError: it is not recorded, so nothing may be shown.
    """
    if call.who.is_operator:
        await core.record_reads(user_id, facets, _reading_of(call))


async def record_listing(core: Core, call: Call, shown: Sequence[UserId], filters: Iterable[str]) -> None:
    """Record that an operator is about to be shown a list of users, or of what is theirs.

    Args:
        core: records it.
        call: who asks.
        shown: the users.
        filters: by what the list was chosen.

    Raises:
        UnavailableError: it is not recorded, so nothing may be shown.
    """
    if call.who.is_operator:
        await core.record_reads.listed(shown, sorted(filters), _reading_of(call))


async def record_count(core: Core, call: Call, filters: Iterable[str]) -> None:
    """Record that an operator is about to be told how many users a filter chooses.

    Raises:
        UnavailableError: it is not recorded, so nothing may be told.
    """
    if call.who.is_operator:
        await core.record_reads.counted(sorted(filters), _reading_of(call))


def profile_patch(body: CreateUser | UserPatch) -> ProfilePatch:
    """Return the profile fields of a body in the domain's words."""
    fields = {name: value for name, value in _present(body).items() if name not in _NOT_PROFILE}
    address = fields.get("address")
    if isinstance(address, AddressInput):
        fields["address"] = AddressPatch(**_present(address))
    return ProfilePatch(**fields)


def _present(body: CreateUser | UserPatch | AddressInput) -> dict[str, Any]:
    values = structs.asdict(body)
    return {name: UNSET if value is ABSENT else value for name, value in values.items()}


def given(value: Any) -> Any:  # noqa: ANN401 -- any field's value
    """Return a field's value, None where it is missing."""
    return None if value is ABSENT else value


def user_answer(user: User) -> Answer:
    """Return a user's profile with its ETag."""
    return versioned(render_profile(user), user.version)


def missing_field(name: str) -> RequestRefusedError:
    """Return the refusal of a body without a field that it needs."""
    return RequestRefusedError(BODY_INVALID, errors=(FieldProblem("/" + name, "required", "give a value"),))
