"""Write docs/access.md from the access tables of the API; `--check` fails when it has drifted."""

import sys
from collections.abc import Iterator
from pathlib import Path

from user_http.access import PUBLIC, RULES
from user_http.auth.callers import Scope
from user_http.routes import ROUTES, Route

PAGE = Path(__file__).resolve().parent.parent / "docs" / "access.md"
YES = "yes"
HEAD = """\
# Who may do what

One table in the code (`user_http/access.py`) decides over every request; this page is made from it, and a test tries
every operation with every scope, as the user it is about, about somebody else, an absent, a deactivated and an erased
user. **One** of the scopes marked is enough. *Self* is a token whose `sub` is the id of the user that the request is
about: it needs no scope. *Anonymous* is a request without a token.

"""
TAIL = """
## What the others are answered

| who asks | about themselves | about another user | about an absent id | about an erased user |
|---|---|---|---|---|
| with one of the scopes | served | served | 404 `user_not_found` | 410 `user_erased` with `privacy:manage`, else 404 |
| as the user, where *self* is marked | served | as below | as below | 404 `user_not_found` |
| with another of the `users:` scopes | 403 `scope_insufficient` | 403 | 403 | 403 |
| with none of the `users:` scopes | 403 `scope_insufficient` | 404 `user_not_found` | 404 | 404 |
| without a token, or with one that proves nothing | 401 | 401 | 401 | 401 |

- Whoever handles no users at all cannot find out who exists: another user's id is answered byte for byte as one that
  nobody has, but for the request's id.
- An operation about nobody in particular (to create, to list) is refused with 403.
- A deactivated user is read as any other; what a deactivated account does not allow is refused with 409.
- Over Kafka the access control of the topics decides who may send; [signed commands](signed-commands.md) prove who did.

## Without a token

| operation | request | why |
|---|---|---|
"""


def page() -> str:
    """Return the page as it should be."""
    names = [*Scope, "self", "anonymous"]
    head = f"| operation | request | {' | '.join(names)} |\n|{'---|' * (len(names) + 2)}\n"
    return HEAD + head + "".join(map(_row, ROUTES)) + TAIL + "".join(_public())


def _row(route: Route) -> str:
    cells = [YES if allowed else "" for allowed in _allowed(route)]
    return f"| `{route.id}` | `{route.method} {route.path}` | {' | '.join(cells)} |\n"


def _allowed(route: Route) -> Iterator[bool]:
    """Yield for each column whether it may: the scopes, the user, anybody."""
    rule = RULES.get(route.id)
    for scope in Scope:
        yield rule is None or scope in rule.scopes
    yield rule is None or rule.own
    yield rule is None


def _public() -> Iterator[str]:
    for route in ROUTES:
        if route.id in PUBLIC:
            yield f"| `{route.id}` | `{route.method} {route.path}` | {PUBLIC[route.id]} |\n"


def main(arguments: list[str]) -> None:
    """Write the page, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/access.md has drifted: run python tools/access_table.py")


if __name__ == "__main__":
    main(sys.argv[1:])
