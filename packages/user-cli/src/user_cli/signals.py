"""Being asked to end."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial

__all__ = ["Asked", "end_by_signals", "heed_signals", "let_batches_end"]


class Asked:
    """Which signal asked us to end, if one did."""

    def __init__(self) -> None:
        self.by: signal.Signals | None = None

    def __bool__(self) -> bool:
        """Return whether one did."""
        return self.by is not None

    @property
    def exit_code(self) -> int:
        """128 and the signal, as shells have it."""
        return 128 + (self.by or signal.SIGINT)


def let_batches_end() -> Asked:
    """Return what tells whether somebody asked us to end, for work that ends when it comes to a good place."""
    asked = Asked()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        _at((number,), partial(setattr, asked, "by", number))
    return asked


def heed_signals() -> asyncio.Event:
    """Return what is set once somebody asks us to end."""
    asked = asyncio.Event()
    _at((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), asked.set)
    return asked


def end_by_signals() -> None:
    """Have other signals end what this task has begun, in order, as Ctrl-C does; until :func:`heed_signals`."""
    task = asyncio.current_task()
    if task is not None:
        _at((signal.SIGTERM, signal.SIGHUP), task.cancel)


def _at(numbers: Sequence[signal.Signals], act: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` wants us to go on without a terminal
            loop.add_signal_handler(number, act)
