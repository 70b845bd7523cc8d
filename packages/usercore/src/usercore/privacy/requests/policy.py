"""What the operator decides about privacy requests."""

from datetime import UTC, timedelta, tzinfo

from attrs import frozen


@frozen
class RequestPolicy:
    """The company's rules.

    Args:
        zone: where the company's days begin and end.
        archive_kept: how long an archive can be fetched.
        erasure_delay: how long an accepted erasure waits, so that a hold or a refusal can still come.
        patience: how long an erasure waits for what was announced before, until it drops that.
    """

    zone: tzinfo = UTC
    archive_kept: timedelta = timedelta(days=7)
    erasure_delay: timedelta = timedelta()
    patience: timedelta = timedelta(minutes=10)
