package vnfpkg_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vnfpkg"
)

// blobs keeps content in memory. fault is asked before each call.
type blobs struct {
	mu   sync.Mutex
	data map[string][]byte
	// streams: what is stored can only be read from its beginning, as from a database.
	streams bool
	fault   func(call string) error
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

var _ blob.Store = (*blobs)(nil)

func (b *blobs) ask(call string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == nil {
		return nil
	}
	return b.fault(call)
}

func (b *blobs) Put(_ context.Context, key string, r io.Reader) error {
	if err := b.ask("put"); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data[key] = data
	return nil
}

func (b *blobs) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := b.ask("get"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.data[key]
	if !ok {
		return nil, vnfm.Errorf(vnfm.NotFound, "no blob %s", key)
	}
	if b.streams {
		return io.NopCloser(bytes.NewBuffer(data)), nil
	}
	return file{bytes.NewReader(data)}, nil
}

func (b *blobs) Exists(_ context.Context, key string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.data[key]
	return ok, nil
}

func (b *blobs) Delete(_ context.Context, key string) error {
	if err := b.ask("delete"); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.data, key)
	return nil
}

// contents returns the keys of package contents, sorted; descriptors are kept for ever, and the listing of a content as long as it.
func (b *blobs) contents() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := slices.Sorted(maps.Keys(b.data))
	return slices.DeleteFunc(keys, func(k string) bool {
		content, listing := strings.CutSuffix(k, "-files")
		return strings.HasPrefix(k, "descriptor-") || listing && b.data[content] != nil
	})
}

// world is a store, its blobs and a service over them. restart makes a service that knows nothing of the one before.
type world struct {
	t     *testing.T
	now   time.Time
	store *memory.Store
	fault func(point string) error
	blobs *blobs
	ids   int
	// more changes what a restarted service is configured with.
	more func(c *vnfpkg.Config)
	*vnfpkg.Service
	processor *vnfpkg.Processor
}

var keys = func() *secret.Keyring {
	k, err := secret.Parse(secret.NewKey())
	if err != nil {
		panic(err)
	}
	return k
}()

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: epoch, blobs: &blobs{data: map[string][]byte{}}}
	w.store = memory.New(memory.Config{
		Now: func() time.Time { return w.now },
		Fault: func(point string) error {
			if w.fault == nil {
				return nil
			}
			return w.fault(point)
		},
	})
	w.restart()
	return w
}

func (w *world) restart() {
	w.t.Helper()
	c := vnfpkg.Config{
		Store: w.store, Doer: eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), Blobs: w.blobs,
		Keys: keys, MaxContent: 1 << 20, Logger: slog.New(slog.DiscardHandler), NewID: func() string { w.ids++; return fmt.Sprintf("id-%d", w.ids) },
	}
	if w.more != nil {
		w.more(&c)
	}
	s, err := vnfpkg.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service, w.processor = s, s.Processor()
}

var by = request.Info{Actor: "tester", ID: "request-1"}

func (w *world) create() string {
	w.t.Helper()
	p, err := w.Create(w.t.Context(), nil, by)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.ID
}

func (w *world) upload(id string, content []byte) {
	w.t.Helper()
	if _, err := w.PutContent(w.t.Context(), id, bytes.NewReader(content), by); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) process() {
	w.t.Helper()
	if _, err := w.processor.RunOnce(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(id string) *vnfpkg.Package {
	w.t.Helper()
	p, err := w.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// types returns the types of a package's events.
func (w *world) types(id string) []string {
	w.t.Helper()
	events, err := w.store.ReadStream(w.t.Context(), vnfpkg.StreamPrefix+id, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

func wantKind(t *testing.T, err error, kind vnfm.Kind) {
	t.Helper()
	if got := vnfm.KindOf(err); got != kind {
		t.Errorf("kind %q (%v), want %q", got, err, kind)
	}
}
