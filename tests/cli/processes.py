"""Other processes, and places where they can work."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from user_cli.embedded.memory import memory_folder


@contextmanager
def enterable_folder() -> Iterator[Path]:
    """Give a place that the servers' account can enter, which pytest's own folders are not."""
    made = Path(tempfile.mkdtemp(prefix="embedded-test-", dir=memory_folder()))
    made.chmod(0o711)
    try:
        yield made / "data"
    finally:
        shutil.rmtree(made)


def wait_until(holds: Callable[[], bool], deadline_s: float = 30.0) -> None:
    limit = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < limit, "the condition did not come to hold"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody asked about does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()
    return state not in "ZX"
