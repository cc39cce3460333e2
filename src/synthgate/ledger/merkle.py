"""The Merkle tree of RFC 6962, 2.1: roots, inclusion and consistency proofs, and their checks.

The makers ask ``node(level, index)`` for the hash of a complete subtree of 2**level leaves; where
that comes from (tiles, a list) is not their business. The checks need hashes alone.
"""

import hashlib
from collections.abc import Callable, Sequence

Node = Callable[[int, int], bytes]
HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def parents(hashes: bytes) -> bytes:
    """The hashes one level up, joined. An odd one at the end has no parent yet."""
    return b"".join(
        hashlib.sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest()
        for at in range(0, len(hashes) // (2 * HASH_BYTES) * 2 * HASH_BYTES, 2 * HASH_BYTES)
    )


def tree_root(size: int, node: Node) -> bytes:
    """The root of the first ``size`` leaves."""
    return _range(0, size, node) if size else EMPTY_ROOT


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The audit path of leaf ``index`` in a tree of ``size`` leaves, from the leaf up."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        border = start + _split(end - start)
        if index < border:
            path.append(_range(border, end, node))
            end = border
        else:
            path.append(_range(start, border, node))
            start = border
    path.reverse()
    return path


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is a prefix of the tree of ``new``."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} cannot have grown to {new}")
    if old in (0, new):
        return []
    path = []
    start, end = 0, new
    while old != end:
        border = start + _split(end - start)
        if old <= border:
            path.append(_range(border, end, node))
            end = border
        else:
            path.append(_range(start, border, node))
            start = border
    if start:  # the old tree is not itself a subtree of the new one
        path.append(_range(start, end, node))
    path.reverse()
    return path


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the path proves the tree of ``old`` a prefix of that of ``new`` (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if not 0 < old < new or not path:
        return False
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _range(start: int, end: int, node: Node) -> bytes:
    """The hash over leaves ``start`` up to ``end``: complete subtrees, folded from the right."""
    pieces = []
    while start < end:
        level = (end - start).bit_length() - 1
        pieces.append(node(level, start >> level))
        start += 1 << level
    found = pieces.pop()
    while pieces:
        found = node_hash(pieces.pop(), found)
    return found
