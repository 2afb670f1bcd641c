package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Snapshot is what a resource has to do with a snapshot.
type Snapshot struct {
	VnfSnapshot  string `json:"vnfSnapshotId"`
	VnfcSnapshot string `json:"vnfcSnapshotId,omitempty"`
	Storage      string `json:"storageId,omitempty"` // of a volume
	// Of is what is snapshotted, Source the snapshot that the resource is made of; SourceKind is whose. One of Of and Source is set.
	Of     *nfvo.ResourceHandle `json:"of,omitempty"`
	Source *nfvo.ResourceHandle `json:"source,omitempty"`
	// Package: the source is of a snapshot package. Whoever grants names it, by the three ids.
	Package bool `json:"package,omitempty"`
	// Near: the resource is not made of the source, but at its VIM: a machine that boots from a volume.
	Near bool `json:"near,omitempty"`
}

// define tells a grant of it.
func (s *Snapshot) define(d *nfvo.ResourceDefinition) {
	if d.Type = "COMPUTE"; s.Storage != "" && !s.Near {
		d.Type = kindOf(vim.Volume).grant
	} else {
		d.VduID = d.TemplateID
	}
	d.Snapshot = &nfvo.SnapshotDefinition{
		VnfSnapshotID: s.VnfSnapshot, VnfcSnapshotID: s.VnfcSnapshot, StorageSnapshotID: s.Storage, Of: s.Of, From: s.Source, Package: s.Package,
	}
}

// source has a resource made of its snapshot, that of a package as the grant names it. Returns an error when that is at another VIM
// than the resource is granted at, or is not named.
func (s *Snapshot) source(spec vim.Spec, connection string, g *nfvo.Grant) (vim.Spec, error) {
	if s == nil || s.Source == nil && !s.Package {
		return spec, nil
	}
	from := s.Source
	if s.Package {
		named := g.Snapshot(s.VnfSnapshot, s.VnfcSnapshot, s.Storage)
		if named == nil {
			return spec, fmt.Errorf("the grant names no snapshot resource for the VNFC snapshot %s", s.VnfcSnapshot)
		}
		from = &nfvo.ResourceHandle{Connection: cmp.Or(named.Connection, connection), ID: named.VimSnapshotID}
	}
	if from.Connection != connection {
		return spec, fmt.Errorf("it is granted at %s, but its snapshot is at %s", connection, from.Connection)
	}
	switch {
	case s.Near:
	case spec.Compute != nil:
		c := *spec.Compute
		c.Snapshot, spec.Compute = from.ID, &c
	case spec.Volume != nil:
		c := *spec.Volume
		c.Snapshot, spec.Volume = from.ID, &c
	}
	return spec, nil
}

// Snapshotting is what a snapshot is to be taken of.
type Snapshotting struct {
	Op   string // the operation's id, which is that of the VnfSnapshot
	Name string // what resource names begin with
	Vnf  *vnf.Instance
	Vnfc string // of which alone it is taken; "": of all
}

