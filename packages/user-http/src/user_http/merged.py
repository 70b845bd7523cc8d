"""Requests about an account that was merged into another.

A reading caller who may read both is sent to the one that stays; a changing one is told which that is. Whoever may not
see the other account learns nothing of it.
"""

from typing import Final

import msgspec

from user_http.access import RULES, authorise
from user_http.answers import JSON, NO_STORE, Answer
from user_http.problems import RequestRefusedError, answer_of_core
from user_http.requests import Call
from usercore.kernel.ids import UserId
from usercore.users.errors import UserMergedError, UserNotFoundError

_SAFE: Final = "GET"
_PLACE: Final = "{userId}"
MOVED: Final = 308
"""The very request is to be made again elsewhere. Nobody may keep the answer: a merge can be undone."""


def answer_of_merged(error: UserMergedError, call: Call) -> Answer:
    """Return the answer to a request about a merged account."""
    survivor = _visible(error.survivor, call)
    if call.route.method == _SAFE and _PLACE in call.route.path:
        if survivor is None:
            return answer_of_core(UserNotFoundError(), call.exchange.request_id)
        query = b"?" + call.query_string if call.query_string else b""
        location = call.route.path.replace(_PLACE, survivor).encode() + query
        body = msgspec.json.encode({"mergedInto": survivor})
        return Answer(MOVED, body, (JSON, NO_STORE, (b"location", location)))
    shown = {} if survivor is None else {"mergedInto": survivor}
    return answer_of_core(error, call.exchange.request_id, **shown)


def _visible(survivor: UserId | None, call: Call) -> UserId | None:
    """Return the survivor, if the caller may do to it what was asked."""
    if survivor is None or call.caller is None:
        return None
    try:
        authorise(RULES[call.route.id], call.caller, survivor)
    except (UserNotFoundError, RequestRefusedError):
        return None
    return survivor
