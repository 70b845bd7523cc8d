"""Run one command so that it ends with the process that started it.

Started by path, with nothing but the standard library, as
``python -I -S guard.py MODE PARENT SIGNAL UID GID -- COMMAND…``:

- ``MODE``: ``signal`` lets the Linux kernel send SIGNAL when the parent dies; ``watch`` stays beside the command
  and looks whether the parent is still there, which works everywhere.
- ``PARENT``: process id of whoever must live. A parent that is gone already means not to start at all.
- ``UID``, ``GID``: the account to run as, or -1 to stay what we are.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import NoReturn

# Everything is imported here: the account that we become may not be able to read Python's own files.

PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""

_LOOK_EVERY_S = 0.1


def main() -> NoReturn:
    """Become the command, or stay beside it and end with its status."""
    mode, *numbers = sys.argv[1:6]
    command = sys.argv[7:]
    parent, signal_number, uid, gid = (int(number) for number in numbers)
    _become(uid, gid)
    if mode == "watch":
        sys.exit(_watch(command, parent, signal_number))
    _become_mortal(command, parent, signal_number)


def _become(uid: int, gid: int) -> None:
    if uid < 0:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _become_mortal(command: list[str], parent: int, signal_number: int) -> NoReturn:
    # After the account changed: the kernel forgets the signal when credentials change.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(1)  # the parent died before the kernel knew whom to tell
    os.execv(command[0], command)  # noqa: S606 - an absolute path and no shell, on purpose


def _watch(command: list[str], parent: int, signal_number: int) -> int:
    if os.getppid() != parent:
        return 1
    child = subprocess.Popen(command)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, forward)
    told = False
    while child.poll() is None:
        if not told and os.getppid() != parent:
            child.send_signal(signal_number)
            told = True
        time.sleep(_LOOK_EVERY_S)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    main()
