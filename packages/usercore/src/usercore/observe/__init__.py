"""Logs and metrics, wrapped around the use cases at wiring."""
