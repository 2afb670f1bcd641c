package main

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// bom writes what the programs are built of, as they say themselves, for the image, the packages and by itself.
func (r *release) bom() error {
	main := cdx.Component{
		BOMRef: "pkg:golang/" + r.info.Main.Path + "@v" + r.version, Type: cdx.ComponentTypeApplication, Name: "vnfm", Version: r.version,
		PackageURL: "pkg:golang/" + r.info.Main.Path + "@v" + r.version,
	}
	parts := []cdx.Component{{
		BOMRef: "pkg:golang/std@" + r.info.GoVersion[len("go"):], Type: cdx.ComponentTypeLibrary, Name: "std", Version: r.info.GoVersion,
		PackageURL: "pkg:golang/std@" + r.info.GoVersion[len("go"):],
	}}
	for _, d := range r.info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		parts = append(parts, cdx.Component{
			BOMRef: "pkg:golang/" + d.Path + "@" + d.Version, Type: cdx.ComponentTypeLibrary, Name: d.Path, Version: d.Version, PackageURL: "pkg:golang/" + d.Path + "@" + d.Version,
		})
	}
	b := cdx.NewBOM()
	b.Metadata = &cdx.Metadata{Timestamp: r.at.Format(time.RFC3339), Component: &main}
	b.Components = &parts
	var out bytes.Buffer
	e := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON)
	if err := e.SetPretty(true).Encode(b); err != nil {
		return err
	}
	for _, path := range []string{filepath.Join(r.work, "sbom.cdx.json"), filepath.Join(r.dist, "vnfm_"+r.version+"_sbom.cdx.json")} {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
