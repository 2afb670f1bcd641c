package nfvo

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
)

// SnapshotPackage is what an orchestrator says of a VNF snapshot package of its own (SOL003 v3.7.1 §12.5.2.2, VnfSnapshotPkgInfo).
type SnapshotPackage struct {
	ID         string
	State      string // SnapshotPackageAvailable, or why it cannot be used
	Failure    string // the orchestrator's words on what failed; "": it has none
	SnapshotID string // of the VnfSnapshot that it was built of; "": not said
	VnfdID     string // "": not said
	Record     *SnapshotRecord
	Images     []SnapshotImage // none: not said
}

// SnapshotPackageAvailable is the state of a package whose content can be read (SOL003 v3.7.1 §12.5.4.3).
const SnapshotPackageAvailable = "AVAILABLE"

// SnapshotRecord names the file of a package that holds its VnfSnapshot (SOL003 v3.7.1 §12.5.3.2).
type SnapshotRecord struct {
	Path      string
	Algorithm string // SHA-224, SHA-256, SHA-384 or SHA-512; "": told by the length of Hash
	Hash      string // in hex digits
	Encrypted bool
}

// SnapshotImage is an image of a package (SOL003 v3.7.1 §12.5.3.3): the one of a compute has the id of the VnfcSnapshotInfo, that of a storage the
// id of the storage resource.
type SnapshotImage struct {
	ID, VnfcID string
}

// Usable says why nothing can be read from the package; nil when its record can. Errors are Conflict.
func (p *SnapshotPackage) Usable() error {
	switch {
	case p.State != SnapshotPackageAvailable && p.Failure != "":
		return vnfm.Errorf(vnfm.Conflict, "the NFVO's snapshot package %s is %s: %s", p.ID, p.State, p.Failure)
	case p.State != SnapshotPackageAvailable:
		return vnfm.Errorf(vnfm.Conflict, "the NFVO's snapshot package %s is %s, and not %s", p.ID, p.State, SnapshotPackageAvailable)
	case p.Record == nil || p.Record.Path == "":
		return vnfm.Errorf(vnfm.Conflict, "the NFVO does not say which file of its snapshot package %s is the snapshot record: PATCH the vnfSnapshot of the VNF snapshot", p.ID)
	case p.Record.Encrypted:
		return vnfm.Errorf(vnfm.Conflict, "the snapshot record of the NFVO's snapshot package %s is encrypted: PATCH the vnfSnapshot of the VNF snapshot", p.ID)
	}
	return nil
}

// Extract is the VnfSnapshot that a package's record holds, alone or in a VnfSnapshotInfo (SOL003 v3.7.1 §5.5.2.21, §5.5.2.22). What does not fit the
// package is Unprocessable and says what.
func (p *SnapshotPackage) Extract(record []byte) (json.RawMessage, error) {
	wrong := func(format string, args ...any) error {
		return vnfm.Errorf(vnfm.Unprocessable, "the snapshot record of the NFVO's snapshot package "+p.ID+" "+format, args...)
	}
	if err := p.Record.matches(record); err != "" {
		return nil, wrong("%s", err)
	}
	var info struct {
		VnfSnapshot json.RawMessage `json:"vnfSnapshot"`
	}
	if err := json.Unmarshal(record, &info); err != nil {
		return nil, wrong("is no JSON document: %w", err)
	}
	raw := json.RawMessage(record)
	if len(info.VnfSnapshot) > 0 && !bytes.Equal(info.VnfSnapshot, []byte("null")) {
		raw = info.VnfSnapshot
	}
	var s struct {
		ID            string `json:"id"`
		VnfInstanceID string `json:"vnfInstanceId"`
		VnfdID        string `json:"vnfdId"`
		VnfcSnapshots []struct {
			ID             string `json:"id"`
			VnfcInstanceID string `json:"vnfcInstanceId"`
		} `json:"vnfcSnapshots"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, wrong("is no VnfSnapshot: %w", err)
	}
	switch {
	case s.ID == "" || s.VnfInstanceID == "" || s.VnfdID == "" || len(s.VnfcSnapshots) == 0:
		return nil, wrong("is no VnfSnapshot: id, vnfInstanceId, vnfdId and vnfcSnapshots are needed")
	case p.SnapshotID != "" && p.SnapshotID != s.ID:
		return nil, wrong("is of the snapshot %q, and the package of %q", s.ID, p.SnapshotID)
	case p.VnfdID != "" && p.VnfdID != s.VnfdID:
		return nil, wrong("is of the VNFD %q, and the package of %q", s.VnfdID, p.VnfdID)
	}
	seen := map[string]bool{}
	for i, c := range s.VnfcSnapshots {
		switch {
		case c.ID == "" || c.VnfcInstanceID == "":
			return nil, wrong("has no id or no vnfcInstanceId at vnfcSnapshots/%d", i)
		case seen[c.VnfcInstanceID]:
			return nil, wrong("has the VNFC %q twice", c.VnfcInstanceID)
		case len(p.Images) > 0 && !slices.ContainsFunc(p.Images, func(x SnapshotImage) bool { return x.VnfcID == c.VnfcInstanceID }):
			return nil, wrong("has the VNFC %q, of which the package has no image", c.VnfcInstanceID)
		}
		seen[c.VnfcInstanceID] = true
	}
	return raw, nil
}

// matches says what is wrong with a record's bytes; "": they are those that the orchestrator speaks of.
func (r *SnapshotRecord) matches(record []byte) string {
	want, err := hex.DecodeString(strings.TrimSpace(r.Hash))
	if err != nil || len(want) == 0 {
		return "has a checksum that is no hex digits"
	}
	hashes := map[string]func() hash.Hash{"SHA-224": sha256.New224, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New}
	name := strings.ToUpper(r.Algorithm)
	if name == "" {
		for known, h := range hashes {
			if h().Size() == len(want) {
				name = known
			}
		}
	}
	of, ok := hashes[name]
	if !ok {
		return "has a checksum of an algorithm that is not known: " + r.Algorithm
	}
	h := of()
	_, _ = h.Write(record)
	if subtle.ConstantTimeCompare(h.Sum(nil), want) != 1 {
		return "does not have the checksum that the NFVO says: it is another file, or was cut off"
	}
	return ""
}
