"""Reading what callers send, strictly: media types, JSON, shapes and query parameters."""
