"""What can be wrong with an export."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import InvalidError


@define(auto_exc=True, eq=False)
class ExportInvalidError(InvalidError):
    """What is asked for cannot be exported; `violations` names what."""

    code: ClassVar[str] = "export_invalid"
    summary: ClassVar[str] = "This cannot be exported"
