"""Problems and health on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType


class FieldProblem(Struct, rename="camel"):
    """What is wrong with one field."""

    pointer: Annotated[
        str, Meta(description="JSON Pointer into the body, or /name of a query parameter.", examples=["/email"])
    ]
    code: str
    detail: str


class Problem(Struct, rename="camel", kw_only=True):
    """A problem document (RFC 9457). It never repeats what was sent."""

    type: Annotated[str, Meta(description="A URN that ends in the code.")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    instance: Annotated[str, Meta(description="A URN that ends in the request's id.")]
    code: Annotated[str, Meta(description="A stable word for what went wrong.")]
    request_id: str
    errors: list[FieldProblem] | UnsetType = UNSET
    position: (
        Annotated[int, Meta(ge=1, description="Of `filter_invalid`: the character of the filter where it goes wrong.")]
        | UnsetType
    ) = UNSET


class NotReady(Problem, kw_only=True):
    """A problem document that tells how the parts stand."""

    parts: dict[str, str] | UnsetType = UNSET


class Liveness(Struct):
    """The process runs."""

    status: Annotated[str, Meta(examples=["alive"])]


class Readiness(Struct):
    """How the parts of the service stand: ok, down or off."""

    ready: bool
    parts: dict[str, str]
