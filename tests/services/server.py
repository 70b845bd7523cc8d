"""A real HTTP server on loopback that the test can stop, start again on its port, slow down, and have refuse."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import Factory, define, field, frozen


@frozen
class Request:
    """What came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def key(self) -> str:
        """The idempotency key, without its quotes; empty where there is none."""
        return self.headers.get("idempotency-key", "").strip('"')


@frozen
class Response:
    """What goes out."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = Factory(dict)


@define(eq=False)
class Loopback:
    """A server for one handler.

    Args:
        handle: answers requests, one at a time.
        token: the bearer token that it wants; None for none.
    """

    handle: Callable[[Request], Response]
    token: str | None = None
    requests: list[Request] = field(factory=list, init=False)
    scripted: deque[Response | None] = field(factory=deque, init=False)
    """Answers that are given before anything is handled; None hangs up."""
    pause: threading.Event | None = field(default=None, init=False)
    """While it is not set, no request is answered."""
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _server: ThreadingHTTPServer | None = field(default=None, init=False)
    _port: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> "Loopback":
        """Listen; on the same port as before."""
        server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        server.daemon_threads = True
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Be away: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, request: Request) -> Response | None:
        if (pause := self.pause) is not None:
            pause.wait(30)
        with self._lock:
            if self._server is None:
                return None  # a connection from before that was kept
            self.requests.append(request)
            if self.scripted:
                return self.scripted.popleft()
            if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
                return Response(401)
            return self.handle(request)


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def log_message(self, *args: object) -> None:
            pass

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            request = Request(
                method=self.command,
                path=unquote(parts.path),
                query={name: values[0] for name, values in parse_qs(parts.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=json.loads(raw) if raw else None,
            )
            response = loopback.answer(request)
            self.close_connection = loopback._server is None or response is None
            if response is not None:
                with suppress(ConnectionError):  # whoever asked may have given up
                    self._send(response)

        def _send(self, response: Response) -> None:
            content = b"" if response.body is None else json.dumps(response.body).encode()
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if content:
                self.send_header("Content-Type", "application/json")
            if response.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 -- what its base class calls

    return Handler
