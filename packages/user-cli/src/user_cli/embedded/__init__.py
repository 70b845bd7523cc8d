"""Real servers for development and tests: PostgreSQL and Valkey, as programs that come inside wheels.

They listen on 127.0.0.1 alone, ask for a password, and end with the process that started them, even when that
one is killed.
"""

from user_cli.embedded.errors import EmbeddedServerError
from user_cli.embedded.servers import EmbeddedServers, embedded_servers

__all__ = ["EmbeddedServerError", "EmbeddedServers", "embedded_servers"]
