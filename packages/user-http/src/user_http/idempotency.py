"""The Idempotency-Key header: one effect per key, and the same answer to every repetition.

Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TypeAlias

from user_http.answers import Answer
from user_http.problems import KEY_INVALID, RequestRefusedError
from user_http.requests import Call
from usercore.kernel.context import CommandContext
from usercore.kernel.receipts import IdempotencyKey, Settled
from usercore.users.once import Once

Work: TypeAlias = Callable[[CommandContext], Awaitable[Answer]]
Replay: TypeAlias = Callable[[Settled], Awaitable[Answer]]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# Source: RFC 8941, 3.3.3: a quoted string of visible characters and blanks, with \" and \\ escaped.
_QUOTED = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"')
_ESCAPE = re.compile(r'\\(["\\])')


async def once(call: Call, run_once: Once, context: CommandContext, *, work: Work, replay: Replay) -> Answer:
    """Answer a request, once per key where it has one.

    Args:
        call: the request.
        run_once: the core's use case for it.
        context: the circumstances.
        work: does it.
        replay: renders the answer again from what came of it.

    Raises:
        RequestRefusedError: the key is not valid.
    """
    identity = await read_identity(call)
    if identity is None:
        return await work(context)
    return await run_once(identity, context, work, replay)


async def read_identity(call: Call) -> IdempotencyKey | None:
    """Return what the request is known by, or None where it has no key.

    Raises:
        RequestRefusedError: the key is not valid.
    """
    key = _read_key(call)
    return None if key is None else IdempotencyKey(_scope(call), key, call.fingerprint(await call.body()))


def _read_key(call: Call) -> str | None:
    raw = call.single_header(b"idempotency-key")
    if raw is None:
        return None
    quoted = _QUOTED.fullmatch(raw)
    key = _ESCAPE.sub(r"\1", quoted[1]) if quoted else raw
    if not _KEY.fullmatch(key):
        raise RequestRefusedError(KEY_INVALID, "use 1 to 255 visible ASCII characters")
    return key


def _scope(call: Call) -> str:
    """Return a name for the caller and the operation that says nothing about either."""
    parts = (call.who.issuer, call.who.subject, call.route.method, call.route.path, call.user_id or "")
    return sha256("\n".join(parts).encode()).hexdigest()
