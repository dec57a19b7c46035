// Reads an exported ledger by the packages that Go's checksum database is read with (golang.org/x/mod/sumdb):
// the signed note, the tree out of its tiles, and that each entry is in it. Prints how many entries hold.
// Usage: ledger_go DIR VKEY
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// folder gives tiles as tlog-tiles lays them out: without the height that the checksum database has in a path.
type folder string

func (dir folder) path(tile tlog.Tile) string {
	return filepath.Join(string(dir), strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
}
func (dir folder) Height() int                     { return height }
func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(dir.path(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// entries reads the bundle that holds entry number index, and gives that entry.
func entry(dir string, index, size int64) ([]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: index >> height, W: 1 << height}
	if (index>>height+1)<<height > size {
		tile.W = int(size & (1<<height - 1))
	}
	name := strings.Replace(folder(dir).path(tile), "/tile/0/", "/tile/entries/", 1)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for at := index & (1<<height - 1); ; at-- {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends within an entry", name)
		}
		length := int(binary.BigEndian.Uint16(data))
		if at == 0 {
			return data[2 : 2+length], nil
		}
		data = data[2+length:]
	}
}

func checkpoint(dir, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("no checkpoint: %q", signed.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func read(dir, vkey string) (int64, error) {
	tree, err := checkpoint(dir, vkey)
	if err != nil {
		return 0, err
	}
	hashes := tlog.TileHashReader(tree, folder(dir)) // refuses tiles that do not lead to the signed root
	for index := int64(0); index < tree.N; index++ {
		body, err := entry(dir, index, tree.N)
		if err != nil {
			return 0, err
		}
		if !json.Valid(body) {
			return 0, fmt.Errorf("entry %d is no JSON", index)
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(body)); err != nil {
			return 0, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return tree.N, nil
}

func main() {
	count, err := read(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Println(count)
}
