"""The Content-Type header: JSON in UTF-8 and nothing else, but for the forms of `form.py`."""

from typing import Final

from user_http.problems import CONTENT_TYPE_UNSUPPORTED, RequestRefusedError
from user_http.requests import Call

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
"""Source: RFC 7111."""
MERGE_PATCH: Final = "application/merge-patch+json"
"""Source: RFC 7396, section 4."""


def check_media_type(call: Call, accepted: tuple[str, ...]) -> str:
    """Pass a body of an accepted media type, and return the type.

    Raises:
        RequestRefusedError: the type is missing, another one, of another charset, or compressed.
    """
    check_encoding(call, accepted)
    raw = call.single_header(b"content-type")
    if raw is None:
        raise _unsupported(accepted, "name the body's media type in Content-Type")
    media, *parameters = (part.strip() for part in raw.split(";"))
    if media.lower() not in accepted:
        raise _unsupported(accepted, f"send {' or '.join(accepted)}")
    if not all(map(_says_utf8, filter(None, parameters))):
        raise _unsupported(accepted, "send UTF-8, without other parameters of the media type")
    return media.lower()


def check_encoding(call: Call, accepted: tuple[str, ...]) -> None:
    """Pass a body that is not compressed.

    Raises:
        RequestRefusedError: it is.
    """
    encoding = call.header(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        raise _unsupported(accepted, "send the body uncompressed")


def _says_utf8(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip().lower() == "charset" and value.strip().strip('"').lower() in {"utf-8", "utf8"}


def _unsupported(accepted: tuple[str, ...], detail: str) -> RequestRefusedError:
    # Source: RFC 5789, 3.1, for Accept-Patch; RFC 9110, 15.5.16, for Accept in a 415.
    name = b"accept-patch" if MERGE_PATCH in accepted else b"accept"
    return RequestRefusedError(CONTENT_TYPE_UNSUPPORTED, detail, headers=((name, ", ".join(accepted).encode()),))
