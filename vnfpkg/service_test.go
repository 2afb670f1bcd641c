package vnfpkg_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfd"
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

// contents returns the keys of package contents, sorted; descriptors are kept for ever.
func (b *blobs) contents() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := slices.Sorted(maps.Keys(b.data))
	return slices.DeleteFunc(keys, func(k string) bool { return strings.HasPrefix(k, "descriptor-") })
}

// world is a store, its blobs and a service over them. restart makes a service that knows nothing of the one before.
type world struct {
	t     *testing.T
	now   time.Time
	store *memory.Store
	fault func(point string) error
	blobs *blobs
	ids   int
	*vnfpkg.Service
	processor *vnfpkg.Processor
}

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
	s, err := vnfpkg.New(vnfpkg.Config{
		Store: w.store, Doer: eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), Blobs: w.blobs,
		MaxContent: 1 << 20, Logger: slog.New(slog.DiscardHandler), NewID: func() string { w.ids++; return fmt.Sprintf("id-%d", w.ids) },
	})
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

func TestOnboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	if p := w.get(id); p.Onboarding != vnfpkg.StateCreated {
		t.Errorf("after create: %s", p.Onboarding)
	}
	w.upload(id, samples.CSAR())
	if p := w.get(id); p.Onboarding != vnfpkg.StateProcessing || p.Size != int64(len(samples.CSAR())) {
		t.Errorf("after upload: %s, %d bytes", p.Onboarding, p.Size)
	}
	w.process()
	p := w.get(id)
	if p.Onboarding != vnfpkg.StateOnboarded || p.Operational != vnfpkg.Enabled || p.VnfdID != samples.VnfdID || len(p.Images) != 2 {
		t.Errorf("after processing: %+v", p)
	}
	found, digest, err := w.ByVnfdID(t.Context(), samples.VnfdID)
	if err != nil || found != id || digest != p.DescriptorDigest {
		t.Errorf("by vnfdId: %s, %s, %v", found, digest, err)
	}
	d, err := w.Descriptor(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	data := samples.CSAR()
	pkg, err := vnfd.Open(bytes.NewReader(data), int64(len(data)), vnfd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pkg.Descriptor, d); diff != "" {
		t.Errorf("the stored descriptor differs: %s", diff)
	}
	again, err := w.Descriptor(t.Context(), digest)
	if err != nil || again != d {
		t.Errorf("the cache does not return the same descriptor: %v", err)
	}
	if _, err := w.Descriptor(t.Context(), "0000"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("unknown digest: %v", err)
	}
	if _, _, err := w.ByVnfdID(t.Context(), "unknown"); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("unknown vnfdId: %v", err)
	}
	if _, err := w.Patch(t.Context(), id, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.ByVnfdID(t.Context(), samples.VnfdID); vnfm.KindOf(err) != vnfm.Conflict {
		t.Errorf("disabled package: %v", err)
	}
}

// Seen failing with the EndUpload check of the upload id removed: the superseded upload then wins.
func TestTwoUploadsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	slow := &hooked{Reader: bytes.NewReader([]byte("the first, slow content")), hook: func() { w.upload(id, samples.CSAR()) }}
	_, err := w.PutContent(t.Context(), id, slow, by)
	wantKind(t, err, vnfm.Conflict)
	w.process()
	if p := w.get(id); p.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("%s: %s", p.Onboarding, p.Failure)
	}
	if c := w.blobs.contents(); len(c) != 1 {
		t.Errorf("contents left: %v", c)
	}
	_, err = w.PutContent(t.Context(), id, bytes.NewReader(nil), by)
	wantKind(t, err, vnfm.Conflict)
}

// hooked calls hook once, before the first byte is read.
type hooked struct {
	io.Reader
	hook func()
}

func (h *hooked) Read(p []byte) (int, error) {
	if h.hook != nil {
		hook := h.hook
		h.hook = nil
		hook()
	}
	return h.Reader.Read(p)
}

func TestUploadBreaksOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		content io.Reader
		kind    vnfm.Kind
	}{
		"the client goes away":     {io.MultiReader(strings.NewReader("half"), failing{}), vnfm.Invalid},
		"the content is too large": {bytes.NewReader(make([]byte, 1<<20+1)), vnfm.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.create()
			_, err := w.PutContent(t.Context(), id, tt.content, by)
			wantKind(t, err, tt.kind)
			if p := w.get(id); p.Onboarding != vnfpkg.StateError || p.Failure == "" {
				t.Errorf("%s %q", p.Onboarding, p.Failure)
			}
			if c := w.blobs.contents(); len(c) != 0 {
				t.Errorf("contents left: %v", c)
			}
			w.upload(id, samples.CSAR())
			w.process()
			if p := w.get(id); p.Onboarding != vnfpkg.StateOnboarded || p.Failure != "" {
				t.Errorf("after another upload: %s %q", p.Onboarding, p.Failure)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestUploadThatNobodyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	w.blobs.fault = func(call string) error {
		if call == "put" { // the process dies here: nothing it does later is seen
			w.fault = func(string) error { return errors.New("dead") }
			return errors.New("dead")
		}
		return nil
	}
	_, err := w.PutContent(t.Context(), id, bytes.NewReader([]byte("content")), by)
	wantKind(t, err, vnfm.Unavailable)
	w.fault, w.blobs.fault = nil, nil
	w.restart()
	w.process()
	if p := w.get(id); p.Onboarding != vnfpkg.StateUploading {
		t.Errorf("too early: %s", p.Onboarding)
	}
	w.now = w.now.Add(time.Hour)
	w.process()
	if p := w.get(id); p.Onboarding != vnfpkg.StateError || p.Failure == "" {
		t.Errorf("%s %q", p.Onboarding, p.Failure)
	}
}

func TestDuplicateVnfdID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.create(), w.create()
	w.upload(first, samples.CSAR())
	w.upload(second, samples.CSAR())
	w.process()
	p := w.get(second)
	if p.Onboarding != vnfpkg.StateError || !strings.Contains(p.Failure, first) || !strings.Contains(p.Failure, samples.VnfdID) {
		t.Errorf("%s: %q does not name %s", p.Onboarding, p.Failure, first)
	}
	if c := w.blobs.contents(); len(c) != 1 {
		t.Errorf("contents left: %v", c)
	}
	if _, err := w.Patch(t.Context(), first, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(t.Context(), first, by); err != nil {
		t.Fatal(err)
	}
	w.upload(second, samples.CSAR())
	w.process()
	if p := w.get(second); p.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("the id is free again, but: %s %s", p.Onboarding, p.Failure)
	}
}

// The look-up before the commit does not decide; the unique name does. Seen failing with the ErrNameTaken branch removed.
func TestDuplicateVnfdIDThatRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.create(), w.create()
	w.upload(second, samples.CSAR())
	raced, gets := false, 0
	w.blobs.fault = func(call string) error {
		switch {
		case call == "put" && !raced: // the descriptor of second: its look-up is done, its commit is not
			raced = true
			w.blobs.mu.Unlock()
			defer w.blobs.mu.Lock()
			w.upload(first, samples.CSAR())
			_, _ = w.Service.Processor().RunOnce(t.Context()) // onboards first
		case call == "get" && raced:
			if gets++; gets == 2 { // and cannot read second
				return vnfm.Errorf(vnfm.Unavailable, "the disk is away")
			}
		}
		return nil
	}
	w.process()
	if p := w.get(first); p.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("first: %s %s", p.Onboarding, p.Failure)
	}
	if p := w.get(second); p.Onboarding != vnfpkg.StateError || !strings.Contains(p.Failure, first) {
		t.Errorf("second: %s %s", p.Onboarding, p.Failure)
	}
}

