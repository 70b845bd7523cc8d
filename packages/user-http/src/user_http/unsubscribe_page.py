"""The two pages that people see who follow an unsubscription link. They load nothing and run nothing."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

from user_http.answers import NO_STORE, Answer

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1rem}"
)
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", _POLICY.encode()),
    # The address of the page is what unsubscribes: nobody else is to learn it.
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    NO_STORE,
)
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
<h1>{title}</h1>
{content}
</html>
"""
_FORM: Final = """\
<form method="post">
<input type="hidden" name="List-Unsubscribe" value="One-Click">
<p>You will get no more mail of this sort: <strong>{what}</strong>.</p>
<button>Unsubscribe</button>
</form>"""
_DONE: Final = "<p>You will get no more mail of this sort. Mail that belongs to your contract goes on.</p>"


def question(topic: str | None) -> Answer:
    """Ask whether to unsubscribe; posting the form does it.

    Args:
        topic: what people call the mail; None for all.
    """
    what = "everything that is not part of your contract" if topic is None else topic
    return _page("Unsubscribe?", _FORM.format(what=escape(what)))


def done() -> Answer:
    """Say that it is done."""
    return _page("Unsubscribed", _DONE)


def _page(title: str, content: str) -> Answer:
    return Answer(200, _PAGE.format(title=title, style=_STYLE, content=content).encode(), _HEADERS)
