"""Being asked to end."""

import asyncio
import signal
from collections.abc import Callable, Sequence

__all__ = ["end_by_signals", "heed_signals"]


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
