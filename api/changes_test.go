package api_test

import (
	"strings"
	"testing"

	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// There is an entry for each link and type of change, so that the ports that came with a link have one of their own (SOL003 v3.7.1
// §5.5.2.13, note 3); of a change of package each entry says which VNFD its ids are of, what is removed that of the old one. SOL003
// v2.6.1 has one entry for a link, and no vnfdId. Seen failing with the ports in the entry of their link, and without vnfdId.
func TestChangesOfLinksAndOfAPackage(t *testing.T) {
	w := newWorld(t)
	h := vnf.Handle{Connection: "v", VimID: "n"}
	op := vnf.OpOcc{
		ID: "o", VnfID: "i", Operation: vnf.OpChangeVnfPkg, State: vnf.Completed, StateEntered: epoch, Started: epoch, FromVnfdID: "old", ToVnfdID: "new",
		Changes: vnf.ResourceChanges{
			Vnfcs: vnf.ListOf(vnf.AffectedVnfc{ID: "a", VduID: "front", Change: vnf.Modified, Handle: h}, vnf.AffectedVnfc{ID: "b", VduID: "app", Change: vnf.Removed, Handle: h}),
			Links: vnf.ListOf(
				vnf.AffectedLink{ID: "l1", LinkID: "x", Change: vnf.Added, Handle: h, PortIDs: []string{"p1", "p2"}},
				vnf.AffectedLink{ID: "l2", LinkID: "y", Change: vnf.Removed, Handle: h, PortIDs: []string{"p3"}},
				vnf.AffectedLink{ID: "l3", LinkID: "z", Change: vnf.LinkPortAdded, Handle: h, PortIDs: []string{"p4"}},
				vnf.AffectedLink{ID: "l4", LinkID: "z", Change: vnf.Added, Handle: h},
			),
			Storages: vnf.ListOf(vnf.AffectedStorage{ID: "s", StorageID: "disk", Change: vnf.Added, Handle: h}),
		},
	}
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, op)
	var got sol.VnfLcmOpOcc
	w.do("GET", ops+"/o", "").want(200).json(&got)
	type entry struct {
		id, change, vnfd string
		ports            int
	}
	var links []entry
	for _, l := range got.ResourceChanges.AffectedVirtualLinks {
		links = append(links, entry{l.Id, l.ChangeType, l.VnfdId, len(l.VnfLinkPortIds)})
	}
	want := []entry{
		{"l1", "ADDED", "new", 0}, {"l1", "LINK_PORT_ADDED", "new", 2}, {"l2", "REMOVED", "old", 0}, {"l2", "LINK_PORT_REMOVED", "old", 1},
		{"l3", "LINK_PORT_ADDED", "new", 1}, {"l4", "ADDED", "new", 0},
	}
	if len(links) != len(want) {
		t.Fatalf("%+v", links)
	}
	for i := range want {
		if links[i] != want[i] {
			t.Errorf("%+v, want %+v", links[i], want[i])
		}
	}
	if v := got.ResourceChanges.AffectedVnfcs; v[0].VnfdId != "new" || v[1].VnfdId != "old" || got.ResourceChanges.AffectedVirtualStorages[0].VnfdId != "new" {
		t.Errorf("%+v", got.ResourceChanges)
	}
	r := w.do("GET", oldOps+"/o", "").want(200)
	if strings.Count(r.body, `"id":"l1"`) != 1 || strings.Count(r.body, `"id":"l2"`) != 1 || !strings.Contains(r.body, "REMOVED") || strings.Contains(r.body, "vnfdId") {
		t.Errorf("%s", r.body)
	}
}
