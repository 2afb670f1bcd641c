package simulation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
)

// orchestrator is an NFVO that some seeds have: it keeps snapshot packages, which a client makes of an instance as it is, puts their images at the VIMs,
// and decides the grants of reversions to them. All else is granted by the program's own policy.
type orchestrator struct {
	packages map[string]*packed
	infos    map[string]*packed      // by snapshot resource
	pending  map[string][]byte       // requests for grants that are decided later, by location
	images   map[string]bool         // of packages, at every VIM
	made     map[string]string       // what machines and volumes are made of, by token; "": of no snapshot
	boots    map[string]bool         // machines that boot from a volume
	fresh    []string                // instances that have come up, to be packed
	taken    map[string]vnf.Snapshot // by snapshot resource: those that the program took
}

// packed is a snapshot package.
type packed struct {
	id     string
	record []byte
	images map[string]string   // of its machines and volumes, by their ids
	vnfcs  map[string][]string // machine and volumes of each
	unread int                 // so often it is asked for before its content is there
}

// orchestrated reports whether the seed has an NFVO.
func (w *world) orchestrated() bool { return w.seed%3 == 1 }

func (o *orchestrator) init() {
	o.packages, o.infos, o.pending = map[string]*packed{}, map[string]*packed{}, map[string][]byte{}
	o.images, o.made, o.boots, o.taken = map[string]bool{}, map[string]string{}, map[string]bool{}, map[string]vnf.Snapshot{}
}

const packedPrefix = "packed-"

func imageOf(vnfcSnapshot, storage string) string { return "image-of-" + vnfcSnapshot + storage }

// pack makes a snapshot package of an instance.
func (w *world) pack(in *vnf.Instance) *packed {
	o := &w.orchestrator
	p := &packed{id: fmt.Sprintf("%s%d", packedPrefix, len(o.packages)+1), images: map[string]string{}, vnfcs: map[string][]string{}, unread: max(0, w.rng.IntN(6)-4)}
	var vnfcs []any
	for _, c := range in.Info.Vnfcs {
		of := p.id + "-" + c.ID
		storages := []any{}
		p.images[c.ID], p.vnfcs[c.ID] = imageOf(of, ""), []string{c.ID}
		for _, id := range c.Storages {
			storages = append(storages, map[string]any{"storageResourceId": id})
			if p.images[id] == "" { // one that several share is named by the first
				p.images[id] = imageOf(of, id)
			}
			p.vnfcs[c.ID] = append(p.vnfcs[c.ID], id)
		}
		vnfcs = append(vnfcs, map[string]any{"id": of, "vnfcInstanceId": c.ID, "storageSnapshotResources": storages})
	}
	for _, image := range p.images {
		o.images[image] = true
	}
	p.record = []byte(encode(map[string]any{"id": p.id, "vnfInstanceId": in.ID, "vnfdId": in.VnfdID, "vnfcSnapshots": vnfcs}))
	o.packages[p.id] = p
	return p
}

// library is the NFVO as a node reaches it.
type library struct {
	*nodeDriver
}

// Extract implements lcm.SnapshotPackages.
func (l library) Extract(ctx context.Context, id string) (json.RawMessage, error) {
	if l.w.lacks(NoChecksum) {
		return l.believed(ctx, id)
	}
	return (&nfvomanager.Snapshots{Catalogue: l, Timeout: attempt}).Extract(ctx, id) //nolint:wrapcheck // the program's own
}

