"""Being asked to end."""

import asyncio
import signal

__all__ = ["heed_signals"]


def heed_signals() -> asyncio.Event:
    """Return what is set once somebody asks us to end."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` wants us to go on without a terminal
            loop.add_signal_handler(number, asked.set)
    return asked
