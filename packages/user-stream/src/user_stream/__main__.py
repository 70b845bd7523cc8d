"""Entry point `user-stream`: reads its settings, says what it cannot do, and stops."""

import os
import sys

from user_stream.settings import StreamSettingsError, load_stream_settings

__all__ = ["main"]

EX_UNAVAILABLE = 69
"""Source: sysexits.h of BSD: a service is unavailable."""

EX_CONFIG = 78
"""Source: sysexits.h of BSD: something was found in an unconfigured or misconfigured state."""


def main() -> None:
    """Say that the stream processor is not part of this release and exit with status 69.

    A bad `KAFKA_BOOTSTRAP` is reported first, with status 78.
    """
    if "KAFKA_BOOTSTRAP" in os.environ:
        try:
            load_stream_settings(os.environ)
        except StreamSettingsError as error:
            print(error, file=sys.stderr)  # noqa: T201 - the one line that this program says
            sys.exit(EX_CONFIG)
    message = "user-stream: the stream processor is not part of this release: nothing is consumed or published."
    print(message, file=sys.stderr)  # noqa: T201 - the one line that this program says
    sys.exit(EX_UNAVAILABLE)


if __name__ == "__main__":
    main()