// Take returns what a VNF that has some resources consists of once a snapshot of it was taken: the same, and a snapshot of each machine's
// own disk and of each volume. vnfcs says what belongs to which VNFC. Returns Conflict for a VNF of containers, Unprocessable for a VNFC that
// there is not.
func Take(x *Snapshotting, have []Resource) (want *Wanted, vnfcs []vnf.VnfcSnapshot, err error) {
	want, err = Of(x.Vnf, have)
	if err != nil {
		return nil, nil, err
	}
	taken := map[string]string{} // snapshot by volume: those that several VNFCs share are taken once
	take := func(of *Resource, name string, spec vim.SnapshotSpec, about Snapshot) string {
		id := message.DeriveID(x.Op, "snapshot", of.ID)
		about.VnfSnapshot, about.Of = x.Op, of.handle()
		want.Resources = append(want.Resources, Resource{
			ID: id, Kind: vim.Snapshot, Template: of.Template, Definition: id, Near: of.ID,
			Spec: vim.Spec{Name: x.Name + "-" + name + "-snapshot", Snapshot: &spec}, Snapshot: &about,
		})
		return id
	}
	for _, c := range want.Vnfcs {
		if x.Vnfc != "" && c.ID != x.Vnfc {
			continue
		}
		r := want.resource(c.ID)
		switch {
		case c.Unit != "":
			return nil, nil, vnfm.Errorf(vnfm.Conflict, "the VNF has containers (%s), of which no snapshots are taken: they are made again of their images. A snapshot of one machine names it (vnfcInstanceId)", c.Vdu)
		case r == nil || r.At == nil:
			return nil, nil, vnfm.Errorf(vnfm.Conflict, "the machine of the VNFC %s is not known to stand: heal the VNF first", c.ID)
		}
		compute := *r // the list grows
		of := vnf.VnfcSnapshot{ID: message.DeriveID(x.Op, "vnfc", c.ID), VnfcID: c.ID}
		name := fmt.Sprintf("%s-%d", c.Vdu, c.Index)
		if !bootsFromVolume(&compute) {
			of.Compute = take(&compute, name, vim.SnapshotSpec{Compute: refPlan + c.ID}, Snapshot{VnfcSnapshot: of.ID})
		}
		for _, id := range c.Storages {
			volume := want.resource(id)
			if volume == nil || volume.At == nil {
				continue // someone else's
			}
			if v := *volume; taken[id] == "" {
				taken[id] = take(&v, name+"-"+v.Template, vim.SnapshotSpec{Volume: refPlan + id}, Snapshot{VnfcSnapshot: of.ID, Storage: id})
			}
			of.Storages = append(of.Storages, vnf.StorageSnapshot{Storage: id, Snapshot: taken[id]})
		}
		vnfcs = append(vnfcs, of)
	}
	want.Index()
	if x.Vnfc != "" && len(vnfcs) == 0 {
		return nil, nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", x.Vnfc).At("/vnfcInstanceId")
	}
	if len(vnfcs) == 0 {
		return nil, nil, vnfm.Errorf(vnfm.Conflict, "the VNF has no VNFCs to take a snapshot of")
	}
	return want, vnfcs, nil
}

// bootsFromVolume reports whether a machine has no disk of its own.
func bootsFromVolume(r *Resource) bool {
	c := r.Spec.Compute
	return c != nil && c.Image == "" && slices.ContainsFunc(c.Volumes, func(v vim.VolumeRef) bool { return v.Boot })
}

// Reverting is what a VNF is to be reverted to.
type Reverting struct {
	Vnf      *vnf.Instance
	Whole    *vnf.Instance // that Vnf is a part of
	Flavour  *vnfd.Flavour
	Snapshot *vnf.Snapshot
	// Generation is that of what is made again: above all that was ever tried.
	Generation int
	// Package: the snapshot is of a snapshot package, so that nothing of it is known but its VNFCs.
	Package bool
}

// RevertVnfcs returns what a VNF consists of once some of its VNFCs have on their disks what the snapshot has of them: their machines
// and volumes are made again, in the form that they have now, and nothing else changes. A volume that they share with others stays, and
// the warnings say so. Returns Conflict for a VNFC that the VNF has no more.
func RevertVnfcs(x *Reverting, have []Resource) (*Wanted, error) {
	from := x.sources()
	chosen, shared := map[string]bool{}, map[string]bool{}
	for _, c := range x.Snapshot.Vnfcs {
		chosen[c.VnfcID] = true
	}
	for _, c := range x.Whole.Info.Vnfcs {
		for _, id := range c.Storages {
			shared[id] = shared[id] || !chosen[c.ID]
		}
	}
	again := map[string]bool{}
	for _, s := range x.Snapshot.Vnfcs {
		i := slices.IndexFunc(x.Vnf.Info.Vnfcs, func(c vnf.Vnfc) bool { return c.ID == s.VnfcID })
		if i < 0 {
			return nil, vnfm.Errorf(vnfm.Conflict, "the VNF has the VNFC %s of the snapshot no more", s.VnfcID)
		}
		again[s.VnfcID] = true
		for _, id := range x.Vnf.Info.Vnfcs[i].Storages {
			again[id] = from[id] != nil && !shared[id]
		}
	}
	resources := slices.Clone(have)
	var warnings []string
	for i := range resources {
		r := &resources[i]
		if from[r.ID] != nil && shared[r.ID] {
			warnings = append(warnings, fmt.Sprintf("the volume %s is shared with VNFCs that are not reverted: it stays as it is", r.Name()))
		}
		if !again[r.ID] || r.Kind != vim.Compute && r.Kind != vim.Volume {
			continue
		}
		if r.Snapshot = from[r.ID]; r.Snapshot == nil && x.Package && r.Kind == vim.Compute && !bootsFromVolume(r) {
			c := x.Snapshot.Vnfcs[slices.IndexFunc(x.Snapshot.Vnfcs, func(c vnf.VnfcSnapshot) bool { return c.VnfcID == r.ID })]
			r.Snapshot = &Snapshot{VnfSnapshot: x.Snapshot.ID, VnfcSnapshot: c.ID, Package: true}
		}
		r.At, r.Generation, r.Revision, r.Tried, r.Unsure = nil, x.Generation, 1, 0, false
	}
	want, err := Of(x.Vnf, resources)
	if err != nil {
		return nil, err
	}
	want.FixedVars, want.Boots, want.Vars = true, Boots(x.Flavour), x.Vnf.Values
	want.Warnings = append(want.Warnings, warnings...)
	return want, nil
}

