"""A sender that keeps what it is given, or refuses it."""

from collections.abc import Callable, Sequence

from attrs import define, field

from usercore.messaging.errors import MessageTooLargeError

Sent = tuple[str, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


@define
class RecordingSender:
    """Keeps messages that fit; `before` runs ahead of each and may raise."""

    most_bytes: int = 1_000_000
    before: Callable[[], None] = lambda: None
    sent: list[Sent] = field(factory=list)

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        self.before()
        size = len(key or b"") + len(value or b"") + sum(len(name) + len(held) for name, held in headers)
        if size > self.most_bytes:
            raise MessageTooLargeError
        self.sent.append((topic, key, value, tuple(headers)))
