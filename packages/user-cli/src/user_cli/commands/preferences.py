"""`userctl preferences`: which mail a user gets."""

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
from user_cli.session import open_session
from user_cli.views import show_preferences
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice

app = command_group("preferences", "Email preferences of a user.")


@app.command
async def get(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    as_json: AsJson = False,
) -> None:
    """Show what holds for a user, topic by topic.

    ```
    userctl preferences get --email grace@example.com
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        as_json: write the preferences as JSON.
    """
    async with open_session() as session:
        ident = await looked_at(session, one_name(user_id, named), "email_preferences")
        show_preferences(await session.core.get_email_preferences(ident), as_json=as_json)


@app.command(name="set")
async def set_(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    subscribe: tuple[str, ...] = (),
    unsubscribe: tuple[str, ...] = (),
    source: WithDefault[str] = "operator",
    if_match: IfMatch = None,
    as_json: AsJson = False,
) -> None:
    """Note down what a user says of some topics; the others stay.

    ```
    userctl preferences set --email grace@example.com --subscribe newsletter --unsubscribe product-updates
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        subscribe: a topic they want, once for each.
        unsubscribe: a topic they do not want, once for each.
        source: where they said so.
        if_match: the version that must be the current one.
        as_json: write the preferences as JSON.
    """
    choices = {topic: PreferenceChoice(subscribed=True, source=source) for topic in subscribe}
    choices |= {topic: PreferenceChoice(subscribed=False, source=source) for topic in unsubscribe}
    if not choices or len(choices) != len(subscribe) + len(unsubscribe):
        raise UsageError("name topics by --subscribe and --unsubscribe, each once")
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        command = UpdateEmailPreferencesCommand(ident, choices, if_match)
        held = await session.core.update_email_preferences(command, session.context)
        show_preferences(held, as_json=as_json)
