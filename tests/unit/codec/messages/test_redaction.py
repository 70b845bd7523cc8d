"""A message that is set aside holds no password, in whatever state it is."""

import json
import re
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.messages import record
from usercore.codec.messages import redacted

SECRET = "hunter22-correct"
DOCUMENT = json.dumps({"email": "g@example.com", "password": SECRET, "firstName": "G"})


def kept(value: bytes) -> bytes:
    clean = redacted(record("create-user", value)).value
    assert clean is not None
    return clean


@pytest.mark.parametrize(
    "text",
    [
        DOCUMENT,
        json.dumps({"specversion": "1.0", "data": {"password": SECRET}}),
        json.dumps([{"a": [{"password": {"new": [SECRET, "}"]}}]}]),
        json.dumps({"newPassword": SECRET, "PASSWORD": SECRET, "password_again": SECRET}),
        json.dumps({"passphrase": SECRET, "passwd": SECRET}),
        json.dumps(DOCUMENT),
        json.dumps(json.dumps(DOCUMENT)),
        json.dumps({"note": f"password={SECRET}"}),
        f'{{"pass\\u0077ord" : "{SECRET}"}}',
        f'{{"password":"a\\"{SECRET}"}}',
        f'{{"password":"{SECRET}","password":"{SECRET}"}}',
        f'{{"password":"{SECRET}',
        f'{{"password":"a\\\\","x":"password","password":"{SECRET}',
        f'{{"password":["{SECRET}"',
        f'{{"password":{SECRET}}}',
        f'{{"email":,"password":"{SECRET}"',
        f"{{'password': '{SECRET}'}}",
        f"{{password: '{SECRET}'}}",
        f"password: {SECRET}\n",
        f"email=g&password={SECRET}&x=1",
        f"<password>{SECRET}</password>",
        f'{{"password" => "{SECRET}"}}',
        f'\\"password\\":\\"{SECRET}\\"',
        "[" * 100_000 + f'{{"password":"{SECRET}"}}',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"])
def test_no_password_is_kept(text: str, encoding: str) -> None:
    clean = kept(text.encode(encoding))

    for way in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
        assert SECRET.encode(way) not in clean
    if encoding == "utf-8":
        assert b"[redacted]" in clean


def test_a_password_in_base64_is_not_kept() -> None:
    event = {"specversion": "1.0", "data_base64": b64encode(DOCUMENT.encode()).decode()}
    clean = json.loads(kept(json.dumps(event).encode()))

    assert json.loads(b64decode(clean["data_base64"])) == {**json.loads(DOCUMENT), "password": "[redacted]"}


def test_a_password_in_what_is_not_utf8_is_not_kept() -> None:
    assert kept(b'\xff\xfe\xfa{"password":"' + SECRET.encode() + b'"}\x80').count(SECRET.encode()) == 0
    assert kept(b'{"x":"\xff","password":"' + SECRET.encode() + b'"}') == b'{"x":"\xff","password":"[redacted]"}'


def test_every_other_byte_stays() -> None:
    before = b'{ "n":1.50e0, "a":"\\u0041\xc3\xa4",\n "password" : "x" ,"z":[1, 2]}'
    assert kept(before) == before.replace(b'"x"', b'"[redacted]"')


def test_what_was_taken_out_is_said_once() -> None:
    raw = record("create-user", DOCUMENT.encode(), ("x", b"1"))
    once = redacted(raw)

    assert once.headers == (("x", b"1"), ("dlq_redacted", b"password"))
    assert redacted(once) == once


@pytest.mark.parametrize("value", [None, b"", b"{}", b'{"email":"password"}', b'{"a":1,', b"\xff\xfe", b"\x00"])
def test_a_message_without_one_stays_as_it_is(value: bytes | None) -> None:
    raw = record("create-user", value)
    assert redacted(raw) is raw


@pytest.mark.parametrize("topic", ["update-user", "order-placed"])
def test_a_password_that_went_astray_is_not_kept_either(topic: str) -> None:
    clean = redacted(record(topic, DOCUMENT.encode()))
    assert SECRET.encode() not in (clean.value or b"")
    assert ("dlq_redacted", b"password") in clean.headers


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(raw: bytes) -> None:
    kept(raw)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_a_member_of_json_is_found_whatever_surrounds_it(before: bytes, behind: bytes) -> None:
    member = b'{"password":"' + SECRET.encode() + b'"}'
    try:
        whole = json.loads((before + member + behind).decode())
    except ValueError:
        return
    assert SECRET in str(whole)
    assert SECRET.encode() not in kept(before + member + behind)


@given(st.text('{}[]",:\\ password=<>\n', max_size=60))
def test_brackets_and_quotes_do_not_confuse_it(text: str) -> None:
    raw = record("create-user", text.encode())
    assert redacted(redacted(raw)) == redacted(raw)


BIG = 1_000_000


@pytest.mark.parametrize(
    "raw",
    [
        b'"password":' * (BIG // 11),
        b"password" * (BIG // 8),
        b'password="' * (BIG // 10),
        b"\\" * BIG,
        b"password" + b"\\" * BIG,
        b'password:"' + b'\\"' * (BIG // 2),
        b'{"password":' + b"[" * BIG,
        b'{"password":{' * (BIG // 13),
        b'"' * BIG,
        b'{"data_base64":"' + b64encode(b'{"data_base64":"' * (BIG // 22)) + b'"}',
    ],
    ids=range(10),
)
def test_a_megabyte_of_malice_is_looked_at_in_linear_time(raw: bytes) -> None:
    """A quadratic search would take hours here, and the run would be stopped by its time limit."""
    assert re.search(rb"redacted|password|\\|\"", kept(raw))
