"""Forms, as browsers and mail software post them: each known field, once, and nothing else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from user_http.decoding.media import check_encoding, check_media_type
from user_http.decoding.query import decode_component
from user_http.problems import BODY_INVALID, BODY_MALFORMED, BODY_TOO_LARGE, FieldProblem, RequestRefusedError
from user_http.requests import Call
from usercore.codec.strict_json import JsonRefusedError, check_text

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
FORMS: Final = (URLENCODED, MULTIPART)
FORM_MAX_BYTES: Final = 4096
# Source: RFC 2046, 5.1.1: bchars, at most 70 of them, the last no blank; quoted or not.
_QUOTED: Final = r"""[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]"""
_BARE: Final = r"[0-9A-Za-z'+_.-]{1,70}"
_BOUNDARY = re.compile(f'boundary=(?:"({_QUOTED})"|({_BARE}))', re.IGNORECASE)
# Source: RFC 7578, 4.2.
_DISPOSITION = re.compile(rb'content-disposition:[ \t]*form-data;[ \t]*name="([^"\r\n\\]{1,100})"', re.IGNORECASE)
_PLAIN = re.compile(rb"content-type:[ \t]*text/plain(?:;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE)


async def read_form(call: Call, *names: str) -> Mapping[str, str]:
    """Return the fields of a posted form.

    Args:
        call: the request.
        names: the fields that the operation knows.

    Raises:
        RequestRefusedError: the media type, the size, the form or a field is not what the operation takes.
    """
    boundary = _multipart_boundary(call)
    if boundary is None:
        check_media_type(call, FORMS)
    raw = await call.body()
    if len(raw) > FORM_MAX_BYTES:
        raise RequestRefusedError(BODY_TOO_LARGE, f"send at most {FORM_MAX_BYTES} bytes")
    found: dict[str, str] = {}
    for name, value in _urlencoded(raw) if boundary is None else _multipart(raw, boundary):
        if name not in names:
            # A name that we do not know is the caller's text, and is not repeated.
            raise _invalid("", "unknown_field", f"fields known here: {', '.join(names)}")
        if name in found:
            raise _invalid("/" + name, "repeated_field", "give it once")
        found[name] = value
    return found


def _multipart_boundary(call: Call) -> bytes | None:
    """Return the boundary of a multipart form, or None where the body is of another type."""
    raw = call.single_header(b"content-type") or ""
    media, separator, parameters = raw.partition(";")
    if media.strip().lower() != MULTIPART:
        return None
    check_encoding(call, FORMS)
    match = _BOUNDARY.fullmatch(parameters.strip())
    if not separator or match is None:
        raise _malformed("name one boundary in Content-Type, and nothing else")
    return (match[1] or match[2]).encode()


def _urlencoded(raw: bytes) -> Iterator[tuple[str, str]]:
    for pair in raw.split(b"&") if raw else ():
        name, separator, value = pair.partition(b"=")
        if not separator:
            raise _malformed("write each field as name=value")
        yield _decoded(name), _decoded(value)


def _decoded(raw: bytes) -> str:
    try:
        return decode_component(raw)
    except ValueError as error:
        raise _malformed(str(error)) from None


def _multipart(raw: bytes, boundary: bytes) -> Iterator[tuple[str, str]]:
    before, *parts = (b"\r\n" + raw).split(b"\r\n--" + boundary)
    if before or not parts or parts.pop() not in {b"--", b"--\r\n"}:
        raise _malformed("send whole parts between boundaries, with CRLF, and nothing around them")
    for part in parts:
        head, separator, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not separator or not part.startswith(b"\r\n"):
            raise _malformed("begin each part with its headers")
        yield _part_name(head.split(b"\r\n")), _text(value)


def _part_name(headers: Sequence[bytes]) -> str:
    """Return the name of a part that has one, and that is plain text."""
    matches = [match for header in headers if (match := _DISPOSITION.fullmatch(header))]
    others = [header for header in headers if not _DISPOSITION.fullmatch(header)]
    if len(matches) != 1 or not all(map(_PLAIN.fullmatch, others)) or len(others) > 1:
        raise _malformed("name each part in its Content-Disposition; it is plain text in UTF-8")
    return _text(matches[0][1])


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
        check_text(text)
    except (UnicodeDecodeError, JsonRefusedError):
        raise _malformed("send UTF-8 without NUL") from None
    return text


def _malformed(detail: str) -> RequestRefusedError:
    return RequestRefusedError(BODY_MALFORMED, detail, errors=(FieldProblem("", "not_a_form", detail),))


def _invalid(pointer: str, code: str, detail: str) -> RequestRefusedError:
    return RequestRefusedError(BODY_INVALID, errors=(FieldProblem(pointer, code, detail),))