// Revert returns what a VNF that has some resources consists of once it is what it was at a snapshot. Machines and volumes of the snapshot
// are made again, of what the snapshot has of them; what else stands stays, in the form that it had; what is gone is made as it was, with the
// addresses that it had. Returns Conflict where the snapshot does not say how.
func Revert(x *Reverting, have []Resource) (*Wanted, error) {
	stands := make(map[string]*Resource, len(have))
	for i := range have {
		stands[have[i].ID] = &have[i]
	}
	from := x.sources()
	resources := make([]Resource, 0, len(x.Snapshot.Vnf.Resources))
	for i := range x.Snapshot.Vnf.Resources {
		r, err := Held(&x.Snapshot.Vnf.Resources[i])
		if err != nil {
			return nil, err
		}
		if r.Revision == 0 {
			return nil, vnfm.Errorf(vnfm.Conflict, "the %s %s was made by a program that did not record how", r.Kind, r.Name())
		}
		now := stands[r.ID]
		r.Snapshot = from[r.ID]
		switch again := r.Kind == vim.Compute || r.Kind == vim.Volume; {
		case now != nil && !again:
			r.At, r.Definition, r.Generation, r.Revision, r.Tried = now.At, now.Definition, now.Generation, now.Revision, now.Tried
		default:
			if r.Kind == vim.Port || r.Kind == vim.Subnet {
				r.Had = r.At
			}
			r.At, r.Generation, r.Revision, r.Tried, r.Unsure = nil, x.Generation, 1, 0, false
		}
		resources = append(resources, r)
	}
	was := *x.Snapshot.Vnf
	want, err := Of(&was, resources)
	if err != nil {
		return nil, err
	}
	want.FixedVars, want.Boots, want.Vars = true, Boots(x.Flavour), was.Values
	return want, nil
}

// sources is what the snapshot has of machines and volumes, by their ids.
func (x *Reverting) sources() map[string]*Snapshot {
	out := map[string]*Snapshot{}
	handle := func(id string) *nfvo.ResourceHandle {
		if r := x.Snapshot.Resource(id); r != nil {
			return &nfvo.ResourceHandle{Connection: r.Connection, ID: r.VimID, Type: r.VimType}
		}
		return nil
	}
	for _, c := range x.Snapshot.Vnfcs {
		if x.Package {
			for _, s := range c.Storages {
				out[s.Storage] = &Snapshot{VnfSnapshot: x.Snapshot.ID, VnfcSnapshot: c.ID, Storage: s.Storage, Package: true}
			}
			continue
		}
		for _, s := range c.Storages {
			if out[s.Storage] == nil {
				out[s.Storage] = &Snapshot{VnfSnapshot: x.Snapshot.ID, VnfcSnapshot: c.ID, Storage: s.Storage, Source: handle(s.Snapshot)}
			}
		}
		if c.Compute != "" {
			out[c.VnfcID] = &Snapshot{VnfSnapshot: x.Snapshot.ID, VnfcSnapshot: c.ID, Source: handle(c.Compute)}
			continue
		}
		for _, s := range c.Storages { // at the VIM of what it boots from
			out[c.VnfcID] = &Snapshot{VnfSnapshot: x.Snapshot.ID, VnfcSnapshot: c.ID, Source: handle(s.Snapshot), Near: true}
		}
	}
	return out
}

// LostLevels is what is left of the scale levels of a VNF once VNFCs that a snapshot does not have are gone: they have none any more.
func LostLevels(v *vnf.Instance, f *vnfd.Flavour, want *Wanted) []Loss {
	var gone []string
	for _, c := range v.Info.Vnfcs {
		if want.vnfc(c.ID) == nil {
			gone = append(gone, c.ID)
		}
	}
	levels := map[string]int{}
	for _, s := range want.ScaleStatus {
		levels[s.AspectID] = s.Level
	}
	slices.SortFunc(gone, strings.Compare)
	return Losses(v.Info, f, levels, gone)
}
