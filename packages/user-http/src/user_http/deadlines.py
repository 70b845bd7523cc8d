"""One timer for the deadlines of all requests, in place of one for each.

All may take equally long, so that the first to begin is the first to be late, and a timer set for the oldest does
for all: under load it goes off once in as long as one request may take.
"""

import asyncio
from time import monotonic
from types import TracebackType
from typing import Any, Final

_EARLY_S: Final = 0.001
"""The event loop's timers may go off so much too early."""


class DeadlinePassedError(Exception):
    """The work took too long, and was ended."""


class Deadlines:
    """Ends work that takes too long. It belongs to one event loop.

    Args:
        limit_s: how long each piece of work may take.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._running: dict[Deadline, None] = {}  # in the order in which they end
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> "Deadline":
        """Return a context for work of the current task, which is cancelled in it once its time is over."""
        task = asyncio.current_task()
        if task is None:
            message = "only a task can be ended"
            raise RuntimeError(message)
        deadline = Deadline(self._running, task, monotonic() + self._limit_s)
        self._running[deadline] = None
        if self._timer is None:
            self._set_timer(self._limit_s)
        return deadline

    def _set_timer(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._end_late_ones)

    def _end_late_ones(self) -> None:
        self._timer = None
        now = monotonic()
        for deadline in list(self._running):
            if deadline.at > now + _EARLY_S:
                self._set_timer(deadline.at - now)
                return
            deadline.pass_by()


class Deadline:
    """When one piece of work must have ended. A context manager.

    Args:
        running: those that have not ended, of which this is one.
        task: does the work.
        at: monotonic seconds.
    """

    __slots__ = ("_cancelling", "_passed", "_running", "_task", "at")

    def __init__(self, running: "dict[Deadline, None]", task: "asyncio.Task[Any]", at: float) -> None:
        self._running = running
        self._task = task
        self._cancelling = task.cancelling()
        self._passed = False
        self.at = at

    def pass_by(self) -> None:
        """End the work."""
        del self._running[self]
        self._passed = True
        self._task.cancel()

    def __enter__(self) -> None:
        """Do nothing: the time runs already."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the time.

        Raises:
            DeadlinePassedError: the work was cancelled because its time was over, and for no other reason.
        """
        if not self._passed:
            del self._running[self]
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise DeadlinePassedError from error
