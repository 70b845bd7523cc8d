"""Benchmarks: each case held against a floor, interleaved in one run. `python -m bench --help` says how."""
