"""One key, without the return key behind it."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quitting_by_key"]

_QUITS = frozenset(b"qQ\x03\x04")


@contextmanager
def quitting_by_key(asked: asyncio.Event) -> Iterator[None]:
    """Set what is given once q is pressed; a keyboard that is no terminal is left alone."""
    if not sys.stdin.isatty():
        yield
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    loop = asyncio.get_running_loop()

    def read() -> None:
        pressed = os.read(keyboard, 64)
        if not pressed or not _QUITS.isdisjoint(pressed):
            asked.set()

    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, read)
    try:
        yield
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
