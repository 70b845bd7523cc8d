"""Entry point `user-stream`: the stream processor on what the environment names."""

import os
import sys
from typing import Final

import structlog
import uvloop
from attrs import frozen

from user_stream.app import Stream, StreamFailedError, run_stream, stopped_by_signals
from usercore.observe.logs import configure_logs
from usercore.settings import CoreSettings, SettingsError, StreamSettings, load
from usercore.wiring.messaging import signed_topics

__all__ = ["main"]

EX_OSERR: Final = 71
"""Source: sysexits.h of BSD: something of the operating system failed."""
EX_TEMPFAIL: Final = 75
"""Source: sysexits.h of BSD: a failure that may be gone by the next try."""
EX_CONFIG: Final = 78
"""Source: sysexits.h of BSD: something was found in an unconfigured or misconfigured state."""


@frozen
class _Settings:
    """Everything, so that whatever is wrong is named at once."""

    core: CoreSettings
    stream: StreamSettings


def main() -> None:
    """Read the settings and consume until a signal comes.

    It exits with 78 when settings are not valid, and with 75 when it cannot go on and should be started anew.
    """
    try:
        settings = load(_Settings, os.environ)
        signed_topics(settings.stream.signing, settings.stream.consumer.inbox_kept_h)
        configure_logs(settings.core.telemetry)
        uvloop.run(_run(settings))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- for whoever starts it, and often before logs are configured
        sys.exit(EX_CONFIG)
    except StreamFailedError as error:
        structlog.get_logger().error("stream processor failed", code=error.code, detail=error.detail, exc_info=error)
        sys.exit(EX_TEMPFAIL)
    except OSError as error:
        structlog.get_logger().error("stream processor failed", code="os_error", detail=error.strerror)
        sys.exit(EX_OSERR)


async def _run(settings: _Settings) -> None:
    stream = Stream()
    with stopped_by_signals(stream):
        await run_stream(settings.core, settings.stream, stream)


if __name__ == "__main__":
    main()