// reach makes a call to the NFVO, which may be away, or let the caller wait.
func (l library) reach(ctx context.Context, what string, f func() error) error {
	return l.call(ctx, "nfvo "+what, func() error {
		if !l.w.fault(NfvoAway) {
			return f()
		}
		switch l.w.rng.IntN(3) {
		case 0:
			l.w.hang(ctx)
			return &nfvo.Error{Class: message.UnknownOutcome, Reason: "no answer"}
		case 1: // it was heard
			_ = f()
			return &nfvo.Error{Class: message.UnknownOutcome, Reason: "the connection broke"}
		}
		return &nfvo.Error{Class: message.Unavailable, Status: http.StatusServiceUnavailable, Reason: "it is away"}
	})
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// SnapshotPackage implements nfvomanager.SnapshotCatalogue.
func (l library) SnapshotPackage(ctx context.Context, id string) (out *nfvo.SnapshotPackage, err error) {
	err = l.reach(ctx, "snapshot package "+id, func() error {
		p := l.w.orchestrator.packages[id]
		out = &nfvo.SnapshotPackage{ID: id, State: nfvo.SnapshotPackageAvailable, SnapshotID: id, Record: &nfvo.SnapshotRecord{Path: "record.json", Hash: sumOf(p.record)}}
		if p.unread > 0 {
			p.unread--
			out.State = "PROCESSING"
		}
		return nil
	})
	return out, err
}

// SnapshotArtifact implements nfvomanager.SnapshotCatalogue.
func (l library) SnapshotArtifact(ctx context.Context, id, _ string) (out io.ReadCloser, err error) {
	err = l.reach(ctx, "snapshot record "+id, func() error {
		record := l.w.orchestrator.packages[id].record
		switch {
		case !l.w.fault(RecordOther):
			out = io.NopCloser(bytes.NewReader(record))
		case l.w.rng.IntN(2) == 0:
			out = io.NopCloser(io.MultiReader(bytes.NewReader(record[:len(record)/2]), broken{}))
		default:
			out = io.NopCloser(bytes.NewReader(another(record)))
		}
		return nil
	})
	return out, err
}

// broken is a connection that has broken.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

// another is the record of another package, as it were: what is of one VNFC is said to be of the next.
func another(record []byte) []byte {
	var doc map[string]any
	if json.Unmarshal(record, &doc) != nil {
		return nil
	}
	vnfcs, _ := doc["vnfcSnapshots"].([]any)
	var first any
	for i := range vnfcs {
		c, _ := vnfcs[i].(map[string]any)
		if i == 0 {
			first = c["id"]
		}
		if c["id"] = first; i+1 < len(vnfcs) {
			next, _ := vnfcs[i+1].(map[string]any)
			c["id"] = next["id"]
		} else if len(vnfcs) == 1 {
			c["id"] = "of-nothing"
		}
	}
	return []byte(encode(doc))
}

// believed is the mutant NoChecksum: whatever is read is taken for the package's record.
func (l library) believed(ctx context.Context, id string) (json.RawMessage, error) {
	real := &nfvomanager.Snapshots{Catalogue: believer{l, new([]byte)}, Timeout: attempt}
	return real.Extract(ctx, id) //nolint:wrapcheck // the program's own
}

// believer says that the checksum of a record is that of what is read next.
type believer struct {
	library
	next *[]byte
}

func (b believer) SnapshotPackage(ctx context.Context, id string) (*nfvo.SnapshotPackage, error) {
	p, err := b.library.SnapshotPackage(ctx, id)
	if err != nil {
		return nil, err
	}
	f, err := b.library.SnapshotArtifact(ctx, id, p.Record.Path)
	if err != nil {
		return nil, err
	}
	if *b.next, err = io.ReadAll(f); err != nil {
		return nil, err //nolint:wrapcheck // a mutant's
	}
	p.Record.Hash = sumOf(*b.next)
	return p, nil
}

func (b believer) SnapshotArtifact(context.Context, string, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(*b.next)), nil
}

// body makes what the NFVO is asked of requests that it decides: those for what is to be made of its packages.
func (w *world) body(r *nfvo.GrantRequest) (json.RawMessage, error) {
	if !slices.ContainsFunc(r.Add, func(d nfvo.ResourceDefinition) bool { return d.Snapshot != nil && d.Snapshot.Package }) {
		return nil, errors.New("it is for our own policy to decide")
	}
	return vim.Encode(r), nil
}

// Ask implements nfvomanager.Orchestrator.
func (l library) Ask(ctx context.Context, body json.RawMessage) (out nfvo.Answer, err error) {
	err = l.reach(ctx, "grant", func() error {
		if l.w.rng.IntN(3) == 0 {
			out.Location = "grants/" + sumOf(body)[:16]
			l.w.orchestrator.pending[out.Location] = body
			return nil
		}
		out, err = l.decided(ctx, body)
		return err
	})
	return out, err
}

// Look implements nfvomanager.Orchestrator.
func (l library) Look(ctx context.Context, location string) (out nfvo.Answer, err error) {
	err = l.reach(ctx, "look at "+location, func() error {
		if l.w.rng.IntN(3) == 0 {
			out.Location = location
			return nil
		}
		out, err = l.decided(ctx, l.w.orchestrator.pending[location])
		return err
	})
	return out, err
}

