"""Merkle trees over commitments, and proofs of what stands in them.

Source: RFC 6962, 2.1; the algorithms that check proofs are those of RFC 9162, 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from attrs import define, field

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()
"""The root of a tree without leaves. Source: RFC 6962, 2.1."""
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf; its first byte keeps a leaf from passing for a node."""
    return sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of what stands above two hashes."""
    return sha256(_NODE + left + right).digest()


@define
class Tree:
    """A tree that grows at its end, of which the peaks alone are kept.

    Args:
        size: how many leaves it has.
        peaks: roots of its perfect subtrees, the largest first: one for each 1 in the binary form of `size`.
    """

    size: int = 0
    peaks: list[bytes] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        """Refuse peaks that no tree of this size has."""
        if len(self.peaks) != self.size.bit_count() or any(len(peak) != HASH_BYTES for peak in self.peaks):
            message = "a tree has one peak for each 1 in the binary form of its size"
            raise ValueError(message)

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf behind all others."""
        filled = self.size
        while filled & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            filled >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash that stands for the whole tree."""
        if not self.peaks:
            return EMPTY_ROOT
        *larger, root = self.peaks
        for peak in reversed(larger):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of a tree over hashes of leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes beside the way from a leaf to the root, the lowest first. Source: RFC 6962, 2.1.1.

    Args:
        leaves: hashes of all leaves.
        index: of the leaf, from 0.
    """
    if len(leaves) == 1:
        return []
    half = _split(len(leaves))
    if index < half:
        return [*inclusion_proof(leaves[:half], index), root_of(leaves[half:])]
    return [*inclusion_proof(leaves[half:], index - half), root_of(leaves[:half])]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a leaf stands at an index of the tree of this size and root. Source: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(beside, found)
            position, last = _climb(position, last)
        else:
            found = node_hash(found, beside)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the hashes that show that a tree begins with its first leaves. Source: RFC 6962, 2.1.2.

    Args:
        leaves: hashes of all leaves.
        first: how many of them the earlier tree had, at least 1.
    """
    return _subproof(leaves, first, whole=True)


def is_consistent(first: tuple[int, bytes], second: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Return whether a tree is an earlier one with leaves added at its end. Source: RFC 9162, 2.1.4.2.

    Args:
        first: size and root of the earlier tree.
        second: size and root of the later one.
        proof: of :func:`consistency_proof`.
    """
    (old_size, old_root), (size, root) = first, second
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old_size - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    return _grown(path, position, last, (old_root, root))


def _grown(path: Sequence[bytes], position: int, last: int, roots: tuple[bytes, bytes]) -> bool:
    old = new = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            position, last = _climb(position, last)
        else:
            new = node_hash(new, beside)
        position, last = position >> 1, last >> 1
    return last == 0 and (old, new) == roots


def _climb(position: int, last: int) -> tuple[int, int]:
    """Pass the levels at which the last node has nothing beside it."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [root_of(leaves)]
    half = _split(len(leaves))
    if first <= half:
        return [*_subproof(leaves[:half], first, whole=whole), root_of(leaves[half:])]
    return [*_subproof(leaves[half:], first - half, whole=False), root_of(leaves[:half])]


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)
