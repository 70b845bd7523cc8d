"""`userctl segment`: users chosen by a filter, and filters that are kept under names."""

from typing import Annotated, TypeAlias

from cyclopts import Parameter

from user_cli.commands.options import AsJson, command_group, stated_reason
from user_cli.failures import UsageError
from user_cli.output import say, show_json, show_json_page
from user_cli.session import open_session
from user_cli.views_segments import field_object, meaning_object, show_fields, show_meaning, show_segments
from usercore.codec.segments import count_object, segment_object
from usercore.segments.catalogue import CATALOGUE
from usercore.segments.read_filter import UserFilter
from usercore.segments.save_segment import SaveSegmentCommand
from usercore.wiring.core import Core

app = command_group("segment", "Users chosen by a filter: count them, and keep filters under names.")

Text: TypeAlias = Annotated[str, Parameter(help="What must hold of them, in the filter language: docs/segments.md.")]
SegmentName: TypeAlias = Annotated[
    str | None, Parameter(name="--segment", help="The name of a filter that is kept, in place of FILTER.")
]


@app.command
async def count(text: Text | None = None, /, *, segment: SegmentName = None, as_json: AsJson = False) -> None:
    """Count the users that a filter chooses: those that `userctl user list --filter` shows.

    Counting takes two seconds at most, about; what is found by then is told as "at least". Users whose data is
    restricted are counted only where the filter names `restricted`.

    ```
    userctl segment count "loyalty.tier >= GOLD and orders.lastAt > now - 90 days"
    userctl segment count --segment german-gold --json
    ```

    Args:
        text: the filter.
        segment: the name of one that is kept.
        as_json: write {"filter": ..., "users": ..., "exact": ..., "restricted": ...}.
    """
    async with open_session() as session:
        found = await _read(session.core, text, segment)
        with session.from_replicas():
            counted = await session.core.count_segment(found)
        asked = ["filter" if segment is None else "segment", *(f"filter:{field}" for field in found.fields)]
        await session.core.record_reads.counted(sorted(asked), session.context)
    if as_json:
        show_json(count_object(found, counted))
    else:
        say(f"{'' if counted.exact else 'at least '}{counted.users:,} users")


@app.command
async def explain(
    text: Text | None = None, /, *, segment: SegmentName = None, plan: bool = False, as_json: AsJson = False
) -> None:
    """Say what a filter means at this moment; nobody is looked for.

    ```
    userctl segment explain "age >= 18 and createdAt > now - 7 days"
    userctl segment explain "address.country = 'DE'" --plan
    ```

    Args:
        text: the filter.
        segment: the name of one that is kept.
        plan: also how the database would look for them, in its own words.
        as_json: write {"filter": ..., "means": ..., "fields": [...], "restricted": ..., "plan": [...]}.
    """
    async with open_session() as session:
        found = await _read(session.core, text, segment)
        lines = await session.core.count_segment.plan(found) if plan else None
    if as_json:
        show_json(meaning_object(found, lines))
    else:
        show_meaning(found, lines)


@app.command
def fields(*, as_json: AsJson = False) -> None:
    """List the fields that a filter may name.

    ```
    userctl segment fields
    ```

    Args:
        as_json: write {"items": [...], "nextCursor": null}.
    """
    if as_json:
        show_json_page(map(field_object, CATALOGUE), None)
    else:
        show_fields(CATALOGUE)


@app.command
async def save(name: str, text: Text, /, *, about: str = "", as_json: AsJson = False) -> None:
    """Keep a filter under a name, for --segment. What it means is read each time.

    A name keeps its filter: to change one, delete it and save it anew. It may not compare fields that name one person.

    ```
    userctl segment save german-gold "loyalty.tier = GOLD and address.country = 'DE'" --about "the spring letter"
    ```

    Args:
        name: lower-case words joined by hyphens.
        text: the filter.
        about: what it is for, on one line.
        as_json: write the segment as JSON.
    """
    async with open_session() as session:
        segment = await session.core.save_segment(SaveSegmentCommand(name, text, about), session.context)
    if as_json:
        show_json(segment_object(segment))
    else:
        show_segments([segment])


@app.command(name="list")
async def list_(*, as_json: AsJson = False) -> None:
    """List the filters that are kept, by name.

    ```
    userctl segment list
    ```

    Args:
        as_json: write {"items": [...], "nextCursor": null}.
    """
    async with open_session() as session:
        segments = await session.core.read_segments()
    if as_json:
        show_json_page(map(segment_object, segments), None)
    else:
        show_segments(segments)


@app.command
async def delete(
    name: str, /, *, reason: Annotated[str, Parameter(help="Why, in at most 500 characters.")], as_json: AsJson = False
) -> None:
    """Forget a filter that is kept. Users stay as they are.

    ```
    userctl segment delete german-gold --reason "the campaign is over"
    ```

    Args:
        name: of the segment.
        reason: why.
        as_json: write the segment that was there as JSON.
    """
    why = stated_reason(reason)
    async with open_session() as session:
        segment = await session.core.delete_segment(name, why, session.context)
    if as_json:
        show_json(segment_object(segment))
    else:
        say(f"{segment.name} is deleted. It was: {segment.text}")


async def _read(core: Core, text: str | None, segment: str | None) -> UserFilter:
    if (text is None) is (segment is None):
        raise UsageError("give a filter, or --segment: one of them")
    return await core.read_segments.filter_of(segment) if segment is not None else await core.read_filter(text or "")
