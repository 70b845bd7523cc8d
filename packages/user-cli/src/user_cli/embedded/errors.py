"""What can go wrong with an embedded server."""

__all__ = ["EmbeddedServerError"]


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot run; the message says why and what to do about it."""