func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, files[name])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestHostileContentEndsInErrorWithNothingStored(t *testing.T) {
	t.Parallel()
	const entry = "tosca_definitions_version: tosca_simple_yaml_1_3\n"
	for name, tt := range map[string]struct {
		content []byte
		rule    string
	}{
		"empty":           {nil, "not-a-zip"},
		"not a zip":       {[]byte("GIF89a"), "not-a-zip"},
		"truncated":       {samples.CSAR()[:2000], "truncated-zip"},
		"zip slip":        {archive(t, map[string]string{"../evil.yaml": entry}), "zip-slip"},
		"zip bomb":        {archive(t, map[string]string{"a.yaml": entry, "zeros": strings.Repeat("\x00", 40<<20)}), "zip-bomb"},
		"YAML alias bomb": {archive(t, map[string]string{"a.yaml": entry + aliasBomb()}), "yaml-bomb"},
		"no entry":        {archive(t, map[string]string{"readme.txt": "x"}), "missing-entry"},
		"unknown type":    {archive(t, map[string]string{"a.yaml": entry + "topology_template:\n  node_templates:\n    X: {type: no.such.Type}\n"}), "unknown-type"},
		"cyclic import":   {archive(t, map[string]string{"a.yaml": entry + "imports: [d/b.yaml]\n", "d/b.yaml": entry + "imports: [../a.yaml]\n"}), "cyclic-import"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.create()
			w.upload(id, tt.content)
			w.process()
			p := w.get(id)
			if p.Onboarding != vnfpkg.StateError || p.Operational != vnfpkg.Disabled || p.VnfdID != "" {
				t.Errorf("%s %s %s", p.Onboarding, p.Operational, p.VnfdID)
			}
			if !slices.ContainsFunc(p.Reasons, func(e vnfd.Error) bool { return e.Rule == tt.rule }) || p.Failure == "" {
				t.Errorf("no reason %s: %q", tt.rule, p.Failure)
			}
			if len(w.blobs.data) != 0 {
				t.Errorf("stored: %v", slices.Sorted(maps.Keys(w.blobs.data)))
			}
		})
	}
}

func aliasBomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func TestStrictRejectsFindings(t *testing.T) {
	t.Parallel()
	content := archive(t, map[string]string{"a.yaml": `tosca_definitions_version: tosca_simple_yaml_1_3
imports: [etsi_nfv_sol001_vnfd_types.yaml]
topology_template:
  node_templates:
    VNF:
      type: tosca.nodes.nfv.VNF
      properties: {descriptor_id: v1, descriptor_version: '1', provider: p, product_name: n, software_version: '1', flavour_id: f, vnfm_info: [mine]}
`})
	for strict, want := range map[bool]string{false: vnfpkg.StateOnboarded, true: vnfpkg.StateError} {
		w := newWorld(t)
		s, err := vnfpkg.New(vnfpkg.Config{Store: w.store, Doer: eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), Blobs: w.blobs, Strict: strict})
		if err != nil {
			t.Fatal(err)
		}
		w.Service, w.processor = s, s.Processor()
		id := w.create()
		w.upload(id, content)
		w.process()
		if p := w.get(id); p.Onboarding != want || len(p.Findings)+len(p.Reasons) != 1 {
			t.Errorf("strict %v: %s, findings %v, reasons %v", strict, p.Onboarding, p.Findings, p.Reasons)
		}
	}
}

// Every commit of an onboarding and a deletion fails once before it is written, and once the process dies right after it;
// then a new process and the client's retry go on. Seen failing with the sweep removed: the content of a package whose
// deletion was the last commit stays for ever.
func TestCrashBeforeAndAfterEachCommit(t *testing.T) {
	t.Parallel()
	for _, point := range []string{memory.FaultBegin, memory.FaultAcknowledge} {
		for n := 1; ; n++ {
			w := newWorld(t)
			id := w.create()
			dead, commits := errors.New("dead"), 0
			crashed := false
			w.fault = func(at string) error {
				if crashed {
					return dead
				}
				if at == point {
					if commits++; commits == n {
						crashed = true
						return dead
					}
				}
				return nil
			}
			w.blobs.fault = func(string) error {
				if crashed {
					return dead
				}
				return nil
			}
			w.story(id)
			if !crashed {
				if n < 7 {
					t.Errorf("%s: only %d commits", point, n-1)
				}
				break
			}
			w.fault, w.blobs.fault = nil, nil
			w.restart()
			w.now = w.now.Add(time.Hour)
			w.story(id)
			if _, err := w.Get(t.Context(), id); vnfm.KindOf(err) != vnfm.NotFound {
				t.Errorf("%s %d: the package is still there: %v", point, n, err)
			}
			if c := w.blobs.contents(); len(c) != 0 {
				t.Errorf("%s %d: contents left: %v (%v)", point, n, c, w.types(id))
			}
			if got := count(w.types(id), "pkg.onboarded"); got != 1 {
				t.Errorf("%s %d: onboarded %d times: %v", point, n, got, w.types(id))
			}
		}
	}
}

