package lcm_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// shown is a view as a commit left it, at that time.
type shown struct {
	eventstore.ViewWrite
	at time.Time
}

// witness keeps what a commit shows to readers.
func (s *site) witness(c *eventstore.Commit) {
	for _, v := range c.Views {
		v.Doc = bytes.Clone(v.Doc)
		s.shown = append(s.shown, shown{v, c.Time})
	}
}

// past asserts that whatever a reader was ever shown can be seen again: by version, and by time what was shown last at
// that time. Events of several commits have one time here, as the clock moves with timeouts only.
func (s *site) past() {
	s.t.Helper()
	latest := map[eventstore.ViewRef]map[time.Time]int64{}
	for _, v := range s.shown {
		got, at := s.then(v.Kind, v.ID, v.Revision)
		if got.Delete != v.Delete || got.Revision != v.Revision || !bytes.Equal(got.Doc, v.Doc) || !at.Equal(got.Updated) {
			s.t.Fatalf("%s %s at version %d\nwas   %s\nis now %s", v.Kind, v.ID, v.Revision, v.Doc, got.Doc)
		}
		ref := eventstore.ViewRef{Kind: v.Kind, ID: v.ID}
		if latest[ref] == nil {
			latest[ref] = map[time.Time]int64{}
		}
		latest[ref][v.at] = v.Revision
	}
	for ref, times := range latest {
		for at, version := range times {
			got, err := s.store.VersionAt(s.ctx(), s.stream(ref.Kind, ref.ID), at)
			s.must(err)
			if got = s.shownOf(ref, got); got != version {
				s.t.Fatalf("%s %s at %v: version %d, shown was %d", ref.Kind, ref.ID, at, got, version)
			}
		}
	}
}

// shownOf is the version that a row shows once its stream is at a version: of an operation its last milestone.
func (s *site) shownOf(ref eventstore.ViewRef, version int64) int64 {
	s.t.Helper()
	if ref.Kind != readmodel.KindOpOcc || version == 0 {
		return version
	}
	events, err := s.store.ReadStream(s.ctx(), s.stream(ref.Kind, ref.ID), 0, int(version))
	s.must(err)
	for _, e := range slices.Backward(events) {
		event, err := s.opoccs.Decode(e)
		s.must(err)
		if vnf.Milestone(event.(vnf.OpEvent)) {
			return e.Version
		}
	}
	return 0
}

func (s *site) stream(kind, id string) string {
	switch kind {
	case readmodel.KindVnf:
		return s.instances.Stream(id)
	case readmodel.KindSnapshotInfo:
		return s.snapshots.Infos.Stream(id)
	case readmodel.KindSnapshot:
		return s.snapshots.Taken.Stream(id)
	}
	return s.opoccs.Stream(id)
}

// then returns a view as it was at a version, and the time of the event that made it so.
func (s *site) then(kind, id string, version int64) (eventstore.ViewWrite, time.Time) {
	s.t.Helper()
	switch kind {
	case readmodel.KindVnf:
		state, e, err := s.instances.At(s.ctx(), s.store, id, version)
		s.must(err)
		return readmodel.InstanceView(&state.Value), e.Time
	case readmodel.KindSnapshotInfo:
		state, e, err := s.snapshots.Infos.At(s.ctx(), s.store, id, version)
		s.must(err)
		return readmodel.SnapshotInfoView(&state.Value), e.Time
	case readmodel.KindSnapshot:
		state, e, err := s.snapshots.Taken.At(s.ctx(), s.store, id, version)
		s.must(err)
		return readmodel.SnapshotView(&state.Value), e.Time
	}
	state, e, err := s.opoccs.At(s.ctx(), s.store, id, version)
	s.must(err)
	return readmodel.OpOccView(&state.Value), e.Time
}

// The past of a deleted instance can still be read. TestAnyOrderEndsInALegalState looks at the past of every run, too.
// Seen failing with VersionAt leaving out what happened at the very time.
func TestPast_is_what_was_shown_then_also_of_a_deleted_instance(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	id := s.up()
	s.now = s.now.Add(time.Hour)
	s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
	s.settle()
	s.now = s.now.Add(time.Hour)
	s.must(s.svc.DeleteVnf(s.ctx(), id, by))
	kinds := map[string]int{}
	for _, v := range s.shown {
		kinds[v.Kind]++
	}
	if last := s.shown[len(s.shown)-1]; !last.Delete || kinds[readmodel.KindVnf] < 6 || kinds[readmodel.KindOpOcc] < 6 {
		t.Fatalf("too little was shown: %v, last %+v", kinds, last)
	}
	s.finish()
}
