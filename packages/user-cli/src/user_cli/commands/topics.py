"""`userctl topics`: the sorts of mail that people may ask for."""

from user_cli.commands.options import AsJson, command_group
from user_cli.output import show_json, show_json_page
from user_cli.session import open_session
from user_cli.views import show_topics, topic_object
from usercore.preferences.topics import RegisterTopicCommand

app = command_group("topics", "Email topics that users may subscribe to.")


@app.command
async def register(
    name: str,
    /,
    *,
    title: str,
    wording_version: str,
    description: str = "",
    mandatory: bool = False,
    subscribed_by_default: bool = False,
    as_json: AsJson = False,
) -> None:
    """Add a topic, or change the one of this name.

    ```
    userctl topics register newsletter --title Newsletter --wording-version 2026-01
    userctl topics register order-updates --title "Your orders" --wording-version 2026-01 --mandatory
    ```

    Args:
        name: lower-case words joined by hyphens.
        title: for people.
        wording_version: names the wording that users are shown when they choose.
        description: for people.
        mandatory: the contract needs it, so that nobody can unsubscribe.
        subscribed_by_default: what holds for users who never said anything.
        as_json: write the topic as JSON.
    """
    command = RegisterTopicCommand(
        name, title, wording_version, description, mandatory=mandatory, subscribed_by_default=subscribed_by_default
    )
    async with open_session() as session:
        topic = await session.core.register_topic(command)
    if as_json:
        show_json(topic_object(topic))
    else:
        show_topics([topic])


@app.command(name="list")
async def list_(*, as_json: AsJson = False) -> None:
    """List the topics by name.

    ```
    userctl topics list
    ```

    Args:
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        topics = await session.core.list_topics()
    if as_json:
        show_json_page(map(topic_object, topics), None)
    else:
        show_topics(topics)
