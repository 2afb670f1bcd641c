package vnfpkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/aggregate/aggregatetest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

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
	found, err := w.ByVnfdID(t.Context(), samples.VnfdID)
	if err != nil {
		t.Fatal(err)
	}
	if found.ID != id || found.DescriptorDigest != p.DescriptorDigest || found.Version != p.Version {
		t.Errorf("by vnfdId: %+v, want %+v", found, p)
	}
	d, err := w.Descriptor(t.Context(), found.DescriptorDigest)
	if err != nil {
		t.Fatal(err)
	}
	data := samples.CSAR()
	pkg, err := csar.Open(bytes.NewReader(data), int64(len(data)), csar.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pkg.Descriptor, d); diff != "" {
		t.Errorf("the stored descriptor differs: %s", diff)
	}
	again, err := w.Descriptor(t.Context(), found.DescriptorDigest)
	if err != nil || again != d {
		t.Errorf("the cache does not return the same descriptor: %v", err)
	}
	if _, err := w.Descriptor(t.Context(), "0000"); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("unknown digest: %v", err)
	}
	if _, err := w.ByVnfdID(t.Context(), "unknown"); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("unknown vnfdId: %v", err)
	}
	if _, err := w.Patch(t.Context(), id, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ByVnfdID(t.Context(), samples.VnfdID); vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Errorf("disabled package: %v", err)
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

// The views are what the events amount to. Seen failing with InUse left in the document.
func TestViewsAreWhatTheEventsGive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept, gone := w.create(), w.create()
	w.upload(kept, samples.CSAR())
	w.upload(gone, []byte("no zip"))
	w.process()
	if _, err := w.Patch(t.Context(), kept, vnfpkg.Change{UserDefinedData: map[string]json.RawMessage{"a": json.RawMessage(`1`)}}, by); err != nil {
		t.Fatal(err)
	}
	w.put(eventstore.View{Kind: readmodel.KindVnf, ID: "vnf-1", Parent: kept, Doc: json.RawMessage(`{}`)}, false)
	if _, err := w.Patch(t.Context(), kept, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(t.Context(), gone, by); err != nil {
		t.Fatal(err)
	}
	registry, err := aggregate.NewRegistry(vnfpkg.Forms()...)
	if err != nil {
		t.Fatal(err)
	}
	source := vnfpkg.Source(vnfpkg.Repository(registry))
	for _, id := range []string{kept, gone} {
		events, err := w.store.ReadStream(t.Context(), source.Prefix+id, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		want, err := source.View(id, events)
		if err != nil {
			t.Fatal(err)
		}
		views, err := w.store.Views(t.Context(), eventstore.ViewQuery{Kind: source.Kind})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(views, func(v eventstore.View) bool { return v.ID == id })
		if want.Delete != (i < 0) {
			t.Errorf("%s: deleted %v, but found at %d", id, want.Delete, i)
		} else if i >= 0 {
			if diff := cmp.Diff(want.View, views[i]); diff != "" {
				t.Errorf("%s: %s", id, diff)
			}
		}
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

// Seen failing with Unavailable, once per process.
func TestSnapshotsOfAnotherSchemaDoNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create()
	w.upload(id, samples.CSAR())
	aggregatetest.OtherSchema(t, w.store)
	w.restart()
	w.process()
	if p := w.get(id); p.Onboarding != vnfpkg.StateOnboarded {
		t.Errorf("after processing: %s", p.Onboarding)
	}
	aggregatetest.OtherSchema(t, w.store)
	w.restart()
	if used, err := w.Used(t.Context(), id); !used || err != nil {
		t.Errorf("used: %t, %v", used, err)
	}
	w.restart()
	if _, err := w.Patch(t.Context(), id, vnfpkg.Change{OperationalState: vnfpkg.Disabled}, by); err != nil {
		t.Error(err)
	}
}
