"""What can go wrong, by kind.

::

    UserCoreError
      InvalidError       the input breaks a rule; `violations` names each field
      NotFoundError      there is no such thing, or the caller may not know of it
      ConflictError      the state of things forbids it now
      DeniedError        the caller may not do it
      ExhaustedError     too much at once; try again later
      UnavailableError   a part we stand on does not answer

A leaf carries a stable `code`. The core knows no HTTP status and no exit code: each runner maps
kinds (and, where it must, codes) in one table of its own.
"""

from typing import ClassVar

from attrs import define, field, frozen

__all__ = [
    "ConflictError",
    "DeniedError",
    "ExhaustedError",
    "InvalidError",
    "NotFoundError",
    "UnavailableError",
    "UserCoreError",
    "Violation",
    "all_errors",
]


@frozen
class Violation:
    """One rule that one input field breaks.

    Args:
        path: where, in the domain's names, outermost first: ``("address", "city")``.
        code: stable word for the rule.
        detail: what to do about it, without repeating the value.
    """

    path: tuple[str, ...]
    code: str
    detail: str


@define(auto_exc=True, eq=False)
class UserCoreError(Exception):
    """Root of every error this library raises on purpose.

    `detail` says what is wrong and what to do; it never holds a personal value.
    """

    code: ClassVar[str] = "error"
    summary: ClassVar[str] = "Something went wrong"

    detail: str = ""

    def __str__(self) -> str:
        """Return the detail, or the leaf's summary where there is none."""
        return self.detail or self.summary


@define(auto_exc=True, eq=False)
class InvalidError(UserCoreError):
    """The input breaks a rule; sending it again unchanged cannot help."""

    code: ClassVar[str] = "invalid"
    summary: ClassVar[str] = "The input is not valid"

    violations: tuple[Violation, ...] = field(default=(), kw_only=True)

    def __str__(self) -> str:
        """Return the detail and each violation, one after another."""
        rules = "; ".join(f"{'.'.join(v.path) or 'input'}: {v.detail}" for v in self.violations)
        return ": ".join(part for part in (self.detail or self.summary, rules) if part)


@define(auto_exc=True, eq=False)
class NotFoundError(UserCoreError):
    """There is no such thing, or the caller may not know that there is."""

    code: ClassVar[str] = "not_found"
    summary: ClassVar[str] = "There is no such thing"


@define(auto_exc=True, eq=False)
class ConflictError(UserCoreError):
    """The state of things forbids it now; it may be possible later or otherwise."""

    code: ClassVar[str] = "conflict"
    summary: ClassVar[str] = "The current state does not allow this"


@define(auto_exc=True, eq=False)
class DeniedError(UserCoreError):
    """The caller is known and may not do this."""

    code: ClassVar[str] = "denied"
    summary: ClassVar[str] = "The caller may not do this"


@define(auto_exc=True, eq=False)
class ExhaustedError(UserCoreError):
    """Too much at once: nothing was done, and a later try may succeed."""

    code: ClassVar[str] = "exhausted"
    summary: ClassVar[str] = "Too many requests at once; try again later"

    retry_after_s: float = field(default=1.0, kw_only=True)


@define(auto_exc=True, eq=False)
class UnavailableError(UserCoreError):
    """A part we stand on does not answer: try again later."""

    code: ClassVar[str] = "unavailable"
    summary: ClassVar[str] = "A part of the service does not answer; try again later"

    retry_after_s: float = field(default=1.0, kw_only=True)


def all_errors(root: type[UserCoreError] = UserCoreError) -> tuple[type[UserCoreError], ...]:
    """List `root` and every error below it that has been imported, parents first."""
    below = (leaf for child in root.__subclasses__() for leaf in all_errors(child))
    return (root, *dict.fromkeys(below))
