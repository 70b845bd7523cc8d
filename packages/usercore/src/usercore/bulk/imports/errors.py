"""What can go wrong with an import as a whole; rows have errors of their own."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, InvalidError, NotFoundError


@define(auto_exc=True, eq=False)
class ImportNotFoundError(NotFoundError):
    """There is no such import."""

    code: ClassVar[str] = "import_not_found"
    summary: ClassVar[str] = "There is no such import"


@define(auto_exc=True, eq=False)
class ImportMovedError(ConflictError):
    """Somebody else goes on with the import, so that this one must stop."""

    code: ClassVar[str] = "import_moved"
    summary: ClassVar[str] = "Somebody else goes on with this import"


@define(auto_exc=True, eq=False)
class ImportEndedError(ConflictError):
    """The import has ended, so that nothing can be added to it."""

    code: ClassVar[str] = "import_ended"
    summary: ClassVar[str] = "The import has ended"


@define(auto_exc=True, eq=False)
class ImportDiffersError(ConflictError):
    """What is to be gone on with was begun with other options."""

    code: ClassVar[str] = "import_differs"
    summary: ClassVar[str] = "The import was begun with other options; go on with the same ones"


@define(auto_exc=True, eq=False)
class ImportUnreadableError(InvalidError):
    """What is to be imported is not of its format at all: no row of it can be read."""

    code: ClassVar[str] = "import_unreadable"
    summary: ClassVar[str] = "This cannot be read as the format it is said to have"
