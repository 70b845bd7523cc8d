"""Logs, metrics and traces, wrapped around the use cases at wiring."""
