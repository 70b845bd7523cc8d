"""How large a chaos run is: short for every landing, long for `nox -s chaos`."""

import os
from typing import Final

from attrs import frozen


@frozen
class Scale:
    """The numbers of one run.

    Args:
        events: what 16 writers bring about together.
        kills: of publishers, workers and copies of the API meanwhile.
        commands: commands and facts, each delivered one to five times.
        command_kills: of workers meanwhile.
        messages: of which a tenth is poison.
        deadline_s: by when each part must be over.
    """

    events: int
    kills: int
    commands: int
    command_kills: int
    messages: int
    deadline_s: float


_SHORT: Final = Scale(events=2_000, kills=10, commands=600, command_kills=4, messages=500, deadline_s=240.0)
_LONG: Final = Scale(events=50_000, kills=200, commands=10_000, command_kills=40, messages=5_000, deadline_s=2_400.0)


def scale() -> Scale:
    """Return the scale that the environment asks for: ``CHAOS=long``, or the short one."""
    return _LONG if os.environ.get("CHAOS") == "long" else _SHORT