// story takes a package from wherever it is to its end, as a client and a processor would; errors are the next one's to
// mend.
func (w *world) story(id string) {
	ctx := w.t.Context()
	_, _ = w.processor.RunOnce(ctx)
	if p, err := w.Get(ctx, id); err == nil && (p.Onboarding == vnfpkg.StateCreated || p.Onboarding == vnfpkg.StateError || p.Onboarding == vnfpkg.StateUploading) {
		_, _ = w.PutContent(ctx, id, bytes.NewReader(samples.CSAR()), by)
	}
	_, _ = w.processor.RunOnce(ctx)
	if p, err := w.Get(ctx, id); err == nil && p.Operational == vnfpkg.Enabled {
		_, _ = w.Patch(ctx, id, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by)
	}
	if p, err := w.Get(ctx, id); err == nil && p.Onboarding == vnfpkg.StateOnboarded {
		_ = w.Delete(ctx, id, by)
	}
	_, _ = w.processor.RunOnce(ctx)
}

func count(all []string, one string) int {
	n := 0
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

func TestProcessingTwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	w.upload(id, samples.CSAR())
	once := false
	w.blobs.fault = func(call string) error {
		if call == "get" && !once { // another node reads the same package meanwhile
			once = true
			w.blobs.mu.Unlock()
			defer w.blobs.mu.Lock()
			_, _ = w.Service.Processor().RunOnce(t.Context())
		}
		return nil
	}
	w.process()
	if got := count(w.types(id), "pkg.onboarded"); got != 1 {
		t.Errorf("onboarded %d times: %v", got, w.types(id))
	}
}

func TestContentThatCannotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad, good := w.create(), w.create()
	w.upload(bad, samples.CSAR())
	w.upload(good, samples.WithID("another"))
	gets := 0
	w.blobs.fault = func(call string) error {
		if call == "get" {
			if gets++; gets == 1 {
				return vnfm.Errorf(vnfm.Unavailable, "the disk is away")
			}
		}
		return nil
	}
	if _, err := w.processor.RunOnce(t.Context()); err == nil {
		t.Error("the error is swallowed")
	}
	states := []string{w.get(bad).Onboarding, w.get(good).Onboarding}
	slices.Sort(states)
	if diff := cmp.Diff([]string{vnfpkg.StateOnboarded, vnfpkg.StateProcessing}, states); diff != "" {
		t.Errorf("one that fails must not keep the other: %s", diff)
	}
	w.process()
	if a, b := w.get(bad), w.get(good); a.Onboarding != vnfpkg.StateOnboarded || b.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("%s, %s", a.Onboarding, b.Onboarding)
	}
}

func TestContentThatCanOnlyBeStreamed(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	w := newWorld(t)
	w.blobs.streams = true
	id := w.create()
	w.upload(id, samples.CSAR())
	w.process()
	p := w.get(id)
	if p.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("%s %s", p.Onboarding, p.Failure)
	}
	if _, err := w.Descriptor(t.Context(), p.DescriptorDigest); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}

func TestContentInADirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	s, err := vnfpkg.New(vnfpkg.Config{Store: w.store, Doer: eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), Blobs: blob.Dir(dir)})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, w.processor = s, s.Processor()
	id := w.create()
	w.upload(id, samples.CSAR())
	w.process()
	if p := w.get(id); p.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("%s %s", p.Onboarding, p.Failure)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("files: %v, %v; want content and descriptor", files, err)
	}
}

func TestContentThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	w.upload(id, samples.CSAR())
	clear(w.blobs.data)
	w.process()
	if p := w.get(id); p.Onboarding != vnfpkg.StateError || !strings.Contains(p.Failure, "upload it again") {
		t.Errorf("%s %q", p.Onboarding, p.Failure)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	w.upload(id, samples.CSAR())
	w.process()
	wantKind(t, w.Delete(t.Context(), id, by), vnfm.Conflict) // ENABLED
	if _, err := w.Patch(t.Context(), id, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by); err != nil {
		t.Fatal(err)
	}
	instance := eventstore.View{Kind: readmodel.KindVnf, ID: "vnf-1", Parent: id, Doc: json.RawMessage(`{}`)}
	w.put(instance, false)
	if p := w.get(id); !p.InUse {
		t.Error("the package is not IN_USE")
	}
	wantKind(t, w.Delete(t.Context(), id, by), vnfm.Conflict) // IN_USE
	w.put(instance, true)
	if all, err := w.List(t.Context(), "", 0); err != nil || len(all) != 1 || all[0].InUse {
		t.Errorf("list: %v, %v", all, err)
	}
	if err := w.Delete(t.Context(), id, by); err != nil {
		t.Fatal(err)
	}
	wantKind(t, w.Delete(t.Context(), id, by), vnfm.NotFound)
	if c := w.blobs.contents(); len(c) != 0 {
		t.Errorf("contents left: %v", c)
	}
	if all, err := w.List(t.Context(), "", 0); err != nil || len(all) != 0 {
		t.Errorf("list: %v, %v", all, err)
	}
}

// put writes a view of another aggregate.
func (w *world) put(v eventstore.View, gone bool) {
	w.t.Helper()
	_, err := eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}).Do(w.t.Context(), &eventstore.Work{
		Keys: []string{v.ID},
		Load: func() eventstore.Load { return eventstore.Load{} },
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Views: []eventstore.ViewWrite{{View: v, Delete: gone}}}, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// The answer is in the commit of the effect: of the end of an upload, not of its beginning. Seen failing with the answer
// left in the commit that begins the upload: the key is then used before there is an effect.
func TestAnswerIsStoredWithItsEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	answered := by
	answered.Answer = func(result any) *eventstore.IdempotencyResult {
		p, ok := result.(*vnfpkg.Package)
		if !ok {
			t.Errorf("result is a %T", result)
			return nil
		}
		return &eventstore.IdempotencyResult{IdempotencyKey: eventstore.IdempotencyKey{Caller: "c", Key: "k"}, Status: 202, Body: []byte(p.Onboarding)}
	}
	if _, err := w.PutContent(t.Context(), id, bytes.NewReader(samples.CSAR()), answered); err != nil {
		t.Fatal(err)
	}
	key := eventstore.IdempotencyKey{Caller: "c", Key: "k"}
	l, err := w.store.Load(t.Context(), eventstore.Load{Idempotency: &key})
	if err != nil {
		t.Fatal(err)
	}
	if l.Idempotency == nil || string(l.Idempotency.Body) != vnfpkg.StateProcessing {
		t.Errorf("stored answer: %+v", l.Idempotency)
	}
	_, err = w.Patch(t.Context(), id, vnfpkg.Change{UserDefinedData: map[string]json.RawMessage{"a": json.RawMessage(`1`)}}, answered)
	if !errors.Is(err, eventstore.ErrIdempotencyKeyUsed) {
		t.Errorf("a used key: %v", err)
	}
	if p := w.get(id); len(p.UserDefinedData) != 0 {
		t.Error("a used key had an effect")
	}
}

func TestPatchChecksTheRevision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	stale := by
	stale.Revision = 7
	_, err := w.Patch(t.Context(), id, vnfpkg.Change{UserDefinedData: map[string]json.RawMessage{"a": json.RawMessage(`1`)}}, stale)
	wantKind(t, err, vnfm.Precondition)
	_, err = w.Patch(t.Context(), id, vnfpkg.Change{}, by)
	wantKind(t, err, vnfm.Invalid)
}

func TestRunOnboardsWhenNudgedAndStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.processor.Run(ctx) }()
		synctest.Wait() // the first round found nothing
		id := w.create()
		w.upload(id, samples.CSAR())
		synctest.Wait() // no time has passed: the nudge did it
		if p := w.get(id); p.Onboarding != vnfpkg.StateOnboarded {
			t.Errorf("%s", p.Onboarding)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
