"""What the load generator is asked to do, and what it answers."""

import json
from collections.abc import Iterator
from typing import Final

from attrs import asdict, evolve, field, frozen

ID: Final = "@ID@"
VERSION: Final = "@VERSION@"
NUMBER: Final = "@NUMBER@"
NUMBER_DIGITS: Final = 12


class LoadFailedError(Exception):
    """The load could not be put on, or an answer was not the one that was to be measured."""


@frozen
class LoadPlan:
    """Requests to send over keep-alive connections, one at a time on each.

    A connection has its own share of the ids and goes round it for as long as the sample lasts, so two
    requests for one id are never under way at once.

    Args:
        port: of the server, on 127.0.0.1.
        template: one HTTP/1.1 request; `ID`, `VERSION` and `NUMBER` stand for what differs in each.
        status: what every answer must have.
        ids: what `ID` stands for, in turn.
        versions: what `VERSION` stands for at first, for each id; one more with each request for that id.
        first_number: `NUMBER` begins here, in 12 digits, and never comes twice in a sample.
        connections: how many.
        seconds: how long to measure.
        warmup_s: how long to send before that without measuring.
    """

    port: int
    template: str = field(repr=False)
    status: int = 200
    ids: tuple[str, ...] = field(default=("",), repr=False)
    versions: tuple[int, ...] = field(default=(), repr=False)
    first_number: int = 0
    connections: int = 64
    seconds: float = 2.0
    warmup_s: float = 0.3

    def write(self) -> bytes:
        """Return the plan as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, raw: bytes) -> "LoadPlan":
        """Return the plan that :meth:`write` wrote."""
        plan = cls(**json.loads(raw))
        return evolve(plan, ids=tuple(plan.ids), versions=tuple(plan.versions))

    def requests(self, connection: int) -> Iterator[bytes]:
        """Yield the requests of one connection, without end."""
        share = range(connection, len(self.ids), self.connections) or range(len(self.ids))
        pieces = _pieces(self.template)
        number = self.first_number + connection
        for lap in _count():
            for index in share:
                version = self.versions[index] + lap if self.versions else 0
                values = {ID: self.ids[index], VERSION: str(version), NUMBER: f"{number:0{NUMBER_DIGITS}d}"}
                yield b"".join(values[piece].encode() if isinstance(piece, str) else piece for piece in pieces)
                number += self.connections


def _count() -> Iterator[int]:
    lap = 0
    while True:
        yield lap
        lap += 1


def _pieces(template: str) -> list[bytes | str]:
    """Part a template into bytes and the words that stand for something."""
    parts: list[bytes | str] = [template.encode()]
    for word in (ID, VERSION, NUMBER):
        parts = [piece for part in parts for piece in _split(part, word)]
    return parts


def _split(part: bytes | str, word: str) -> Iterator[bytes | str]:
    if isinstance(part, str):
        yield part
        return
    first, *others = part.split(word.encode())
    yield first
    for other in others:
        yield word
        yield other


@frozen
class LoadResult:
    """What came of a plan, warm-up left out.

    Args:
        count: answers, each with the right status.
        seconds: from the end of the warm-up to the last answer.
        p50_ms: half of the answers took at most this long.
        p99_ms: 99 of 100 answers took at most this long.
        longest_ms: the slowest answer.
        body_bytes: bytes of all bodies.
    """

    count: int
    seconds: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    body_bytes: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def write(self) -> bytes:
        """Return the result as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, raw: bytes) -> "LoadResult":
        """Return the result that :meth:`write` wrote."""
        return cls(**json.loads(raw))
