"""Messages that are consumed, and those that were set aside."""

from usercore.observe.metrics.base import Declaring
from usercore.observe.metrics.serving import SECONDS


class ConsumingMetrics(Declaring):
    """What becomes of messages."""

    def _declare_stream(self) -> None:
        self._stream_messages = self._counter(
            "user_service_stream_messages_total",
            "Consumed messages by their end: applied, repeated, rejected, answered, parked, ignored, dead_letter.",
            "topic",
            "outcome",
        )
        self._stream_batches = self._tallies(
            "user_service_stream_batch_seconds",
            "Time from taking a batch of messages to their acknowledgement.",
            "topic",
            bounds=SECONDS,
        )
        self._stream_retries = self._counter(
            "user_service_stream_retries_total",
            "Tries that failed and were repeated in place, by the code of the error.",
            "code",
        )
        self._dead_letters = self._counter(
            "user_service_dead_letters_total",
            "Messages set aside because nobody could use them, by what is wrong.",
            "topic",
            "code",
        )
        self._dead_letters_waiting = self._gauge(
            "user_service_dead_letters_waiting",
            "Dead letters that no operator has decided about.",
        )
        self._parked = self._gauge(
            "user_service_parked_messages",
            "Events that wait for their user, order or payment to become known.",
        )
        self._stream_lag = self._gauge(
            "user_service_stream_lag_messages",
            "Messages of the partitions assigned to this copy that have not found their end.",
            "topic",
        )

    def stream_message(self, topic: str, outcome: str) -> None:
        """Count a consumed message that found its end."""
        self._stream_messages.labels(topic, outcome).inc()

    def stream_batch(self, topic: str, seconds: float) -> None:
        """Count a batch of messages that was acknowledged."""
        self._stream_batches.observe((topic,), seconds)

    def stream_retried(self, code: str) -> None:
        """Count a failed try that is repeated in place."""
        self._stream_retries.labels(code).inc()

    def dead_letter(self, topic: str, code: str) -> None:
        """Count a message that was set aside."""
        self._dead_letters.labels(topic, code).inc()

    def set_aside(self, *, parked: int, dead_letters: int) -> None:
        """Set what waits for something to become known, and what waits for an operator."""
        self._parked.set(parked)
        self._dead_letters_waiting.set(dead_letters)

    def stream_lag(self, topic: str, messages: int) -> None:
        """Set how many messages of a topic wait to be worked on here."""
        self._stream_lag.labels(topic).set(messages)
