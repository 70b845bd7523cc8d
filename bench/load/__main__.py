"""Read a plan from standard input, put the load on, write the result to standard output."""

import gc
import sys

import uvloop

from bench.load.client import put_on
from bench.load.plan import LoadFailedError, LoadPlan


def main() -> int:
    """Return 0, or 1 with the reason on standard error."""
    plan = LoadPlan.read(sys.stdin.buffer.read())
    gc.disable()  # the generator's own pauses would be counted as the server's
    try:
        result = uvloop.run(put_on(plan))
    except LoadFailedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(result.write())
    return 0


if __name__ == "__main__":
    sys.exit(main())
