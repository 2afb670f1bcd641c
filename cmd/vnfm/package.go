package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type packageCmd struct {
	Onboard   packageOnboard   `cmd:"" help:"Create a package, upload a CSAR and wait until it is read."`
	Fetch     packageFetch     `cmd:"" help:"Create a package, have the server fetch a CSAR and wait until it is read."`
	List      packageList      `cmd:"" help:"List packages."`
	Show      packageShow      `cmd:"" help:"Show a package with what was found in it."`
	History   packageHistory   `cmd:"" help:"Tell what happened to a package, or show what it was at a time."`
	Content   packageContent   `cmd:"" help:"Read all of a package, as it was uploaded."`
	Vnfd      packageVnfd      `cmd:"" help:"Read the VNFD of a package; an archive, when it is of several files."`
	Manifest  packageManifest  `cmd:"" help:"Read the manifest of a package."`
	Artifacts packageArtifacts `cmd:"" help:"Read an archive of what is in a package beside its VNFD and images."`
	Artifact  packageArtifact  `cmd:"" help:"Read one file of a package."`
	Enable    packageEnable    `cmd:"" help:"Let VNF instances be made of a package."`
	Disable   packageDisable   `cmd:"" help:"Let no more VNF instances be made of a package."`
	Delete    packageDelete    `cmd:"" help:"Delete a package that is disabled and not in use."`
}

type packageOnboard struct {
	File string `arg:"" type:"existingfile" help:"The CSAR."`
}

func (c *packageOnboard) Run(s *session) error {
	info, err := os.Stat(c.File)
	if err != nil {
		return usagef("%v", err)
	}
	p, err := s.CreatePackage(s.ctx, nil)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	err = s.UploadPackage(s.ctx, p.Id, func() (io.ReadCloser, int64, error) {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, 0, err //nolint:wrapcheck // names the file
		}
		return &progressReader{File: f, s: s, size: info.Size()}, info.Size(), nil
	})
	if s.terminal {
		_, _ = fmt.Fprint(s.err, "\r\x1b[K")
	}
	return s.onboarded(p, err)
}

// onboarded waits until a package is read whose content is on its way, if it is.
func (s *session) onboarded(p *sol.VnfPkgInfo, err error) error {
	id := p.Id
	if err == nil {
		p, err = s.WaitPackage(s.ctx, id, s.poll)
	}
	if err != nil {
		return fmt.Errorf("package %s: %w", id, err)
	}
	if err := s.show(p, func(w io.Writer) { printPackage(w, p) }); err != nil {
		return err
	}
	if p.OnboardingState != "ONBOARDED" {
		return &failed{"the package was not onboarded"}
	}
	return nil
}

// progressReader draws a bar of what was read, on a terminal.
type progressReader struct {
	*os.File
	s          *session
	read, size int64
	drawn      int
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.File.Read(b)
	r.read += int64(n)
	const width = 30
	if full := int(r.read * width / max(r.size, 1)); r.s.terminal && full != r.drawn {
		r.drawn = full
		_, _ = fmt.Fprintf(r.s.err, "\ruploading %s%s %d%%", strings.Repeat("█", full), strings.Repeat("░", width-full), r.read*100/max(r.size, 1))
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

type packageList struct{ narrowed }

func (c *packageList) Run(s *session) error {
	all, err := s.Packages(s.ctx, c.query())
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(all, func(w io.Writer) {
		var rows [][]string
		for _, p := range all {
			rows = append(rows, []string{
				p.Id, p.VnfdId, p.VnfProductName, p.VnfdVersion, state(p.OnboardingState), state(p.OperationalState), p.UsageState,
				strconv.Itoa(len(p.Findings)),
			})
		}
		table(w, []string{"ID", "VNFD", "PRODUCT", "VERSION", "ONBOARDING", "OPERATIONAL", "USAGE", "FINDINGS"}, rows)
	})
}

type packageShow struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
}

func (c *packageShow) Run(s *session) error {
	id, err := s.packageID(c.Package)
	if err != nil {
		return err
	}
	p, err := s.Package(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(p, func(w io.Writer) { printPackage(w, p) })
}

func printPackage(w io.Writer, p *sol.VnfPkgInfo) {
	fields(w, "id", p.Id, "vnfdId", p.VnfdId, "product", p.VnfProductName, "provider", p.VnfProvider,
		"software", p.VnfSoftwareVersion, "vnfd version", p.VnfdVersion, "checksum", p.Checksum,
		"onboarding", state(p.OnboardingState), "operational", state(p.OperationalState), "usage", p.UsageState)
	if p.OnboardingFailureDetails != nil {
		heading(w, "Rejected")
		for line := range strings.Lines(p.OnboardingFailureDetails.Detail) {
			_, _ = fmt.Fprintln(w, " ", bad.Render(strings.TrimSpace(line)))
		}
	}
	if len(p.SoftwareImages) > 0 {
		heading(w, "Images")
		var rows [][]string
		for _, i := range p.SoftwareImages {
			rows = append(rows, []string{i.Name, i.Version, i.DiskFormat, i.ImagePath})
		}
		table(w, []string{"NAME", "VERSION", "FORMAT", "FILE"}, rows)
	}
	if len(p.AdditionalArtifacts) > 0 {
		heading(w, "Artifacts")
		var rows [][]string
		for _, a := range p.AdditionalArtifacts {
			rows = append(rows, []string{a.ArtifactPath, cmp.Or(a.ArtifactClassification, a.NonManoArtifactSetId)})
		}
		table(w, []string{"FILE", "KIND"}, rows)
	}
	if len(p.Findings) > 0 {
		heading(w, "Findings")
		for _, f := range p.Findings {
			where := f.File
			if f.Line > 0 {
				where += ":" + strconv.Itoa(f.Line)
			}
			_, _ = fmt.Fprintf(w, "  %s\n    %s %s\n", f.Text, faint.Render(f.Rule), faint.Render(where))
		}
	}
}

type packageEnable struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
}

func (c *packageEnable) Run(s *session) error {
	return s.setPackageState(c.Package, sol.PackageEnabled)
}

type packageDisable struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
}

func (c *packageDisable) Run(s *session) error {
	return s.setPackageState(c.Package, sol.PackageDisabled)
}

func (s *session) setPackageState(word string, want sol.OperationalStateType) error {
	id, err := s.packageID(word)
	if err != nil {
		return err
	}
	if err := s.SetPackageState(s.ctx, id, want); err != nil {
		return err //nolint:wrapcheck // of the client
	}
	p, err := s.Package(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(p, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, state(p.OperationalState)) })
}

type packageDelete struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
}

func (c *packageDelete) Run(s *session) error {
	id, err := s.packageID(c.Package)
	if err != nil {
		return err
	}
	return s.deleted(id, s.DeletePackage(s.ctx, id))
}

// deleted reports a deletion.
func (s *session) deleted(id string, err error) error {
	if err != nil {
		return err
	}
	return s.show(map[string]string{"deleted": id}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "deleted") })
}
