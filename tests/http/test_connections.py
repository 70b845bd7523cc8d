"""Bytes that are no request, or never become one: refused in bounded time and space, on a real socket."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.http.live import live_server
from user_http.protocol import HEAD_MAX_BYTES, BoundedHttpProtocol

PATIENCE_S = 20.0


class Impatient(BoundedHttpProtocol):
    """Waits less, so that the test does."""

    head_timeout_s = 0.2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with live_server(Path(tmp_path_factory.mktemp("patient"))) as url:
        yield "127.0.0.1", int(urlsplit(url).port or 0)


@pytest.fixture(scope="module")
def impatient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with live_server(Path(tmp_path_factory.mktemp("impatient")), protocol=Impatient) as url:
        yield "127.0.0.1", int(urlsplit(url).port or 0)


def everything(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    return received


def problem_in(raw: bytes, status: int, code: str) -> None:
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), raw
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    assert document["requestId"].encode() in head


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_http_is_a_problem(server: tuple[str, int], raw: bytes) -> None:
    with socket.create_connection(server, PATIENCE_S) as connection:
        connection.sendall(raw)
        problem_in(everything(connection), 400, "request_malformed")


@pytest.mark.parametrize("piece", [b"X-Name: " + b"v" * 1000 + b"\r\n", b"v" * 1000])
def test_headers_without_end_are_cut_off(server: tuple[str, int], piece: bytes) -> None:
    with socket.create_connection(server, PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ")
        sent = 0
        try:
            while sent < 100 * HEAD_MAX_BYTES:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
    assert sent < 100 * HEAD_MAX_BYTES


def test_a_head_above_the_limit_is_a_problem(server: tuple[str, int]) -> None:
    with socket.create_connection(server, PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"v" * HEAD_MAX_BYTES)
        problem_in(everything(connection), 431, "head_too_large")


@pytest.mark.parametrize("begun", [b"", b"GET /health/live HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_come_in_time_is_given_up(impatient_server: tuple[str, int], begun: bytes) -> None:
    with socket.create_connection(impatient_server, PATIENCE_S) as connection:
        connection.sendall(begun)
        problem_in(everything(connection), 408, "head_too_slow")


def test_a_connection_that_was_used_waits_for_the_next_request(impatient_server: tuple[str, int]) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(impatient_server, PATIENCE_S) as connection:
        connection.sendall(request)
        received = b""
        while b"alive" not in received:
            received += connection.recv(65_536)
        connection.settimeout(3 * Impatient.head_timeout_s)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(PATIENCE_S)
        connection.sendall(request[:-2])
        problem_in(everything(connection), 408, "head_too_slow")
