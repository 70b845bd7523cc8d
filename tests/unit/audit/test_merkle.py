"""Trees and proofs are those of RFC 6962 and RFC 9162."""

from hypothesis import given
from hypothesis import strategies as st

from usercore.audit.merkle import (
    EMPTY_ROOT,
    Tree,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
)

# Source: certificate-transparency's reference tests (merkletree/merkle_tree_test.cc): leaves, and the roots of the
# trees over the first 1, 2, … of them.
LEAVES = [
    leaf_hash(bytes.fromhex(data))
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(root)
    for root in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]

hashes = st.lists(st.binary(max_size=4).map(leaf_hash), min_size=1, max_size=40)


def test_the_roots_are_those_of_certificate_transparency() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT
    assert [root_of(LEAVES[:size]) for size in range(1, 9)] == ROOTS


def test_the_proofs_are_those_of_certificate_transparency() -> None:
    # Source: the same tests; leaf 5 of 8, and from 6 to 8 leaves.
    assert [one.hex() for one in inclusion_proof(LEAVES, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [one.hex() for one in consistency_proof(LEAVES, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_a_node_never_passes_for_a_leaf() -> None:
    left, right = LEAVES[:2]
    assert node_hash(left, right) != leaf_hash(left + right)


@given(hashes, st.data())
def test_every_leaf_is_proved_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    size, root, proof = len(leaves), root_of(leaves), inclusion_proof(leaves, index)

    assert is_included(leaves[index], index, size, proof, root)
    assert not is_included(leaf_hash(b"another"), index, size, proof, root)
    assert not is_included(leaves[index], index, size, proof, leaf_hash(b"another root"))
    assert not is_included(leaves[index], index, size, [*proof, root], root)
    assert not is_included(leaves[index], size, size, proof, root)
    if proof:
        assert not is_included(leaves[index], index, size, proof[:-1], root)
        assert not is_included(leaves[index], index ^ 1, size, proof, root) or leaves[index] == proof[0]


@given(hashes, st.data())
def test_a_tree_is_proved_to_have_grown_at_its_end_alone(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, len(leaves)))
    old, new = (first, root_of(leaves[:first])), (len(leaves), root_of(leaves))
    proof = consistency_proof(leaves, first)

    assert is_consistent(old, new, proof)
    assert not is_consistent((first, leaf_hash(b"rewritten")), new, proof)
    assert not is_consistent(old, (len(leaves), leaf_hash(b"rewritten")), proof)
    assert not is_consistent(old, new, [*proof, old[1]])
    assert not is_consistent((0, EMPTY_ROOT), new, proof)


@given(hashes, st.data())
def test_a_tree_grows_on_from_its_peaks(leaves: list[bytes], data: st.DataObject) -> None:
    begun = data.draw(st.integers(0, len(leaves)))
    tree = Tree()
    for leaf in leaves[:begun]:
        tree.append(leaf)
    tree = Tree(tree.size, list(tree.peaks))
    for leaf in leaves[begun:]:
        tree.append(leaf)

    assert (tree.size, tree.root()) == (len(leaves), root_of(leaves))
    assert len(tree.peaks) == len(leaves).bit_count()
