// Command release makes what is installed: packages for Debian and RPM systems, an archive for others, a container image without a container engine, an
// archive of the Helm chart, the list of what is inside (SBOM), and checksums. The same sources give the same bytes.
//
// It is run by `make release` from the root of the repository, with the programs built before.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// release is one release as it is made.
type release struct {
	bin, dist, work string
	info            *buildinfo.BuildInfo // of vnfmd
	version         string               // without v
	revision        string               // the commit
	arch            string
	at              time.Time // of every file in it
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	bin := flag.String("bin", "bin", "folder of the built programs")
	dist := flag.String("dist", "dist", "folder to make")
	version := flag.String("version", "", "version of the release, as v1.2.3")
	revision := flag.String("revision", "", "its commit")
	at := flag.Int64("at", 0, "time of every file, in seconds since 1970: that of the commit")
	flag.Parse()
	r := &release{bin: *bin, dist: *dist, version: strings.TrimPrefix(*version, "v"), revision: *revision, at: time.Unix(*at, 0).UTC()}
	if err := r.run(); err != nil {
		log.Fatal(err)
	}
}

func (r *release) run() (err error) {
	if r.info, err = buildinfo.ReadFile(filepath.Join(r.bin, "vnfmd")); err != nil {
		return err
	}
	for _, s := range r.info.Settings {
		if s.Key == "GOARCH" {
			r.arch = s.Value
		}
	}
	if !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`).MatchString(r.version) || r.arch == "" {
		return fmt.Errorf("%q is no version: make a release in a git checkout, or say VERSION=v1.2.3", r.version)
	}
	if err := os.RemoveAll(r.dist); err != nil {
		return err
	}
	if err := os.MkdirAll(r.dist, 0o755); err != nil {
		return err
	}
	if r.work, err = os.MkdirTemp("", "vnfm-release-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.work)) }()
	for _, step := range []func() error{r.bom, r.manuals, r.completions, func() error { return r.pack("deb") }, func() error { return r.pack("rpm") }, r.image, r.chart, r.files, r.sums} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// manuals writes the manual pages, of the reference pages and of what vnfmd says of itself.
func (r *release) manuals() error {
	said, err := exec.Command(filepath.Join(r.bin, "vnfmd"), "--help").Output()
	if err != nil {
		return fmt.Errorf("vnfmd --help: %w", err)
	}
	_, list, _ := strings.Cut(string(said), "\nCommands:\n")
	list, _, _ = strings.Cut(list, "\nRun ")
	var commands strings.Builder
	for _, block := range regexp.MustCompile(`\n\s*\n`).Split(strings.TrimSpace(list), -1) {
		lines := strings.SplitN(strings.TrimSpace(block), "\n", 2)
		name, _, _ := strings.Cut(strings.TrimSpace(lines[0]), " [flags]")
		name = strings.NewReplacer("<", "\\<", ">", "\\>").Replace(name)
		text := ""
		if len(lines) > 1 {
			text = strings.Join(strings.Fields(lines[1]), " ")
		}
		fmt.Fprintf(&commands, "**%s**\n: %s\n\n", name, text)
	}
	if commands.Len() == 0 {
		return errors.New("vnfmd --help lists no commands")
	}
	for page, made := range map[string]func() (string, error){
		"vnfmd.8": func() (string, error) {
			b, err := os.ReadFile("deploy/packaging/vnfmd.8.md")
			return strings.Replace(string(b), "@COMMANDS@", commands.String(), 1), err
		},
		"vnfm.1": func() (string, error) {
			return reference("docs/reference/cli.md", "vnfm 1", "vnfm - command line of the VNF manager")
		},
		"vnfmd.yaml.5": func() (string, error) {
			return reference("docs/reference/config.md", "vnfmd.yaml 5", "vnfmd.yaml - settings of vnfmd(8)")
		},
	} {
		text, err := made()
		if err != nil {
			return err
		}
		var out bytes.Buffer
		z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // of a level that there is
		if _, err := z.Write(md2man.Render([]byte(text))); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.work, page+".gz"), out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// completions writes what makes shells complete the command line where the packages put it.
func (r *release) completions() error {
	vnfm, err := filepath.Abs(filepath.Join(r.bin, "vnfm"))
	if err != nil {
		return err
	}
	for _, shell := range []string{"bash", "fish"} {
		code, err := exec.Command(vnfm, "completion", shell, "--code").Output()
		if err != nil {
			return fmt.Errorf("vnfm completion %s: %w", shell, err)
		}
		text := strings.ReplaceAll(string(code), vnfm, "/usr/bin/vnfm")
		if err := os.WriteFile(filepath.Join(r.work, "completion."+shell), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// reference makes a manual page of a reference page: its title becomes the page's.
func reference(path, title, name string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(b), "\n")
	rest = regexp.MustCompile("Generated by [^;]*; do not edit\\.").ReplaceAllString(rest, "")
	return "# " + title + ` "" "vnfm" "VNF manager"` + "\n\n## NAME\n\n" + name + "\n\n## DESCRIPTION\n" + rest, nil
}

// pack makes a package of a format.
func (r *release) pack(format string) error {
	config, err := nfpm.ParseFileWithEnvMapping("deploy/packaging/nfpm.yaml", func(name string) string {
		return map[string]string{"ARCH": r.arch, "VERSION": r.version, "BIN": r.bin, "WORK": r.work}[name]
	})
	if err != nil {
		return err
	}
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	info.MTime = r.at
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	path := filepath.Join(r.dist, packager.ConventionalFileName(info))
	info.Target = path
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(packager.Package(info, f), f.Close())
}

// sums writes the checksums of all that was made.
func (r *release) sums() error {
	files, err := os.ReadDir(r.dist)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, e := range files {
		f, err := os.Open(filepath.Join(r.dist, e.Name()))
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s  %s\n", hex.EncodeToString(h.Sum(nil)), e.Name())
	}
	fmt.Print(out.String())
	if err := os.WriteFile(filepath.Join(r.dist, "VERSION"), []byte("v"+r.version+"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dist, "SHA256SUMS"), []byte(out.String()), 0o644)
}
