"""`userctl attributes`: the shape of custom attributes."""

import asyncio

from user_cli.commands.options import AsJson, Source, command_group
from user_cli.inputs import read_json_object
from user_cli.output import show_json, show_json_page
from user_cli.session import open_session
from user_cli.views import schema_object, show_schemas
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand

app = command_group("attributes", "The JSON Schema of custom attributes.")


@app.command
def register(source: Source[str], /, *, as_json: AsJson = False) -> None:
    """Put a JSON Schema (draft 2020-12) for custom attributes in force, as the next version.

    The same schema again adds no version. Profiles that exist are judged by it when they next change.

    ```
    userctl attributes register schema.json
    userctl attributes register - < schema.json
    ```

    Args:
        source: a file, or - for standard input.
        as_json: write the version as JSON.
    """
    # Read outside the event loop, where Ctrl-C ends the waiting.
    asyncio.run(_register(RegisterAttributeSchemaCommand(read_json_object(source)), as_json=as_json))


async def _register(command: RegisterAttributeSchemaCommand, *, as_json: bool) -> None:
    async with open_session() as session:
        schema = await session.core.register_attribute_schema(command, session.context)
    if as_json:
        show_json(schema_object(schema))
    else:
        show_schemas([schema])


@app.command(name="list")
async def list_(*, as_json: AsJson = False) -> None:
    """List the versions of the schema; the last one is in force.

    ```
    userctl attributes list --json
    ```

    Args:
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        schemas = await session.core.list_attribute_schemas()
    if as_json:
        show_json_page(map(schema_object, schemas), None)
    else:
        show_schemas(schemas)
