"""`userctl consents`: what users allow, and the purposes that they are asked about."""

from attrs import frozen
from cyclopts import Parameter

from user_cli.commands.options import (
    AsJson,
    IfMatch,
    Named,
    UserIdOption,
    WithDefault,
    command_group,
    found,
    looked_at,
    one_name,
)
from user_cli.failures import UsageError
from user_cli.output import show_json, show_json_page
from user_cli.session import open_session
from user_cli.views_consents import show_consents, show_purposes, show_recorded
from usercore.codec.consents import consents_object, purpose_object, recorded_object
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.privacy.consents.record_consent import RecordConsentCommand
from usercore.users.queries import PAGE_DEFAULT

app = command_group("consents", "Consents of a user, and the purposes that users are asked about.")
purposes = command_group("purposes", "Purposes that users are asked about.")
app.command(purposes)


@Parameter(name="*")
@frozen
class Said:
    """What a user says.

    Args:
        give: the purpose that they consent to.
        withdraw: the purpose whose consent they take back.
        wording_version: what they had been shown; the wording of today if left out.
        source: where they said so.
        proof: a reference to the evidence.
    """

    give: str | None = None
    withdraw: str | None = None
    wording_version: str | None = None
    source: WithDefault[str] = "operator"
    proof: str | None = None

    def purpose(self) -> str:
        """Return the purpose that is spoken of.

        Raises:
            UsageError: it is none, or two.
        """
        named = [name for name in (self.give, self.withdraw) if name is not None]
        if len(named) != 1:
            raise UsageError("name one purpose, by --give or by --withdraw")
        return named[0]


@app.command(name="list")
async def list_(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: int | None = None,
    as_json: AsJson = False,
) -> None:
    """Show what a user allows, and line by line how it came to be, the newest first.

    ```
    userctl consents list --email grace@example.com
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        limit: how many lines at most.
        cursor: show lines below this version.
        as_json: write both as JSON.
    """
    async with open_session() as session:
        ident = await looked_at(session, one_name(user_id, named), "consents")
        consents = await session.core.read_consents(ident, below_version=cursor, limit=limit)
    if as_json:
        show_json(consents_object(consents))
    else:
        show_consents(consents)


@app.command
async def record(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    said: Said = Said(),
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Note down that a user gives or withdraws a consent. Saying it twice adds nothing.

    ```
    userctl consents record --email grace@example.com --give ads --source phone --proof call-4711
    userctl consents record --email grace@example.com --withdraw ads --source phone
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        said: what they say.
        if_match: the version that must be the current one.
        as_json: write what holds as JSON.
    """
    purpose = said.purpose()
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        command = RecordConsentCommand(
            ident, purpose, said.withdraw is None, said.wording_version, said.source, said.proof, if_match
        )
        recorded = await session.core.record_consent(command, session.context)
    if as_json:
        show_json(recorded_object(recorded))
    else:
        show_recorded(recorded)


@purposes.command
async def register(
    name: str,
    /,
    *,
    title: str,
    wording_version: str,
    description: str = "",
    as_json: AsJson = False,
) -> None:
    """Add a purpose, or change the one of this name.

    ```
    userctl consents purposes register ads --title Advertising --wording-version 2026-01
    ```

    Args:
        name: lower-case words joined by hyphens.
        title: for people.
        wording_version: names the legal text that users are shown when they are asked.
        description: for people.
        as_json: write the purpose as JSON.
    """
    async with open_session() as session:
        purpose = await session.core.register_purpose(RegisterPurposeCommand(name, title, wording_version, description))
    if as_json:
        show_json(purpose_object(purpose))
    else:
        show_purposes([purpose])


@purposes.command(name="list")
async def list_purposes(*, as_json: AsJson = False) -> None:
    """List the purposes by name.

    ```
    userctl consents purposes list
    ```

    Args:
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        known = await session.core.list_purposes()
    if as_json:
        show_json_page(map(purpose_object, known), None)
    else:
        show_purposes(known)
