"""RFC 6962 hashing against the published test data of Certificate Transparency, and by itself."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.ledger.merkle import (
    Node,
    consistency,
    consistent,
    included,
    inclusion,
    node_hash,
    parents,
    tree_root,
)

LEAVES = [
    hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest()
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
PROOFS = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
}


def nodes(leaves: Sequence[bytes]) -> Node:
    levels = [b"".join(leaves)]
    while len(levels[-1]) > 32:
        levels.append(parents(levels[-1]))

    def node(level: int, index: int) -> bytes:
        found = levels[level][index * 32 : (index + 1) * 32]
        assert len(found) == 32
        return found

    return node


def naive(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    border = 1
    while border * 2 < len(leaves):
        border *= 2
    return node_hash(naive(leaves[:border]), naive(leaves[border:]))


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert tree_root(size, nodes(LEAVES)).hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "path"), PATHS.items())
def test_published_inclusion_paths(place: tuple[int, int], path: list[str]) -> None:
    index, size = place
    found = inclusion(index, size, nodes(LEAVES))
    assert [step.hex() for step in found] == path
    assert included(LEAVES[index], index, size, found, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("sizes", "path"), PROOFS.items())
def test_published_consistency_proofs(sizes: tuple[int, int], path: list[str]) -> None:
    found = consistency(*sizes, nodes(LEAVES))
    assert [step.hex() for step in found] == path


some_leaves = st.integers(1, 70).map(
    lambda n: [hashlib.sha256(bytes([i])).digest() for i in range(n)]
)


@given(some_leaves, st.data())
def test_every_leaf_is_included_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    size, node = len(leaves), nodes(leaves)
    root = tree_root(size, node)
    assert root == naive(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion(index, size, node)
    assert included(leaves[index], index, size, path, root)
    other = data.draw(st.integers(0, size))
    if other != index:
        assert not included(leaves[index], other, size, path, root)
        assert not included(leaves[other % size], index, size, path, root) or other % size == index
    assert not included(leaves[index], index, size, [*path, root], root)
    if path:
        assert not included(leaves[index], index, size, path[:-1], root)


@given(some_leaves, st.data())
def test_every_prefix_is_consistent_and_nothing_else(
    leaves: list[bytes], data: st.DataObject
) -> None:
    new = len(leaves)
    old = data.draw(st.integers(0, new))
    node = nodes(leaves)
    path = consistency(old, new, node)
    old_root, new_root = naive(leaves[:old]), naive(leaves)
    assert consistent(old, new, path, old_root, new_root)
    assert not consistent(old, new, [*path, b"x" * 32], old_root, new_root)
    if path:
        assert not consistent(old, new, path[1:], old_root, new_root)
        assert not consistent(old, new, path, b"y" * 32, new_root)
        assert not consistent(old, new, path, old_root, b"y" * 32)
    assert not consistent(new + 1, new, path, old_root, new_root)


def test_what_cannot_be_asked() -> None:
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError, match="not in a tree"):
            inclusion(index, size, nodes(LEAVES))
    with pytest.raises(ValueError, match="cannot have grown"):
        consistency(4, 3, nodes(LEAVES))
