package durable_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/durable"
)

// A file has its new content, its owner alone may read it, and nothing is left beside it; when the writing fails it has its old one.
func TestReplace_is_whole_or_nothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	say := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, e := io.WriteString(w, text)
			return errors.Join(e, err)
		}
	}
	full := errors.New("the disk is full")
	for _, c := range []struct {
		says string
		err  error
		want string
	}{{"first", nil, "first"}, {"half of the sec", full, "first"}, {"second", nil, "second"}} {
		if err := durable.Replace(path, ".part-*", say(c.says, c.err)); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.says, err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != c.want {
			t.Errorf("after %q there is %q, %v", c.says, got, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
	if err := durable.Replace(filepath.Join(path, "below"), ".part-*", say("", nil)); err == nil {
		t.Error("a file was written below a file")
	}
}

func TestReader_ends_with_its_context(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := durable.Reader(ctx, strings.NewReader("ab"))
	if n, err := r.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Error(n, err)
	}
	cancel()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
