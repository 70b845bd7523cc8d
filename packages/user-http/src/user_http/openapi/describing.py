"""What an operation's description is made of."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from user_http.decoding.media import JSON


@frozen
class Body:
    """What an operation takes.

    Args:
        schema: the component's name; empty for a text that is no JSON.
        example: a valid body.
        required: whether it may be left out.
        media: the media types accepted.
    """

    schema: str
    example: object
    required: bool = True
    media: tuple[str, ...] = (JSON,)


@frozen
class Success:
    """What an operation answers with when all is well.

    Args:
        schema: the component's name.
        example: makes an example.
        headers: names of the headers that come with it.
        status: the HTTP status.
        links: what can be done next: name → link object.
        also: the name of another schema that it may have instead.
        media: the media type; another one than JSON is bytes.
    """

    schema: str
    example: Callable[[], object]
    headers: tuple[str, ...] = ()
    status: int = 200
    links: Mapping[str, Any] = field(factory=dict)
    also: str | None = None
    media: str = JSON


@frozen
class Description:
    """One operation's text, parameters, body and success."""

    tag: str
    summary: str
    text: str
    parameters: tuple[str, ...]
    success: Success
    body: Body | None = None
