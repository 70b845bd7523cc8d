"""Clients of the services around us."""
