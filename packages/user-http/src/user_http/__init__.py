"""The HTTP API of the User Service."""
