"""Options that several commands share."""

from typing import Annotated, TypeAlias, TypeVar

from attrs import frozen
from cyclopts import App, Parameter

from user_cli.failures import UsageError
from user_cli.inputs import STDIN
from user_cli.output import clean
from user_cli.session import Session
from usercore.kernel.ids import UserId
from usercore.users.read_users import UserNamed
from usercore.users.values import REASON_MAX_CHARS
from usercore.wiring.core import Core

__all__ = [
    "AsJson",
    "IfMatch",
    "Named",
    "Reason",
    "Source",
    "UserIdOption",
    "WithDefault",
    "command_group",
    "found",
    "looked_at",
    "one_name",
    "stated_reason",
]

V = TypeVar("V")

WithDefault: TypeAlias = Annotated[V, Parameter(show_default=True)]
"""An option whose default is worth showing."""
AsJson: TypeAlias = Annotated[bool, Parameter(name="--json", help="Write one JSON document.")]
UserIdOption: TypeAlias = Annotated[str | None, Parameter(name=["--id"], help="The user's id.")]


def _no_option(_: type, source: str | None) -> None:
    if source is not None and source.startswith("-") and source != STDIN:
        message = "there is no such option"
        raise ValueError(message)


Source: TypeAlias = Annotated[V, Parameter(allow_leading_hyphen=True, validator=_no_option)]
"""A file, or - for standard input."""
IfMatch: TypeAlias = Annotated[
    int | None, Parameter(help="Refuse unless this is the user's version; without it any version is changed.")
]
Reason: TypeAlias = Annotated[str | None, Parameter(help="Why, in at most 500 characters.")]


@Parameter(name="*")
@frozen
class Named:
    """Other names of a user, in place of the id.

    Args:
        email: their email, in any case of letters.
        username: their username, in any case of letters.
        external_id: their id in the system they came from.
    """

    email: str | None = None
    username: str | None = None
    external_id: str | None = None


async def found(core: Core, user_id: str | None, named: Named) -> UserId:
    """Return the id of the user so named.

    Raises:
        UsageError: not exactly one name was given.
        UserNotFoundError: nobody is so named.
    """
    name = one_name(user_id, named)
    return name.user_id if name.user_id is not None else (await core.get_user(name)).id


async def looked_at(session: Session, name: UserNamed, facet: str) -> UserId:
    """Return the id of a user, once it is recorded that the operator looks at them.

    Args:
        session: who looks.
        name: of the user.
        facet: what of them is to be shown.

    Raises:
        UserNotFoundError: nobody is so named.
        UserErasedError: the user has been erased.
        UnavailableError: it is not recorded, so nothing may be shown.
    """
    user = await session.core.get_user(name)
    await session.core.record_reads(user.id, (facet,), session.context)
    return user.id


def one_name(user_id: str | None, named: Named) -> UserNamed:
    """Return the one name that was given.

    Raises:
        UsageError: none or several were given.
    """
    given = [user_id, named.email, named.username, named.external_id]
    if sum(name is not None for name in given) != 1:
        raise UsageError("name the user by --id, --email, --username or --external-id: one of them")
    ident = None if user_id is None else UserId(user_id)
    return UserNamed(ident, named.email, named.username, named.external_id)


def command_group(name: str, about: str) -> App:
    """Return an empty group of commands."""
    return App(name=name, help=about, version_flags=())


def stated_reason(raw: str) -> str:
    """Return why an operator does something, on one line.

    Raises:
        UsageError: nothing is said, or too much, or it is no line of text.
    """
    reason = raw.strip()
    if not reason or reason != clean(reason) or len(reason) > REASON_MAX_CHARS:
        raise UsageError(f"--reason: say why on one line, in at most {REASON_MAX_CHARS} characters")
    return reason
