package postgres_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/blob/blobtest"
	"github.com/vnfm/vnfm/internal/dbtest"
)

func TestBlobs(t *testing.T) {
	s := openAt(t, dbtest.Postgres(t))
	defer func() { _ = s.Close() }()
	blobtest.Run(t, s.Blobs())
}

// A reader of a file that is replaced gets an error, never a mixture.
func TestBlobs_replacedWhileRead(t *testing.T) {
	s := openAt(t, dbtest.Postgres(t))
	defer func() { _ = s.Close() }()
	b := s.Blobs()
	put := func(c string) {
		if err := b.Put(t.Context(), "x", strings.NewReader(strings.Repeat(c, 3<<20))); err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	r, err := b.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	put("b")
	rest, err := io.ReadAll(r)
	if vnfm.KindOf(err) != vnfm.NotFound || strings.Contains(string(rest), "b") {
		t.Errorf("read on: %d bytes, %v, want NotFound", len(rest), err)
	}
	if err := errors.Join(r.Close(), b.Delete(t.Context(), "x")); err != nil {
		t.Error(err)
	}
}
