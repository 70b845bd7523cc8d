"""`userctl user`: users, one by one and in lists.

What reads standard input does so outside the event loop, where Ctrl-C ends the waiting.
"""

import asyncio
from typing import Annotated

from attrs import asdict, frozen
from cyclopts import Parameter

from user_cli.commands.activity import activity
from user_cli.commands.history import history
from user_cli.commands.listing import list_users
from user_cli.commands.options import (
    AsJson,
    IfMatch,
    Named,
    Reason,
    Source,
    UserIdOption,
    command_group,
    found,
    one_name,
)
from user_cli.commands.verify import verify
from user_cli.failures import UsageError
from user_cli.inputs import STDIN, optional_moment, read_json_object, read_password
from user_cli.profiles import document_of, patch_of
from user_cli.session import open_session
from user_cli.views import show_user
from usercore.kernel.secret import Secret
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.reactivate_user import ReactivateUserCommand
from usercore.users.update_user import UpdateUserCommand

app = command_group("user", "Create, find, change, verify, deactivate and reactivate users.")
app.command(list_users, name="list")
app.command(history)
app.command(activity)
app.command(verify)

Assignments = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help="field=value, once for each field: firstName=Grace, address.city=Berlin, attributes.tier=gold. "
        "A value below attributes is JSON where it reads as JSON.",
    ),
]


@Parameter(name="*")
@frozen
class ProfileFlags:
    """Fields of the new profile.

    Args:
        email: where mail goes; nobody else may have it.
        first_name: given name.
        last_name: family name.
        username: how they sign in; their email if left out.
        phone_number: in E.164 form, +4930123456.
        locale: BCP 47 language tag, en-GB.
        time_zone: IANA name, Europe/Berlin.
        birth_date: 1990-01-31.
        external_id: their id in the system they came from.
    """

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    phone_number: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_date: str | None = None
    external_id: str | None = None


@app.command
def create(
    source: Source[str | None] = None,
    /,
    *,
    profile: ProfileFlags = ProfileFlags(),
    assignments: Assignments = (),
    password_stdin: bool = False,
    as_json: AsJson = False,
) -> None:
    """Create a user, from options or from a JSON object as POST /v1/users takes it.

    Without a password the user is sent an invitation to choose one. A password is read from standard input, or
    from the file that USERCTL_PASSWORD_FILE names; it is never an argument.

    ```
    userctl user create --email grace@example.com --first-name Grace --last-name Hopper
    userctl user create --email g@example.com --first-name G --last-name H --password-stdin < password.txt
    userctl user create - --json < user.json
    ```

    Args:
        source: a file with a JSON object, or - for standard input.
        profile: fields of the profile.
        assignments: more fields.
        password_stdin: read the password from standard input.
        as_json: write the profile as JSON.
    """
    document = document_of(assignments, (), asdict(profile))
    if source is not None and document:
        raise UsageError("give the profile either by options or as JSON")
    if source == STDIN and password_stdin:
        raise UsageError("standard input holds the JSON: put the password into it, or into a file")
    password = read_password(from_stdin=password_stdin)
    if source is not None:
        document = read_json_object(source)
        password = _inner_password(document, password)
    asyncio.run(_create(CreateUserCommand(patch_of(document), password), as_json=as_json))


async def _create(command: CreateUserCommand, *, as_json: bool) -> None:
    async with open_session() as session:
        show_user(await session.core.create_user(command, session.context), as_json=as_json)


def _inner_password(document: dict[str, object], other: Secret | None) -> Secret | None:
    """Take the password out of a document that may hold one."""
    password = document.pop("password", None)
    if password is None:
        return other
    if other is not None or not isinstance(password, str):
        raise UsageError("give one password, as text")
    return Secret(password)


@app.command
async def get(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    at: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Show one user, as they are or as they were.

    ```
    userctl user get 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    userctl user get --email grace@example.com --json
    userctl user get --external-id crm-17 --at 2026-01-31T12:00:00Z
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        at: show the profile as it was at this time.
        as_json: write the profile as JSON.
    """
    name = one_name(user_id, named)
    when = optional_moment("--at", at)
    async with open_session() as session:
        user = await session.core.get_user(name)
        if when is not None:
            user = await session.core.read_past.at(user.id, when)
        await session.core.record_reads(user.id, ("profile",), session.context)
        show_user(user, as_json=as_json)


@app.command
async def update(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    assignments: Assignments = (),
    emptied: Annotated[tuple[str, ...], Parameter(name="--unset")] = (),
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a profile; the others stay.

    ```
    userctl user update 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --set lastName=Hopper --unset phoneNumber
    userctl user update --email grace@example.com --set address.city=Berlin --if-match 3
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        assignments: fields to set.
        emptied: a field to empty, once for each: phoneNumber, address.city, attributes.tier.
        if_match: the version that must be the current one.
        as_json: write the profile as JSON.
    """
    if not assignments and not emptied:
        raise UsageError("say what to change by --set or --unset")
    patch = patch_of(document_of(assignments, emptied))
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        command = UpdateUserCommand(ident, patch, expected_version=if_match)
        show_user(await session.core.update_user(command, session.context), as_json=as_json)


@app.command
async def deactivate(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    reason: Reason = None,
    notes: Annotated[str | None, Parameter(help="Anything else to remember.")] = None,
    until: str | None = None,
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Deactivate a user, for good or until a time. Doing it twice is doing it once.

    ```
    userctl user deactivate 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --reason SECURITY_VIOLATION
    userctl user deactivate --email grace@example.com --reason "asked by phone" --until 2026-12-31
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        reason: USER_REQUESTED, ADMINISTRATIVE_ACTION, SECURITY_VIOLATION, INACTIVITY, or free text.
        notes: anything else to remember.
        until: when the account comes back by itself.
        if_match: the version that must be the current one.
        as_json: write the profile as JSON.
    """
    end = optional_moment("--until", until)
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        command = DeactivateUserCommand(ident, reason, notes, end, if_match)
        show_user(await session.core.deactivate_user(command, session.context), as_json=as_json)


@app.command
async def reactivate(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    reason: Reason = None,
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Reactivate a user. Doing it twice is doing it once.

    ```
    userctl user reactivate 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --reason "back from leave"
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        reason: why.
        if_match: the version that must be the current one.
        as_json: write the profile as JSON.
    """
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        command = ReactivateUserCommand(ident, reason, if_match)
        show_user(await session.core.reactivate_user(command, session.context), as_json=as_json)
