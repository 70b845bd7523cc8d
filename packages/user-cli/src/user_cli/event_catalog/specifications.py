"""The descriptions of the service that machines read: AsyncAPI from the registry, OpenAPI from the HTTP runner."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from user_cli.failures import FileUnusableError
from usercore.codec.messages.asyncapi import TopicDefaults, document
from usercore.settings import TopicSettings

__all__ = ["asyncapi_document", "openapi_yaml"]

_OPENAPI: Final = (sys.executable, "-P", "-m", "user_http.openapi", "--write")
"""The HTTP runner's own program. Runners do not import each other."""
_TIMEOUT_S: Final = 60


def asyncapi_document() -> dict[str, Any]:
    """Return the AsyncAPI document, with topics as they are made where nothing else is set."""
    made = TopicSettings()
    return document(TopicDefaults(made.partitions, made.replication, made.retention_h, made.max_message_bytes))


def openapi_yaml() -> bytes:
    """Return the OpenAPI document.

    Raises:
        FileUnusableError: the HTTP runner does not write it.
    """
    with TemporaryDirectory(prefix="userctl-") as folder:
        path = Path(folder, "openapi.yaml")
        try:
            command = [*_OPENAPI, str(path)]
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603 - our own program
            return path.read_bytes()
        except (OSError, subprocess.SubprocessError):
            raise FileUnusableError("the OpenAPI document cannot be made: is user-http installed?") from None
