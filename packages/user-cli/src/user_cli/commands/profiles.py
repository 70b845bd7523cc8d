"""`userctl profiles`: the compacted topic of users' latest profiles."""

import json
import time
from pathlib import Path
from typing import Annotated, Final

from attrs import define, field
from cyclopts import Parameter, validators

from user_cli.commands.options import AsJson, command_group
from user_cli.failures import InputInvalidError, UsageError
from user_cli.inputs import read_json_object, write_public
from user_cli.output import note, say, show_json
from user_cli.progress import progress
from user_cli.session import open_messaging_session
from usercore.delivery.republish import RepublishProfiles
from usercore.delivery.topics import PROFILES
from usercore.kernel.ids import UserId

app = command_group("profiles", "The compacted topic of users' latest profiles.")

_PAGE: Final = 500


@app.command
async def republish(
    *,
    after: str | None = None,
    resume: Path | None = None,
    page: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=10_000), show_default=True)] = _PAGE,
    as_json: AsJson = False,
) -> None:
    """Publish the current profile of every user to user-profiles, and a tombstone for each erased one.

    For a topic that was made anew, or that lost something. Running it twice is harmless. Events are published between
    its pages, and may come a little later meanwhile. Ctrl-C leaves a state from which it can go on.

    ```
    userctl profiles republish --resume republish.json
    userctl profiles republish --after 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    ```

    Args:
        after: begin behind the user of this id.
        resume: a file that remembers how far it came: it goes on from there, and removes the file when it is done.
        page: users published together.
        as_json: write {"published": ...}.
    """
    if after is not None and resume is not None:
        raise UsageError("the file says where to go on: leave --after out")
    place = _Place(None if after is None else UserId(after), resume)
    place.read()
    async with open_messaging_session() as session:
        messaging = session.messaging
        await messaging.topics.ensure((PROFILES,))
        work = RepublishProfiles(
            session.core.ports.shards, messaging.publisher, session.settings.relay.publish_timeout_s
        )
        try:
            await _all(work, place, page)
        except BaseException:
            place.tell()
            raise
    place.forget()
    if as_json:
        show_json({"published": place.published})
    else:
        say(f"{place.published} profiles published.")


@define
class _Place:
    """How far it came.

    Args:
        after: the last user that was published.
        file: remembers it, where there is one.
        published: how many were, by all runs together.
    """

    after: UserId | None
    file: Path | None
    published: int = field(default=0)

    def read(self) -> None:
        """Take up what the file remembers, where it is there."""
        if self.file is None or not self.file.exists():
            return
        document = read_json_object(str(self.file))
        match document:
            case {"after": str(after), "published": int(published)}:
                self.after, self.published = UserId(after), published
            case _:
                raise InputInvalidError(f"the file {self.file} is not one that this command left")

    def reach(self, after: UserId, count: int) -> None:
        """Remember that all users up to this one were published."""
        self.after = after
        self.published += count
        if self.file is not None:
            state = {"after": after, "published": self.published}
            write_public(self.file, json.dumps(state).encode() + b"\n")

    def tell(self) -> None:
        """Say how to go on."""
        if self.after is not None:
            how = f"--after {self.after}" if self.file is None else f"--resume {self.file}"
            note(f"{self.published} profiles were published; go on with: userctl profiles republish {how}")

    def forget(self) -> None:
        """Remove the file: all is done."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


async def _all(work: RepublishProfiles, place: _Place, size: int) -> None:
    """Publish page after page, and show how fast."""
    begun, before = time.monotonic(), place.published
    with progress() as show:
        while states := await work(after=place.after, limit=size):
            place.reach(states[-1].user_id, len(states))
            rate = (place.published - before) / max(time.monotonic() - begun, 0.001)
            show(f"{place.published} profiles, {rate:.0f}/s")
