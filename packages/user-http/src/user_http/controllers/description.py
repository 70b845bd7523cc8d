"""The description of the API, for programs and for people."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from attrs import frozen

from user_http import routes
from user_http.answers import Answer
from user_http.openapi.document import openapi_json, openapi_yaml
from user_http.pipeline import Operation
from user_http.requests import Call

_CACHE: Final = (b"cache-control", b"public, max-age=300")
_SOURCES: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_POLICY: Final = (b"content-security-policy", _SOURCES)


@frozen
class DescriptionController:
    """Answers with what the API is."""

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.OPENAPI_JSON, self.json)
        yield Operation(routes.OPENAPI_YAML, self.yaml)
        yield Operation(routes.DOCS, self.page)
        yield Operation(routes.DOCS_SCRIPT, self.script)
        yield Operation(routes.DOCS_STYLE, self.style)

    async def json(self, _: Call) -> Answer:
        """Serve the OpenAPI document as JSON."""
        return _static(openapi_json(), b"application/json")

    async def yaml(self, _: Call) -> Answer:
        """Serve the OpenAPI document as YAML. Source: RFC 9512 for its media type."""
        return _static(openapi_yaml(), b"application/yaml")

    async def page(self, _: Call) -> Answer:
        """Serve the page that shows the document."""
        return _static(_file("index.html"), b"text/html; charset=utf-8")

    async def script(self, _: Call) -> Answer:
        """Serve the page's script."""
        return _static(_file("page.js"), b"text/javascript; charset=utf-8")

    async def style(self, _: Call) -> Answer:
        """Serve the page's style sheet."""
        return _static(_file("page.css"), b"text/css; charset=utf-8")


@cache
def _file(name: str) -> bytes:
    return files("user_http").joinpath("docs_page", name).read_bytes()


def _static(body: bytes, media_type: bytes) -> Answer:
    return Answer(200, body, ((b"content-type", media_type), _CACHE, _POLICY))
