package nfvomanager_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvomanager"
)

const theirs = "their-vnfd"

// catalogue is an orchestrator with one package. changed is called when it has been looked at, before the answer arrives.
type catalogue struct {
	enabled bool
	looks   int
	changed func(look int)
}

func (c *catalogue) Package(context.Context, string) (nfvo.PackageInfo, error) {
	info := nfvo.PackageInfo{ID: "theirs", VnfdID: theirs, Onboarded: true, Enabled: c.enabled}
	c.looks++
	c.changed(c.looks)
	return info, nil
}

func (c *catalogue) Packages(context.Context) ([]nfvo.PackageInfo, error)   { return nil, nil }
func (c *catalogue) Content(context.Context, string) (io.ReadCloser, error) { return nil, io.EOF }
func (c *catalogue) Subscribe(context.Context, string) error                { return nil }

// shelf has the package, enabled or not.
type shelf struct{ enabled bool }

func (s *shelf) Find(context.Context, string, string) (nfvomanager.Local, error) {
	return nfvomanager.Local{ID: "here", Onboarded: true, Enabled: s.enabled}, nil
}
func (s *shelf) Mirrored(context.Context) ([]string, error)   { return nil, nil }
func (s *shelf) Put(context.Context, string, io.Reader) error { return nil }
func (s *shelf) Delete(context.Context, string) error         { return nil }
func (s *shelf) Enable(_ context.Context, _ string, enabled bool) error {
	s.enabled = enabled
	return nil
}

// The orchestrator changes a package, and says so, while the answer about how it was before is on its way: the newer state
// is looked at, now and not only when all packages are compared again. Seen failing with a wish for a package that is being
// looked at taken for the look that is under way.
func TestAChangeDuringALookIsLookedAt(t *testing.T) {
	w := newWorld(t, &listing{})
	there, here := &catalogue{}, &shelf{enabled: true}
	o := &nfvomanager.Onboarding{Catalogue: there, Shelf: here, Store: w.store, Doer: w.cfg.Doer}
	w.cfg.Onboarding = o
	w.worker = nfvomanager.NewWorker(w.cfg)
	want := func() {
		if err := o.Want(t.Context(), theirs); err != nil {
			t.Fatal(err)
		}
	}
	there.changed = func(look int) {
		if look == 1 {
			there.enabled = true
			want()
		}
	}
	want()
	w.run(time.Second)
	if !here.enabled || there.looks != 2 {
		t.Errorf("enabled %v after %d looks; the NFVO has it enabled", here.enabled, there.looks)
	}
	rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableNfvoCommands})
	if err != nil || len(rows) != 0 {
		t.Errorf("left: %+v, %v", rows, err)
	}
}
