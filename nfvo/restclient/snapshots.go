package restclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/sol"
)

const snapshotPackages = snapshotRoot + "/vnf_snapshot_packages"

// checksum is a Checksum: SOL003 v3.7.1 has algorithm and hash in its text, and a string in its OpenAPI document.
type checksum struct {
	Algorithm string `json:"algorithm"`
	Hash      string `json:"hash"`
}

// UnmarshalJSON reads both forms; of a string what is before a colon names the algorithm.
func (c *checksum) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		type plain checksum
		return json.Unmarshal(b, (*plain)(c)) //nolint:wrapcheck // tells where
	}
	algorithm, sum, ok := strings.Cut(s, ":")
	if !ok {
		algorithm, sum = "", s
	}
	c.Algorithm, c.Hash = algorithm, sum
	return nil
}

// images is vnfcSnapshotImages: a list by the text of SOL003 v3.7.1, an object by its OpenAPI document, where the ids may be the names.
type images []snapshotImage

type snapshotImage struct {
	ID     string `json:"id"`
	VnfcID string `json:"vnfcInstanceId"`
}

// UnmarshalJSON reads both forms.
func (x *images) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '{' {
		return json.Unmarshal(b, (*[]snapshotImage)(x)) //nolint:wrapcheck // tells where
	}
	named := map[string]snapshotImage{}
	if err := json.Unmarshal(b, &named); err != nil {
		return err //nolint:wrapcheck // tells where
	}
	for name, i := range named {
		i.ID = cmp.Or(i.ID, name)
		*x = append(*x, i)
	}
	return nil
}

// snapshotPkgInfo is the part of VnfSnapshotPkgInfo that is read.
type snapshotPkgInfo struct {
	ID            string `json:"id"`
	State         string `json:"state"`
	VnfSnapshotID string `json:"vnfSnapshotId"`
	Vnfd          struct {
		ID string `json:"avnfdId"`
	} `json:"vnfdInfo"`
	Record *struct {
		Path      string   `json:"recordPath"`
		Checksum  checksum `json:"checksum"`
		Encrypted bool     `json:"isEncrypted"`
	} `json:"vnfsr"`
	Images  images `json:"vnfcSnapshotImages"`
	Failure *struct {
		Details sol.ProblemDetails `json:"details"`
	} `json:"failureDetails"`
}

// SnapshotPackage returns what the orchestrator says of a VNF snapshot package (SOL003 v3.7.1 §12.4.3.3.2). Errors are *nfvo.Error, of class
// NotFound when it has none.
func (c *Client) SnapshotPackage(ctx context.Context, id string) (*nfvo.SnapshotPackage, error) {
	res, err := c.do(ctx, call{method: http.MethodGet, path: snapshotPackages + "/" + url.PathEscape(id)}) //nolint:bodyclose // read closes it
	if err != nil {
		return nil, err
	}
	var p snapshotPkgInfo
	if _, err := read(res, &p); err != nil {
		return nil, err
	}
	if p.ID != id {
		return nil, &nfvo.Error{Class: message.Permanent, Reason: fmt.Sprintf("the NFVO answers for the snapshot package %q with %q", id, clip(p.ID))}
	}
	out := &nfvo.SnapshotPackage{ID: p.ID, State: clip(p.State), SnapshotID: p.VnfSnapshotID, VnfdID: p.Vnfd.ID}
	if p.Record != nil {
		out.Record = &nfvo.SnapshotRecord{Path: p.Record.Path, Algorithm: p.Record.Checksum.Algorithm, Hash: p.Record.Checksum.Hash, Encrypted: p.Record.Encrypted}
	}
	for _, i := range p.Images {
		out.Images = append(out.Images, nfvo.SnapshotImage(i))
	}
	if p.Failure != nil {
		out.Failure = clip(cmp.Or(p.Failure.Details.Detail, p.Failure.Details.Title))
	}
	return out, nil
}

// SnapshotArtifact returns one file of a VNF snapshot package by its path within it (SOL003 v3.7.1 §12.4.5.3.2). A connection that breaks is
// taken up where it broke. The caller closes it.
func (c *Client) SnapshotArtifact(ctx context.Context, id, path string) (io.ReadCloser, error) {
	return c.resuming(ctx, snapshotPackages+"/"+url.PathEscape(id)+"/artifacts/"+escaped(path), "*/*")
}
