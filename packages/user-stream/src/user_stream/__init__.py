"""The stream processor of the User Service: settings and entry point."""
