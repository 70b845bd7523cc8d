"""What can go wrong at the terminal itself, beside the errors of the core.

::

    UserCoreError
      UsageError           the command line asks for what cannot be
      NotAllDoneError      some of what was asked for was refused
      NoReplyError         nobody answered in time
      FileUnusableError    a file cannot be read or written
      PortTakenError       another program listens where we should
      ServerEndedError     the server that we started is gone
      DriftError           a generated file is not what it should be
      FilesForeignError    files that somebody else wrote are in the way
"""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, InvalidError, UnavailableError, UserCoreError

__all__ = [
    "DriftError",
    "FileUnusableError",
    "FilesForeignError",
    "InputInvalidError",
    "NoReplyError",
    "NotAllDoneError",
    "PortTakenError",
    "ServerEndedError",
    "UsageError",
]


@define(auto_exc=True, eq=False)
class UsageError(UserCoreError):
    """The command line asks for what cannot be."""

    code: ClassVar[str] = "usage"
    summary: ClassVar[str] = "The command line is not valid"


@define(auto_exc=True, eq=False)
class NotAllDoneError(ConflictError):
    """Some of what was asked for was refused; the rest is done."""

    code: ClassVar[str] = "not_all_done"
    summary: ClassVar[str] = "Some of it was refused"


@define(auto_exc=True, eq=False)
class NoReplyError(UnavailableError):
    """Nobody answered the query in time."""

    code: ClassVar[str] = "no_reply"
    summary: ClassVar[str] = "Nobody answered the query in time"


@define(auto_exc=True, eq=False)
class FileUnusableError(UserCoreError):
    """A file cannot be read or written."""

    code: ClassVar[str] = "file_unusable"
    summary: ClassVar[str] = "A file cannot be read or written"


@define(auto_exc=True, eq=False)
class InputInvalidError(InvalidError):
    """What came from a file or standard input is not what was asked for."""

    code: ClassVar[str] = "input_invalid"
    summary: ClassVar[str] = "The input is not valid"


@define(auto_exc=True, eq=False)
class PortTakenError(UnavailableError):
    """Another program listens where we should."""

    code: ClassVar[str] = "port_taken"
    summary: ClassVar[str] = "Another program listens on the port"


@define(auto_exc=True, eq=False)
class ServerEndedError(UserCoreError):
    """The server that we started is gone, and nobody asked it to go."""

    code: ClassVar[str] = "server_ended"
    summary: ClassVar[str] = "A server ended by itself"


@define(auto_exc=True, eq=False)
class DriftError(InvalidError):
    """A generated file is not what it should be."""

    code: ClassVar[str] = "drifted"
    summary: ClassVar[str] = "A generated file is out of date"


@define(auto_exc=True, eq=False)
class FilesForeignError(ConflictError):
    """Files that somebody else wrote, or changed, are where ours would be."""

    code: ClassVar[str] = "files_foreign"
    summary: ClassVar[str] = "Files of somebody else are in the way"
