"""Real servers for development and tests: PostgreSQL, Valkey and a Kafka broker, as programs that come inside wheels.

They listen on 127.0.0.1 alone and end with the process that started them, even when that one is killed. All but the
broker ask for a password.
"""

from user_cli.embedded.errors import EmbeddedServerError
from user_cli.embedded.servers import EmbeddedServers, embedded_servers

__all__ = ["EmbeddedServerError", "EmbeddedServers", "embedded_servers"]