// decided is a grant as our own policy would give it, with the images of packages beside.
func (l library) decided(ctx context.Context, body []byte) (nfvo.Answer, error) {
	var req nfvo.GrantRequest
	l.w.must(json.Unmarshal(body, &req))
	plain := req
	plain.Add = slices.Clone(req.Add)
	for i := range plain.Add {
		plain.Add[i].Snapshot = nil
	}
	g, err := nfvomanager.Decide(ctx, vim.Fixed(sim.Connections()), map[string]vim.Driver{sim.Type: l.Sim}, plain)
	if err != nil {
		return nfvo.Answer{}, &nfvo.Error{Class: message.Permanent, Status: http.StatusForbidden, Reason: err.Error()}
	}
	g.Local = false
	for _, d := range req.Add {
		if s := d.Snapshot; s != nil && s.Package {
			g.Snapshots = append(g.Snapshots, nfvo.Snapshot{
				VnfSnapshotID: s.VnfSnapshotID, VnfcSnapshotID: s.VnfcSnapshotID, StorageSnapshotID: s.StorageSnapshotID,
				VimSnapshotID: imageOf(s.VnfcSnapshotID, s.StorageSnapshotID), Connection: g.Info(d.ID).Connection,
			})
		}
	}
	return nfvo.Answer{Grant: &g, VnfID: req.VnfID, OpOccID: req.OpOccID, Body: vim.Encode(g)}, nil
}

// madeOf notes what a machine or a volume is made of, and returns what the simulated VIM is asked for: it has no images of packages, which are there
// all the same.
func (w *world) madeOf(r vim.StartRequest) vim.StartRequest {
	o, token := &w.orchestrator, r.Token.String()
	switch {
	case r.Spec.Compute != nil:
		c := *r.Spec.Compute
		o.made[token] = c.Snapshot
		o.boots[token] = slices.ContainsFunc(c.Volumes, func(v vim.VolumeRef) bool { return v.Boot })
		if o.images[c.Snapshot] {
			c.Snapshot, r.Spec.Compute = "", &c
		}
	case r.Spec.Volume != nil:
		c := *r.Spec.Volume
		o.made[token] = c.Snapshot
		if o.images[c.Snapshot] {
			c.Snapshot, r.Spec.Volume = "", &c
		}
	}
	return r
}

// judgeReversion checks a reversion that has landed: whatever was made again was made of what the snapshot, or the package, has of it (I9).
func (w *world) judgeReversion(vnfID, infoID string, made []vnf.Resource, vnfcs []string) {
	o := &w.orchestrator
	want, needed := map[string]string{}, map[string]bool{}
	if p := o.infos[infoID]; p != nil {
		w.happened[RevertedToPackage]++
		want = p.images
		for id := range p.vnfcs {
			needed[id] = true
		}
	} else if s, ok := o.taken[infoID]; ok {
		w.happened[RevertedToTaken]++
		at := func(id string) string {
			if r := s.Resource(id); r != nil {
				return r.VimID
			}
			return ""
		}
		for _, c := range s.Vnfcs {
			needed[c.VnfcID], want[c.VnfcID] = true, at(c.Compute)
			for _, st := range c.Storages {
				want[st.Storage] = at(st.Snapshot)
			}
		}
	}
	if vnfcs != nil { // these alone
		clear(needed)
		for _, id := range vnfcs {
			needed[id] = true
		}
	}
	for i := range made {
		r := &made[i]
		token := vim.Token{ID: r.ID, Generation: r.Generation}.String()
		delete(needed, r.ID)
		if r.Kind != string(vim.Compute) && r.Kind != string(vim.Volume) || o.boots[token] {
			continue
		}
		if of, known := want[r.ID]; known && o.made[token] != of {
			w.violate("I9: %s %s of %s was reverted to %s, and is made of %q, not of %q", r.Kind, token, vnfID, infoID, o.made[token], of)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(needed)) {
		w.violate("I9: the machine of the VNFC %s of %s was not made again by a reversion to %s", id, vnfID, infoID)
	}
}

// heardOf judges reversions by their events.
func (w *world) heardOf(event, stream string, data []byte) {
	id := strings.TrimPrefix(stream, "vnf-")
	switch event {
	case (*vnf.InstanceReverted)(nil).EventType():
		var e vnf.InstanceReverted
		w.must(json.Unmarshal(data, &e))
		w.judgeReversion(id, e.SnapshotID, slices.Concat(e.Resources, e.Changed), nil)
	case (*vnf.InstanceVnfcsReverted)(nil).EventType():
		var e vnf.InstanceVnfcsReverted
		w.must(json.Unmarshal(data, &e))
		w.judgeReversion(id, e.SnapshotID, slices.Concat(e.Resources, e.Changed), slices.Sorted(maps.Keys(e.Vnfcs)))
	}
}
