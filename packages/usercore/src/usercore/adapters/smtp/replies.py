"""From what a mail server answers to the errors that the delivery engine knows: the one place for it.

Neither an address nor the server's own words go into an error, for the server's words often hold the address.
"""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.kernel.errors import UserCoreError

# Source: RFC 5321, 4.2.1: the first digit says whether to try again.
_FOR_GOOD: Final = range(500, 600)
# Source: RFC 4954, 6: authentication required, credentials invalid, encryption required: it is us, not the recipient.
_ABOUT_US: Final = frozenset({530, 534, 535, 538})
# Source: RFC 5321, 4.2.3: the message is larger than the server takes.
_TOO_LARGE: Final = 552
# Source: RFC 3463, 2.
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b", re.ASCII)


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the delivery engine knows in place of what aiosmtplib raises.

    Raises:
        RecipientRefusedError: the server takes no mail to this recipient, or not this mail, for good.
        RecipientUnavailableError: the server does not answer, not in time, not now, or does not let us in.
    """
    try:
        yield
    except (SMTPException, TimeoutError, OSError) as error:
        # Without its cause: aiosmtplib's errors hold the address.
        raise _told(error) from None


def _told(error: Exception) -> UserCoreError:
    if isinstance(error, SMTPRecipientsRefused):
        return _judged(error.recipients[0])
    if isinstance(error, SMTPResponseException):
        return _answered(error)
    if _untrusted(error):
        return _away("the certificate of the mail server is not one that we trust", "smtp_certificate")
    if isinstance(error, TimeoutError):
        return _away("the mail server does not answer in time", "timeout")
    if isinstance(error, OSError):
        return _away("the mail server does not answer", "connect")
    return _away("the mail server does not offer what the settings ask for: starttls, or a login", "smtp_unsupported")


def _answered(error: SMTPResponseException) -> UserCoreError:
    match error:
        case SMTPDataError():
            return _judged(error)
        case SMTPSenderRefused() if error.code == _TOO_LARGE:
            return _judged(error)
        case SMTPSenderRefused():
            detail = "the mail server takes no mail from our address"
        case SMTPAuthenticationError():
            detail = "the mail server does not let us in: look at user name and password"
        case _:
            detail = "the mail server does not take mail now"
    return _away(f"{detail}{_numbers(error)}", f"smtp_{error.code}")


def _judged(error: SMTPResponseException) -> UserCoreError:
    cause = f"smtp_{error.code}"
    if error.code in _FOR_GOOD and error.code not in _ABOUT_US:
        detail = f"the mail server refuses this mail or its recipient for good{_numbers(error)}"
        return RecipientRefusedError(detail, cause=cause)
    return _away(f"the mail server does not take this mail now{_numbers(error)}", cause)


def _away(detail: str, cause: str) -> UserCoreError:
    return RecipientUnavailableError(detail, cause=cause)


def _numbers(error: SMTPResponseException) -> str:
    """Return the numbers of an answer, in brackets: ``(550 5.1.1)``."""
    enhanced = _ENHANCED.match(str(error.message))
    return f" ({error.code} {enhanced[0]})" if enhanced else f" ({error.code})"


def _untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
