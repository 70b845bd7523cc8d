"""Reading what callers write."""

from collections.abc import Callable

from usercore.kernel.errors import Violation
from usercore.privacy.requests.errors import RequestInvalidError
from usercore.privacy.requests.values import parse_words
from usercore.users.values import ValueRejectedError


def text(name: str, raw: str, parse: Callable[[str], str] = parse_words) -> str:
    """Return a text that is kept with a request.

    Raises:
        RequestInvalidError: it breaks its rule.
    """
    try:
        return parse(raw)
    except ValueRejectedError as error:
        violation = Violation((name,), error.code, error.detail)
        raise RequestInvalidError(violations=(violation,)) from None


def optional_text(name: str, raw: str | None) -> str | None:
    """Return :func:`text`, or None for None."""
    return None if raw is None else text(name, raw)
