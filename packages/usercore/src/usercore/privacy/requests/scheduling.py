"""When the service goes on with a request by itself."""

from datetime import datetime

from usercore.privacy.requests.model import PrivacyRequest
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.values import RequestKind, RequestState


def first_run(request: PrivacyRequest, policy: RequestPolicy, now: datetime) -> datetime | None:
    """Return when the service begins with what is asked, or None where an operator has to."""
    if request.state is not RequestState.ACCEPTED or not is_automatic(request):
        return None
    return now + policy.erasure_delay if request.kind is RequestKind.ERASURE else now


def is_automatic(request: PrivacyRequest) -> bool:
    """Return whether the service can do what is asked; words alone need somebody who understands them."""
    return request.kind is not RequestKind.RECTIFICATION or request.asked.patch is not None
