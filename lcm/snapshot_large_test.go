package lcm_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// crowd is a VNF of so many VNFCs of one VDU, and one of another, each with a port.
func crowd(t *testing.T, n int) (*site, string) {
	t.Helper()
	d := plantest.Minimal()
	f := &d.Flavours[0]
	f.Levels, f.DefaultLevel, f.Affinity = nil, "", nil
	f.Vdus[0].Initial, f.Vdus[0].Max = &n, n+5
	s := newSite(t, d, lcm.Settings{})
	return s, s.up()
}

// TestASnapshotOfALargeVnfIsWhole: what is written of a snapshot of one VNFC is as large in a VNF of 90 VNFCs as in one of 33; whoever reads it sees the
// VNF as it was, also when that has changed since, and it is what it was when it is reverted. Seen failing with the instance in the event: 62 and 160 kB.
func TestASnapshotOfALargeVnfIsWhole(t *testing.T) {
	sizes := map[int]int{}
	for _, n := range []int{33, 90} {
		s, id := crowd(t, n)
		was := s.whole(id)
		part := s.info()
		op, err := s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: part, VnfcID: was.Info.Vnfcs[0].ID}, by)
		s.must(err)
		s.ended(op.ID)
		events, err := s.store.ReadStream(s.ctx(), vnf.SnapshotStream+op.ID, 0, 10)
		s.must(err)
		sizes[n] = len(events[0].Data)

		all, info := []string{op.ID}, ""
		if n == 33 {
			var whole *vnf.Snapshot
			info, whole = s.snapshotted(id)
			all = append(all, whole.ID)
		}
		s.ended(s.scale(id, "SCALE_OUT", "VDU1_scale", 1))
		for _, taken := range all {
			ref := eventstore.ViewRef{Kind: readmodel.KindSnapshot, ID: taken}
			l, err := s.live().Load(s.ctx(), eventstore.Load{Views: []eventstore.ViewRef{ref}})
			s.must(err)
			var seen vnf.Snapshot
			s.must(json.Unmarshal(l.Views[ref].Doc, &seen))
			if seen.Vnf == nil || !reflect.DeepEqual(seen.Vnf.Info, was.Info) || seen.Vnf.Operation != "" || len(seen.Vnf.Resources) != len(was.Resources) {
				t.Errorf("of %d VNFCs it is %+v", n, seen.Vnf)
			}
		}
		if info == "" {
			continue
		}
		s.ended(s.revert(id, info))
		if now := s.whole(id); !reflect.DeepEqual(vnfcIDs(now), vnfcIDs(was)) {
			t.Errorf("reverted it has %d VNFCs, had %d", len(now.Info.Vnfcs), len(was.Info.Vnfcs))
		}
		s.finish()
	}
	if sizes[90] > sizes[33]*6/5 {
		t.Errorf("what is written of a snapshot is %v bytes", sizes)
	}
}

func vnfcIDs(v *vnf.Instance) (out []string) {
	for _, c := range v.Info.Vnfcs {
		out = append(out, c.ID)
	}
	return out
}
