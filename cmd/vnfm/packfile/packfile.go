// Package packfile reads, makes and signs the files of VNF packages (CSAR, SOL004) where they lie, without a server. It reads them as the
// server does, by the same code.
package packfile

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm/api/descriptor"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// Report is what is in a package file.
type Report struct {
	File       string               `json:"file"`
	Bytes      int64                `json:"bytes"`
	Ok         bool                 `json:"ok"`                 // a server with the settings as they come takes it
	Reasons    []string             `json:"reasons,omitempty"`  // why it is rejected
	Findings   []sol.PackageFinding `json:"findings,omitempty"` // deviations that do not reject it
	Files      []string             `json:"files,omitempty"`
	Signed     bool                 `json:"signed"`
	Descriptor *sol.VnfdView        `json:"descriptor,omitempty"`
}

// Inspect reads a package. Its error is of the file; what is wrong with the package is in the report. strict rejects for findings, too.
func Inspect(name string, strict bool) (*Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	out := &Report{File: name, Bytes: info.Size()}
	p, err := csar.Open(f, info.Size(), csar.Options{Strict: strict})
	if err != nil {
		for _, reason := range vnfd.Errors(err) {
			out.Reasons = append(out.Reasons, reason.Error())
		}
		if len(out.Reasons) == 0 {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return out, nil
	}
	out.Ok, out.Signed, out.Descriptor = true, p.Signature != nil || signed(p), descriptor.View(p.Descriptor)
	for _, x := range p.Findings {
		out.Findings = append(out.Findings, sol.PackageFinding{Rule: x.Rule, Text: x.Text, File: x.At.File, Line: x.At.Line})
	}
	for _, x := range p.Files {
		out.Files = append(out.Files, x.Path)
	}
	return out, nil
}

// signed says that a signature was found that nobody verified here: that needs the authorities that the server trusts.
func signed(p *csar.Package) bool {
	return slices.ContainsFunc(p.Findings, func(f vnfd.Finding) bool { return f.Rule == "signature-not-verified" })
}

// Pack makes a package of a folder: its files, and a manifest that lists each with its hash. The manifest's metadata are those of the
// folder's manifest, else of the descriptor. Equal folders make equal files. Hidden files are left out.
func Pack(dir, target string) (*Report, error) {
	files := map[string][]byte{}
	manifest := ""
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && name != dir {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() || sameFile(name, target) {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err //nolint:wrapcheck // it names the file
		}
		rel = filepath.ToSlash(rel)
		if files[rel], err = os.ReadFile(name); err != nil {
			return err //nolint:wrapcheck // it names the file
		}
		if path.Ext(rel) == ".mf" && path.Dir(rel) == "." {
			manifest = rel
		}
		return nil
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	var metadata string
	if manifest != "" {
		metadata = metadataOf(files[manifest])
		delete(files, manifest)
	} else {
		if manifest = named(files["TOSCA-Metadata/TOSCA.meta"]); manifest == "" && files["TOSCA-Metadata/TOSCA.meta"] != nil {
			return nil, fmt.Errorf("%s: there is no manifest (.mf), and TOSCA-Metadata/TOSCA.meta names none", dir)
		}
		raw := archive(files, manifest, []byte("metadata:\n"+listed(files)))
		p, err := csar.Open(bytes.NewReader(raw), int64(len(raw)), csar.Options{})
		if err != nil {
			return nil, fmt.Errorf("%s: there is no manifest (.mf), and none can be made, since the descriptor is not read: %w", dir, err)
		}
		if metadata = made(p.Descriptor); manifest == "" {
			manifest = strings.TrimSuffix(path.Base(p.Entry), path.Ext(p.Entry)) + ".mf"
		}
	}
	return keep(target, archive(files, manifest, []byte(metadata+listed(files))))
}

// named is the manifest that a TOSCA.meta names.
func named(meta []byte) string {
	for line := range strings.Lines(string(meta)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(name, "ETSI-Entry-Manifest") || ok && name == "Entry-Manifest" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// metadataOf is a manifest without the files it lists, and without its signature.
func metadataOf(manifest []byte) string {
	var out strings.Builder
	for line := range strings.Lines(string(manifest)) {
		word := strings.TrimSpace(line)
		if strings.HasPrefix(word, "Source:") || strings.HasPrefix(word, "-----BEGIN ") {
			break
		}
		out.WriteString(line)
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// made is the metadata of a descriptor (SOL004 §4.3.2).
func made(d *vnfd.Descriptor) string {
	return fmt.Sprintf("metadata:\n  vnf_product_name: %s\n  vnf_provider_id: %s\n  vnf_package_version: %s\n  vnf_release_date_time: %s\n  vnfd_id: %s\n  vnf_software_version: %s\n  vnfm_info: %s\n  compatible_specification_versions: 3.7.1\n",
		d.ProductName, d.Provider, d.Version, time.Unix(0, 0).UTC().Format(time.RFC3339), d.ID, d.SoftwareVersion, strings.Join(d.VnfmInfo, ","))
}

// listed is the part of a manifest that lists files with their hashes.
func listed(files map[string][]byte) string {
	var out strings.Builder
	for _, name := range sorted(files) {
		sum := sha256.Sum256(files[name])
		fmt.Fprintf(&out, "\nSource: %s\nAlgorithm: SHA-256\nHash: %s\n", name, hex.EncodeToString(sum[:]))
	}
	return out.String()
}

// sorted are the names of files; TOSCA.meta comes first.
func sorted(files map[string][]byte) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		const first = "TOSCA-Metadata/TOSCA.meta"
		switch {
		case a == b:
			return 0
		case a == first:
			return -1
		case b == first:
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// archive is files in a ZIP, without their times.
func archive(files map[string][]byte, manifest string, text []byte) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	add := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			panic(err) // into memory
		}
	}
	for _, name := range sorted(files) {
		add(name, files[name])
	}
	if manifest != "" {
		add(manifest, text)
	}
	if err := z.Close(); err != nil {
		panic(err) // into memory
	}
	return buf.Bytes()
}

// keep writes a package, whole or not at all, and reports what is in it.
func keep(target string, data []byte) (*Report, error) {
	part, err := os.CreateTemp(filepath.Dir(target), ".vnfm-*")
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer func() { _ = os.Remove(part.Name()) }() // it is not there when all went well
	_, err = io.Copy(part, bytes.NewReader(data))
	if cerr := part.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(part.Name(), 0o644) //nolint:gosec // a package is for others
	}
	if err == nil {
		err = os.Rename(part.Name(), target)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	return Inspect(target, false)
}
