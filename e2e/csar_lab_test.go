//go:build kubernetes || openstack

package e2e

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"testing"
)

// remade is a package whose files are written anew, each by a function that is given it and puts what there is to be in its place.
func remade(t *testing.T, csar []byte, with func(name string, data []byte, put func(name string, data []byte))) []byte {
	t.Helper()
	from, err := zip.NewReader(bytes.NewReader(csar), int64(len(csar)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	put := func(name string, data []byte) {
		w, err := to.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range from.File {
		data, err := fs.ReadFile(from, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		with(f.Name, data, put)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
