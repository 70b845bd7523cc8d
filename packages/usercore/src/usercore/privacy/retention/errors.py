"""Why a run of the schedule does not begin."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, UnavailableError


@define(auto_exc=True, eq=False)
class RetentionUnderWayError(ConflictError):
    """Another process is running the schedule."""

    code: ClassVar[str] = "retention_under_way"
    summary: ClassVar[str] = "The retention schedule is being run already; what it does not finish, a later run does"


@define(auto_exc=True, eq=False)
class NoPartAheadError(UnavailableError):
    """History or the audit trail has no part for what is written next; the rest takes it meanwhile."""

    code: ClassVar[str] = "no_part_ahead"
    summary: ClassVar[str] = "History or the audit trail has no part for the next quarter: userctl db upgrade"
