"""What is kept of segments, and said of them."""

from datetime import datetime

from attrs import field, frozen


@frozen
class Segment:
    """A filter that is kept under a name.

    Args:
        name: lower-case words joined by hyphens.
        text: the filter in its canonical form.
        about: what it is for, for people; may be empty.
        saved_at: when it was kept.
        saved_by: by whom, as ``KIND:id``.
    """

    name: str
    text: str = field(repr=False)
    about: str
    saved_at: datetime
    saved_by: str


@frozen
class Count:
    """How many users a segment has.

    Args:
        users: how many were found.
        exact: whether they are all; else there may be more.
    """

    users: int
    exact: bool = True
