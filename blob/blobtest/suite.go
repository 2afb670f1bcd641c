// Package blobtest is the conformance suite of blob.Store.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/blob"
)

// Run runs the suite on an empty store and leaves it empty.
func Run(t *testing.T, s blob.Store) {
	ctx := t.Context()
	put := func(name string, data []byte) {
		t.Helper()
		if err := s.Put(ctx, name, bytes.NewReader(data)); err != nil {
			t.Fatalf("put %q: %v", name, err)
		}
	}
	want := func(name string, data []byte) {
		t.Helper()
		r, err := s.Get(ctx, name)
		if err != nil {
			t.Fatalf("get %q: %v", name, err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatalf("read %q: %v", name, err)
		}
		if !bytes.Equal(got, data) {
			t.Fatalf("%q has %d other bytes, want %d", name, len(got), len(data))
		}
		if ok, err := s.Exists(ctx, name); !ok || err != nil {
			t.Fatalf("exists %q: %v, %v", name, ok, err)
		}
	}
	gone := func(name string) {
		t.Helper()
		if _, err := s.Get(ctx, name); vnfm.KindOf(err) != vnfm.NotFound {
			t.Fatalf("get %q: %v, want NotFound", name, err)
		}
		if ok, err := s.Exists(ctx, name); ok || err != nil {
			t.Fatalf("exists %q: %v, %v", name, ok, err)
		}
	}
	remove := func(name string) {
		t.Helper()
		if err := s.Delete(ctx, name); err != nil {
			t.Fatalf("delete %q: %v", name, err)
		}
	}
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32()) //nolint:gosec // any bytes
		}
		return b
	}

	t.Run("what was put is got, of any size", func(t *testing.T) {
		for _, n := range []int{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5<<20 + 7} {
			data := random(n)
			put("size", data)
			want("size", data)
		}
		remove("size")
		gone("size")
		remove("size")
	})
	t.Run("what is got can be read anywhere", func(t *testing.T) {
		data := random(3<<20 + 7)
		put("anywhere", data)
		r, err := s.Get(ctx, "anywhere")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		f, ok := r.(interface {
			io.ReaderAt
			io.Seeker
		})
		if !ok {
			t.Fatalf("%T cannot be", r)
		}
		if size, err := f.Seek(0, io.SeekEnd); err != nil || size != int64(len(data)) {
			t.Fatalf("size %d, %v", size, err)
		}
		for _, off := range []int{len(data) - 3, 0, 1<<20 - 1, 2 << 20, 5, len(data)} {
			for _, n := range []int{0, 1, 2, 1<<20 + 5} {
				p := make([]byte, n)
				got, err := f.ReadAt(p, int64(off))
				want := data[off:min(off+n, len(data))]
				if !bytes.Equal(p[:got], want) || got < n && !errors.Is(err, io.EOF) || got == n && n > 0 && err != nil && !errors.Is(err, io.EOF) {
					t.Fatalf("%d bytes at %d: %d, %v", n, off, got, err)
				}
			}
		}
		if got, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(data)))); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d other bytes, %v", len(got), err)
		}
		remove("anywhere")
	})
	t.Run("names are no paths", func(t *testing.T) {
		names := []string{"a/b", "../up", "..", ".", "ä b%2F", "+partial-x", "C:\\x"}
		for _, n := range names {
			gone(n)
			put(n, []byte(n))
		}
		for _, n := range names {
			want(n, []byte(n))
			remove(n)
			gone(n)
		}
	})
	t.Run("a file that could not be read to its end is not stored", func(t *testing.T) {
		// An HTTP body cut short ends with io.ErrUnexpectedEOF.
		for _, boom := range []error{errors.New("boom"), io.ErrUnexpectedEOF} {
			broken := func() io.Reader {
				return io.MultiReader(bytes.NewReader(random(3<<20+5)), readerFunc(func([]byte) (int, error) { return 0, boom }))
			}
			if err := s.Put(ctx, "broken", broken()); !errors.Is(err, boom) {
				t.Fatalf("put: %v, want the reader's error", err)
			}
			gone("broken")
			put("broken", []byte("old"))
			if err := s.Put(ctx, "broken", broken()); !errors.Is(err, boom) {
				t.Fatalf("put again: %v, want the reader's error", err)
			}
			want("broken", []byte("old"))
			remove("broken")
		}
		put("broken", []byte("old"))
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.Put(cancelled, "broken", strings.NewReader("new")); !errors.Is(err, context.Canceled) {
			t.Fatalf("put: %v, want context.Canceled", err)
		}
		want("broken", []byte("old"))
		remove("broken")
	})
	t.Run("a bad name is refused", func(t *testing.T) {
		for _, n := range []string{"", strings.Repeat("x", 256)} {
			if err := s.Put(ctx, n, strings.NewReader("x")); vnfm.KindOf(err) != vnfm.Invalid {
				t.Errorf("put %q: %v, want Invalid", n, err)
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
