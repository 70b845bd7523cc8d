"""What is sealed for one user opens for nobody else, and in no other form."""

from hypothesis import given
from hypothesis import strategies as st

from usercore.adapters.redis.sealing import Sealer
from usercore.kernel.ids import UserId
from usercore.users.ports import ProfileDocument
from usercore.users.values import AccountState

SEALER = Sealer(bytes(32))

ids = st.text(min_size=1, max_size=64).map(UserId) | st.just(UserId("\ud800"))
documents = st.builds(
    ProfileDocument,
    ids,
    st.integers(1, 2**63 - 1),
    st.sampled_from([state for state in AccountState if state is not AccountState.ERASED]),
    st.binary(max_size=200),
)


def sealed(document: ProfileDocument, sealer: Sealer = SEALER) -> bytes:
    value = sealer.seal(document)
    assert value is not None
    return value


@given(documents)
def test_a_document_is_opened_as_it_was_sealed(document: ProfileDocument) -> None:
    assert SEALER.open(document.user_id, sealed(document)) == document


@given(documents, ids)
def test_it_does_not_open_for_another_user(document: ProfileDocument, other: UserId) -> None:
    if other != document.user_id:
        assert SEALER.open(other, sealed(document)) is None


@given(documents, st.data())
def test_no_bit_of_it_can_be_changed(document: ProfileDocument, data: st.DataObject) -> None:
    """Not even in the header, which says the version and the account state in clear."""
    value = bytearray(sealed(document))
    at = data.draw(st.integers(0, len(value) * 8 - 1))
    value[at // 8] ^= 1 << at % 8
    assert SEALER.open(document.user_id, bytes(value)) is None


@given(documents, st.data())
def test_no_part_of_it_opens(document: ProfileDocument, data: st.DataObject) -> None:
    value = sealed(document)
    assert SEALER.open(document.user_id, value[: data.draw(st.integers(0, len(value) - 1))]) is None


@given(ids, st.binary(max_size=100))
def test_anything_else_is_not_opened(user_id: UserId, value: bytes) -> None:
    assert SEALER.open(user_id, value) is None


def test_another_key_does_not_open_it_and_says_so_by_its_id() -> None:
    document = ProfileDocument(UserId("ada"), 1, AccountState.ACTIVE, b"{}")
    other = Sealer(bytes([1] * 32))
    assert other.open(document.user_id, sealed(document)) is None
    assert sealed(document)[1:5] != sealed(document, other)[1:5]


def test_erased_users_are_not_sealed() -> None:
    assert SEALER.seal(ProfileDocument(UserId("ada"), 1, AccountState.ERASED, b"{}")) is None


def test_every_other_account_state_has_a_number_of_its_own() -> None:
    for state in set(AccountState) - {AccountState.ERASED}:
        document = ProfileDocument(UserId("ada"), 1, state, b"{}")
        assert SEALER.open(document.user_id, sealed(document)) == document


def test_a_nonce_is_never_used_twice() -> None:
    document = ProfileDocument(UserId("ada"), 1, AccountState.ACTIVE, b"{}")
    nonces = {sealed(document, sealer)[14:26] for sealer in (Sealer(bytes(32)), Sealer(bytes(32))) for _ in range(1000)}
    assert len(nonces) == 2000
