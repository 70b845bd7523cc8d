"""The load generator: a process of its own that keeps connections busy and looks at every answer."""

from bench.load.plan import LoadFailedError, LoadPlan, LoadResult
from bench.load.running import run_load

__all__ = ["LoadFailedError", "LoadPlan", "LoadResult", "run_load"]
