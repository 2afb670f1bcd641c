package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// user is whom the image runs as: nobody in particular, and not root.
const user = 65532

// entry is a file or a folder of an archive.
type entry struct {
	name    string
	content []byte // nil: a folder
	mode    int64
	owner   int
}

// image makes a container image of the programs and what they need beside themselves: nothing else is in it, no shell either.
func (r *release) image() error {
	entries := []entry{
		{name: "etc/passwd", content: []byte("root:x:0:0:root:/:/none\nvnfm:x:65532:65532:vnfm:/var/lib/vnfm:/none\n"), mode: 0o644},
		{name: "etc/group", content: []byte("root:x:0:\nvnfm:x:65532:\n"), mode: 0o644},
		{name: "tmp", mode: 0o1777},
		{name: "var/lib/vnfm", mode: 0o700, owner: user},
	}
	for path, from := range map[string]string{
		"etc/ssl/certs/ca-certificates.crt": "/etc/ssl/certs/ca-certificates.crt",
		"usr/bin/vnfmd":                     filepath.Join(r.bin, "vnfmd"),
		"usr/bin/vnfm":                      filepath.Join(r.bin, "vnfm"),
		"usr/share/doc/vnfm/copyright":      "LICENSE",
		"usr/share/doc/vnfm/sbom.cdx.json":  filepath.Join(r.work, "sbom.cdx.json"),
	} {
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if strings.HasPrefix(path, "usr/bin/") {
			mode = 0o755
		}
		entries = append(entries, entry{name: path, content: b, mode: mode})
	}
	files, err := archive(entries, r.at)
	if err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil })
	if err != nil {
		return err
	}
	img, err := mutate.Append(empty.Image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: r.at}, CreatedBy: "make release"}})
	if err != nil {
		return err
	}
	c, err := img.ConfigFile()
	if err != nil {
		return err
	}
	c = c.DeepCopy()
	c.Created, c.Architecture, c.OS = v1.Time{Time: r.at}, r.arch, "linux"
	c.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", user, user), Entrypoint: []string{"/usr/bin/vnfmd"}, Cmd: []string{"serve"}, WorkingDir: "/var/lib/vnfm",
		Env:          []string{"PATH=/usr/bin", "VNFM_DATA=/var/lib/vnfm", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Volumes: map[string]struct{}{"/var/lib/vnfm": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title": "vnfm", "org.opencontainers.image.version": r.version, "org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.description": "VNF manager (ETSI SOL003)", "org.opencontainers.image.revision": r.revision,
		},
	}
	if img, err = mutate.ConfigFile(img, c); err != nil {
		return err
	}
	tag, err := name.NewTag("vnfm:" + regexp.MustCompile(`[^\w.-]`).ReplaceAllString(r.version, "-"))
	if err != nil {
		return err
	}
	return tarball.WriteToFile(filepath.Join(r.dist, "vnfm_"+r.version+"_"+r.arch+"_image.tar"), tag, img)
}

// chart makes an archive of the Helm chart, with the version of the release.
func (r *release) chart() error {
	var entries []entry
	err := filepath.WalkDir("deploy/chart", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Base(path) == "Chart.yaml" {
			b = regexp.MustCompile(`(?m)^(version|appVersion): .*$`).ReplaceAll(b, []byte("$1: "+r.version))
		}
		entries = append(entries, entry{name: "vnfm/" + strings.TrimPrefix(path, "deploy/chart/"), content: b, mode: 0o644})
		return nil
	})
	if err != nil {
		return err
	}
	return r.packed("vnfm-chart-"+r.version+".tgz", entries)
}

// files makes an archive of what the packages install, for systems that have neither of their forms.
func (r *release) files() error {
	var entries []entry
	for name, from := range map[string]string{
		"vnfmd": filepath.Join(r.bin, "vnfmd"), "vnfm": filepath.Join(r.bin, "vnfm"), "vnfmd.service": "deploy/packaging/vnfmd.service",
		"sysusers.d/vnfm.conf": "deploy/packaging/sysusers.conf", "vnfmd.yaml": "deploy/packaging/vnfmd.yaml", "LICENSE": "LICENSE", "CHANGELOG.md": "CHANGELOG.md",
		"sbom.cdx.json": filepath.Join(r.work, "sbom.cdx.json"), "man/man1/vnfm.1.gz": filepath.Join(r.work, "vnfm.1.gz"),
		"man/man8/vnfmd.8.gz": filepath.Join(r.work, "vnfmd.8.gz"), "man/man5/vnfmd.yaml.5.gz": filepath.Join(r.work, "vnfmd.yaml.5.gz"),
		"completions/vnfm.bash": filepath.Join(r.work, "completion.bash"), "completions/vnfm.fish": filepath.Join(r.work, "completion.fish"),
	} {
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if filepath.Dir(from) == filepath.Clean(r.bin) {
			mode = 0o755
		}
		entries = append(entries, entry{name: "vnfm-" + r.version + "/" + name, content: b, mode: mode})
	}
	return r.packed("vnfm_"+r.version+"_linux_"+r.arch+".tar.gz", entries)
}

// packed writes a compressed archive.
func (r *release) packed(name string, entries []entry) error {
	files, err := archive(entries, r.at)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // of a level that there is
	if _, err := z.Write(files); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dist, name), out.Bytes(), 0o644)
}

// archive makes a tar archive in which nothing depends on where and when it is made.
func archive(entries []entry, at time.Time) ([]byte, error) {
	byName := map[string]entry{}
	for _, e := range entries {
		byName[e.name] = e
		for dir := filepath.Dir(e.name); dir != "."; dir = filepath.Dir(dir) {
			if _, has := byName[dir]; !has {
				byName[dir] = entry{name: dir, mode: 0o755}
			}
		}
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, path := range slices.Sorted(maps.Keys(byName)) {
		e := byName[path]
		h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, ModTime: at, Size: int64(len(e.content)), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if e.content == nil {
			h.Typeflag, h.Name = tar.TypeDir, e.name+"/"
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
