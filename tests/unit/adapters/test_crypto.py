"""Sealed texts open in their own place with their own key, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usercore.adapters.crypto import AesMasterKeys
from usercore.kernel.sealing import MasterKeyMissingError, SealBrokenError, WrappedKey

KEYS = AesMasterKeys.of({1: bytes(32), 7: bytes(range(32))})


@given(st.binary(max_size=64), st.binary(max_size=4096))
def test_a_sealed_text_opens_in_its_place(place: bytes, text: bytes) -> None:
    key = KEYS.fresh()
    assert key.open(place, key.seal(place, text)) == text


@given(st.data(), st.binary(max_size=200))
def test_any_change_of_a_sealed_text_is_noticed(data: st.DataObject, text: bytes) -> None:
    key = KEYS.fresh()
    sealed = bytearray(key.seal(b"place", text))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBrokenError):
        key.open(b"place", bytes(sealed))


@given(st.binary(max_size=40))
def test_what_was_never_sealed_does_not_open(text: bytes) -> None:
    with pytest.raises(SealBrokenError):
        KEYS.fresh().open(b"place", text)


def test_neither_another_place_nor_another_key_opens_it() -> None:
    key = KEYS.fresh()
    sealed = key.seal(b"place", b"text")
    for one, place in ((key, b"elsewhere"), (KEYS.fresh(), b"place")):
        with pytest.raises(SealBrokenError):
            one.open(place, sealed)


def test_the_highest_version_wraps_and_every_version_unwraps() -> None:
    key = KEYS.fresh()
    wrapped = KEYS.wrap("owner", key)
    old = AesMasterKeys.of({1: bytes(32)}).wrap("owner", key)

    assert (KEYS.current, KEYS.versions, wrapped.version, old.version) == (7, (1, 7), 7, 1)
    for one in (wrapped, old):
        assert KEYS.unwrap("owner", one).open(b"place", key.seal(b"place", b"text")) == b"text"


def test_a_wrapped_key_is_its_owners_and_its_versions() -> None:
    wrapped = KEYS.wrap("owner", KEYS.fresh())
    with pytest.raises(SealBrokenError):
        KEYS.unwrap("another", wrapped)
    with pytest.raises(SealBrokenError):
        KEYS.unwrap("owner", WrappedKey(1, wrapped.sealed))
    with pytest.raises(MasterKeyMissingError) as caught:
        KEYS.unwrap("owner", WrappedKey(2, wrapped.sealed))
    assert caught.value.version == 2
    assert "master key 2" in str(caught.value)


def test_keys_show_nothing_of_themselves() -> None:
    assert "\\x" not in repr(KEYS) + repr(KEYS.fresh()) + repr(KEYS.wrap("owner", KEYS.fresh()))
