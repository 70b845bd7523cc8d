"""Why a run of the schedule does not begin."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError


@define(auto_exc=True, eq=False)
class RetentionUnderWayError(ConflictError):
    """Another process is running the schedule."""

    code: ClassVar[str] = "retention_under_way"
    summary: ClassVar[str] = "The retention schedule is being run already; what it does not finish, a later run does"
