"""A raw ASGI application under uvicorn (uvloop, httptools): the same bytes to every request, no work."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
BODY_FILE = "BENCH_BODY_FILE"
"""Environment variable that names the file with the body to answer."""


def make_app() -> Callable[..., Awaitable[None]]:
    """Return the application; uvicorn calls this once."""
    body = Path(os.environ[BODY_FILE]).read_bytes()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    whole = {"type": "http.response.body", "body": body}

    async def app(scope: MutableMapping[str, Any], _receive: object, send: _Send) -> None:
        assert scope["type"] == "http"
        await send(start)
        await send(whole)

    return app
