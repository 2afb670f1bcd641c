package nfvotest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/sol"
)

// SnapshotPackage is a VNF snapshot package of the orchestrator.
type SnapshotPackage struct {
	State     string `json:"state"`               // "": AVAILABLE
	Failure   string `json:"failure,omitempty"`   // of a state ERROR
	Encrypted bool   `json:"encrypted,omitempty"` // its record is
	// Record is the file that holds the VnfSnapshot; Sum is its SHA-256 in hex digits as the orchestrator tells it, "": the right one.
	Record json.RawMessage `json:"record"`
	Sum    string          `json:"sum,omitempty"`
	// NoImageOf is a VNFC of which the package has no image.
	NoImageOf string `json:"noImageOf,omitempty"`
}

// recordPath is where a package has its record.
const recordPath = "Snapshot/record one.json"

// PutSnapshotPackage makes or replaces a snapshot package and returns its id. An id of "" makes a new one.
func (n *NFVO) PutSnapshotPackage(id string, p SnapshotPackage) string {
	if id == "" {
		id = uuid.NewString()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.snapshots[id] = p
	return id
}

// SnapshotReads returns how often a file of a snapshot package was asked for.
func (n *NFVO) SnapshotReads() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.snapshotReads
}

// snapshotOf reads a VnfSnapshot, alone or in a VnfSnapshotInfo.
func snapshotOf(record json.RawMessage) sol.VnfSnapshot {
	var info sol.VnfSnapshotInfo
	if json.Unmarshal(record, &info) == nil && info.VnfSnapshot != nil {
		return *info.VnfSnapshot
	}
	var s sol.VnfSnapshot
	_ = json.Unmarshal(record, &s) // what cannot be read has no images
	return s
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (p *SnapshotPackage) info(id, base string) sol.VnfSnapshotPkgInfo {
	self := base + "/vnfsnapshotpkgm/v1/vnf_snapshot_packages/" + id
	out := sol.VnfSnapshotPkgInfo{
		Id: id, Name: "snapshot " + id, State: or(p.State, "AVAILABLE"), IsFullSnapshot: true,
		Links: sol.VnfSnapshotPkgInfoLinks{Self: sol.Link{Href: self}, PackageContent: sol.Link{Href: self + "/package_content"}},
	}
	if p.Failure != "" {
		out.FailureDetails = &sol.SnapshotPkgFailure{ErrorType: "BUILD_ERROR", Details: sol.ProblemDetails{Status: http.StatusInternalServerError, Detail: p.Failure}}
	}
	if len(p.Record) == 0 {
		return out
	}
	s := snapshotOf(p.Record)
	out.VnfSnapshotId, out.VnfSnapshotPkgUniqueId = s.Id, id
	out.Vnfsr = &sol.VnfSnapshotRecord{RecordPath: recordPath, Checksum: "sha-256:" + or(p.Sum, sumOf(p.Record)), IsEncrypted: p.Encrypted}
	image := func(id, vnfc string) {
		if vnfc != p.NoImageOf {
			out.VnfcSnapshotImages = append(out.VnfcSnapshotImages, sol.VnfcSnapshotImageInfo{
				Id: id, Name: id, Checksum: "sha-256:" + sumOf([]byte(id)), VnfcInstanceId: vnfc, ContainerFormat: "BARE", DiskFormat: "QCOW2",
				CreatedAt: time.Unix(0, 0).UTC(), ImagePath: "Images/" + id,
			})
		}
	}
	for _, c := range s.VnfcSnapshots {
		image(c.Id, c.VnfcInstanceId)
		for _, st := range c.StorageSnapshotResources {
			image(st.StorageResourceId, c.VnfcInstanceId)
		}
	}
	return out
}

// snapshotOr returns the package of a request, nil when it was answered that there is none.
func (n *NFVO) snapshotOr(w http.ResponseWriter, r *http.Request) *SnapshotPackage {
	n.mu.Lock()
	p, ok := n.snapshots[r.PathValue("id")]
	n.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "there is no such snapshot package")
		return nil
	}
	return &p
}

func (n *NFVO) showSnapshot(w http.ResponseWriter, r *http.Request) {
	if p := n.snapshotOr(w, r); p != nil {
		answer(w, http.StatusOK, p.info(r.PathValue("id"), root(r)))
	}
}

func (n *NFVO) snapshotArtifact(w http.ResponseWriter, r *http.Request) {
	p := n.snapshotOr(w, r)
	if p == nil {
		return
	}
	n.mu.Lock()
	n.snapshotReads++
	cut := n.cuts > 0
	if cut {
		n.cuts--
	}
	n.mu.Unlock()
	switch {
	case r.PathValue("path") != recordPath:
		refuse(w, http.StatusNotFound, "there is no such artifact")
		return
	case or(p.State, "AVAILABLE") != "AVAILABLE":
		refuse(w, http.StatusConflict, "the snapshot package is "+p.State)
		return
	case cut:
		w = &cutter{w, len(p.Record) / 4}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", fmt.Sprintf("%q", sumOf(p.Record)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.Record))
}

// putSnapshot makes or replaces a package from a SnapshotPackage, or from the file of its record.
func (n *NFVO) putSnapshot(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return
	}
	var p SnapshotPackage
	if json.Unmarshal(b, &p) != nil {
		refuse(w, http.StatusBadRequest, "the body is not JSON")
		return
	}
	if len(p.Record) == 0 {
		p.Record = b
	}
	n.PutSnapshotPackage(r.PathValue("id"), p)
	w.WriteHeader(http.StatusNoContent)
}

// packed names what the orchestrator has at the VIM for the snapshots that a grant request wants resources to be made of.
func (n *NFVO) packed(g *sol.Grant, r *sol.GrantRequest) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range r.AddResources {
		def := d.SnapshotResDef
		if def == nil || def.SnapshotResource != nil {
			continue
		}
		for _, p := range n.snapshots {
			s := snapshotOf(p.Record)
			if s.Id != def.VnfSnapshotId {
				continue
			}
			if at := within(&s, def); at != nil {
				if g.VimAssets == nil {
					g.VimAssets = &sol.VimAssets{}
				}
				g.VimAssets.SnapshotResources = append(g.VimAssets.SnapshotResources, sol.VimSnapshotResource{
					VimConnectionId: n.cfg.Connection, VnfSnapshotId: def.VnfSnapshotId, VnfcSnapshotId: def.VnfcSnapshotId,
					StorageSnapshotId: def.StorageSnapshotId, VimSnapshotResourceId: at.ResourceId,
				})
			}
		}
	}
}

// within is where a snapshot has what a definition names, nil when it does not have it.
func within(s *sol.VnfSnapshot, def *sol.SnapshotResourceDefinition) *sol.ResourceHandle {
	for _, c := range s.VnfcSnapshots {
		if def.VnfcSnapshotId != "" && c.Id != def.VnfcSnapshotId {
			continue
		}
		if def.StorageSnapshotId == "" {
			return c.ComputeSnapshotResource
		}
		for _, st := range c.StorageSnapshotResources {
			if st.StorageResourceId == def.StorageSnapshotId {
				return st.StorageSnapshotResource
			}
		}
	}
	return nil
}
