// Checks a log's checkpoints and tiles with golang.org/x/mod/sumdb, written by others.
//
// Usage: main FOLDER VERIFIER-KEY LEAVES-FILE OLD-SIZE
// LEAVES-FILE holds the leaf hashes, 32 bytes each, as computed from the entries.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ folder string }

func (t tiles) Height() int                         { return 8 }
func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, one := range asked {
		path := "tile/" + strings.TrimPrefix(one.Path(), "tile/8/") // C2SP leaves the height out
		data, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func open(path string, verifiers note.Verifiers) tlog.Tree {
	signed, err := os.ReadFile(path)
	check(err)
	opened, err := note.Open(signed, verifiers)
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	hash, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: hash}
}

// stored keeps a tree over the leaves as sumdb does, from nothing but them.
func stored(leaves []byte) tlog.HashReaderFunc {
	var kept []tlog.Hash
	read := func(asked []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(asked))
		for i, at := range asked {
			found[i] = kept[at]
		}
		return found, nil
	}
	for n := 0; n < len(leaves)/32; n++ {
		var leaf tlog.Hash
		copy(leaf[:], leaves[32*n:])
		more, err := tlog.StoredHashesForRecordHash(int64(n), leaf, tlog.HashReaderFunc(read))
		check(err)
		kept = append(kept, more...)
	}
	return read
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	verifiers := note.VerifierList(verifier)
	tree := open(filepath.Join(folder, "checkpoint"), verifiers)
	leaves, err := os.ReadFile(os.Args[3])
	check(err)
	if int64(len(leaves)) != 32*tree.N {
		check(fmt.Errorf("%d leaf bytes, %d entries", len(leaves), tree.N))
	}
	found, err := tlog.TreeHash(tree.N, stored(leaves))
	check(err)
	if found != tree.Hash {
		check(fmt.Errorf("the leaves do not lead to the checkpoint"))
	}
	reader := tlog.TileHashReader(tree, tiles{folder})
	for n := int64(0); n < tree.N; n += tree.N/400 + 1 {
		var leaf tlog.Hash
		copy(leaf[:], leaves[32*n:])
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf))
	}
	size, err := strconv.ParseInt(os.Args[4], 10, 64)
	check(err)
	old := open(filepath.Join(folder, "published", fmt.Sprintf("%016d", size)), verifiers)
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	check(err)
	check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	fmt.Println("accepted", tree.N)
}
