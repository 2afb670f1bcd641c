// Package samples holds the VNF package that ships with the program: a firewall that filters nothing, written for this
// project, with what descriptors of the field have and what they lack. The dev server onboards it; tests use it.
//
// It owns the files below firewall/ and makes the CSAR of them. It knows no other package.
package samples

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

//go:embed firewall
var files embed.FS

// VnfdID is the id of the descriptor in CSAR.
const VnfdID = "5c1d4a3e-7b1f-4c55-9a52-0f6d7e1a2b30"

const (
	root     = "firewall"
	manifest = "firewall.mf"
)

// CSAR returns the package: the same bytes in every build. The manifest lists each file with its hash.
func CSAR() []byte { return bytes.Clone(sample()) }

// WithID returns the package with another descriptor id, to have it beside the first.
func WithID(vnfdID string) []byte { return build(vnfdID, strings.NewReplacer()) }

// Changed is WithID with texts replaced in all files, given in pairs: for tests of what descriptors may have.
func Changed(vnfdID string, oldnew ...string) []byte {
	return build(vnfdID, strings.NewReplacer(oldnew...))
}

var sample = sync.OnceValue(func() []byte { return build(VnfdID, strings.NewReplacer()) })

func build(vnfdID string, changes *strings.Replacer) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	var listed strings.Builder
	err := fs.WalkDir(files, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, root+"/")
		if name == manifest {
			return nil // written last, when all hashes are known
		}
		data := content(path, vnfdID, changes)
		sum := sha256.Sum256(data)
		fmt.Fprintf(&listed, "\nSource: %s\nAlgorithm: SHA-256\nHash: %s\n", name, hex.EncodeToString(sum[:]))
		return add(z, name, data)
	})
	if err == nil {
		err = add(z, manifest, append(content(root+"/"+manifest, vnfdID, changes), listed.String()...))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // embedded files into memory
	}
	return buf.Bytes()
}

func content(path, vnfdID string, changes *strings.Replacer) []byte {
	data, err := files.ReadFile(path)
	if err != nil {
		panic(err) // embedded
	}
	return []byte(changes.Replace(strings.ReplaceAll(string(data), VnfdID, vnfdID)))
}

// add writes a file without its time, so that equal files make equal archives.
func add(z *zip.Writer, name string, data []byte) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	return nil
}
