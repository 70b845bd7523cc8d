"""Stop asking a server that does not answer, and find out when it does again."""

import time
from collections.abc import Callable
from typing import Final

from attrs import define, field

FAILURES: Final = 3
"""In a row: one broken connection, and the try again over another, do not yet say that the server is gone."""
REST_S: Final = 1.0
"""Between two looks at a server that does not answer."""


@define
class Breaker:
    """Lets exchanges through until several in a row have failed, then one at a time with rests between.

    Args:
        clock: seconds that never run backwards.
    """

    clock: Callable[[], float] = field(default=time.monotonic)
    _failures: int = field(default=0, init=False)
    _rest_until: float = field(default=0.0, init=False)
    _probing: bool = field(default=False, init=False)

    def admits(self) -> bool:
        """Return whether an exchange may be tried now; who gets True must tell how it went."""
        if self._failures < FAILURES:
            return True
        if self._probing or self.clock() < self._rest_until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Take note of an exchange that went well."""
        self._failures = 0
        self._probing = False

    def failed(self) -> None:
        """Take note of an exchange that failed."""
        self._failures += 1
        self._probing = False
        self._rest_until = self.clock() + REST_S
