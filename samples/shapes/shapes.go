// Package shapes holds small VNF packages of our own in the shapes that packages of the field have, with what these lack and
// get wrong, for tests and benchmarks. The program does not ship them.
//
// It owns the files below it and makes the CSARs of them. It knows no other package.
package shapes

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed web store pair charts manifests hybrid
var files embed.FS

// The shapes.
const (
	// Web has one flavour, "simple", of two VDUs on one internal link, kept together: two VNFCs, four at
	// instantiation_level_2. Its operations are bound to scripts.
	Web = "web"
	// Store has one flavour, "simple", of two VDUs with an external connection point each, on two internal links, kept apart;
	// one boots from its volume, whose image is not in the package: two VNFCs, three at instantiation_level_2, four with all
	// steps of the aspect "fronts".
	Store = "store"
	// Pair has two flavours: "ha" without levels, of two VDUs and four connection points that expose their link; and
	// "scalable" with the levels r-node-min and r-node-max, neither of which is the default.
	Pair = "pair"
	// Charts and Manifests have one flavour, "simple", of containers, by a Helm chart in Files/kubernetes/chart and by Kubernetes manifests. Of their files
	// TOSCA.meta lists one.
	Charts    = "charts"
	Manifests = "manifests"
	// Hybrid has a VDU of machines on an internal link and one of containers, more of both in the flavour "large" than in "simple", and machines alone in "machines", by the manifests in
	// Files/gateway.yaml; the aspect "both" scales both.
	Hybrid = "hybrid"
)

// ids are the ids of the descriptors by shape.
var ids = map[string]string{
	Web: "5c1d4a3e-0000-4000-8000-000000000001", Store: "5c1d4a3e-0000-4000-8000-000000000002", Charts: "5c1d4a3e-0000-4000-8000-000000000003",
	Manifests: "5c1d4a3e-0000-4000-8000-000000000004", Pair: "5c1d4a3e-0000-4000-8000-000000000005",
	Hybrid: "5c1d4a3e-0000-4000-8000-000000000006",
}

// VnfdID is the id of a shape's descriptor.
func VnfdID(shape string) string { return ids[shape] }

// CSAR returns the package of a shape: the same bytes in every build. It has no manifest, as those of the field.
func CSAR(shape string) []byte { return WithID(shape, ids[shape]) }

// WithID returns the package of a shape with another descriptor id, to have it beside the first.
func WithID(shape, vnfdID string) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	err := fs.WalkDir(files, shape, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: strings.TrimPrefix(name, shape+"/"), Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(bytes.ReplaceAll(data, []byte(ids[shape]), []byte(vnfdID)))
		}
		if err != nil {
			return fmt.Errorf("add %s: %w", path.Base(name), err)
		}
		return nil
	})
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // embedded files into memory
	}
	return buf.Bytes()
}
