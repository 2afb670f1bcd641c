package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/vnfm/vnfm/client"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
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
	Prune     packagePrune     `cmd:"" help:"Delete the packages that were refused, or never got content."`
	Upload    packageUpload    `cmd:"" help:"Upload a CSAR into a package resource that is there, and wait until it is read."`
	Inspect   packageInspect   `cmd:"" help:"Show what is in a package file, as the server would understand it; no server is asked."`
	Validate  packageValidate  `cmd:"" help:"Check package files as the server would; exit 1 when one would be refused. No server is asked."`
	Pack      packagePack      `cmd:"" help:"Make a package file of a folder, with a manifest of its files; no server is asked."`
	Sign      packageSign      `cmd:"" help:"Sign a package file: a CMS signature at the end of its manifest; no server is asked."`
}

type packageOnboard struct {
	File string `arg:"" type:"existingfile" help:"The CSAR." predictor:"file"`
}

// Help is examples.
func (*packageOnboard) Help() string {
	return `Examples:
  vnfm package onboard firewall.csar
  vnfm package onboard firewall.csar -o name`
}

func (c *packageOnboard) Run(s *session) error {
	if _, err := os.Stat(c.File); err != nil {
		return usagef("%v", err)
	}
	p, err := s.CreatePackage(s.ctx, sol.KeyValuePairs{fileName: encoded(filepath.Base(c.File))})
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.onboarded(p, s.upload(p.Id, c.File))
}

// upload sends a file as the content of a package, and draws how far it got.
func (s *session) upload(id, file string) error {
	err := s.UploadPackage(s.ctx, id, func() (io.ReadCloser, int64, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, 0, err //nolint:wrapcheck // names the file
		}
		info, err := f.Stat()
		if err != nil {
			return nil, 0, err //nolint:wrapcheck // names the file
		}
		return &progressReader{File: f, s: s, size: info.Size()}, info.Size(), nil
	})
	if s.drawable() {
		_, _ = fmt.Fprint(s.Err, "\r\x1b[K")
	}
	return err //nolint:wrapcheck // of the client
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
	if err := s.show(p, func(w io.Writer) { show.Package(w, p) }); err != nil {
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
	if full := int(r.read * width / max(r.size, 1)); r.s.drawable() && full != r.drawn {
		r.drawn = full
		_, _ = fmt.Fprintf(r.s.Err, "\ruploading %s%s %d%%", strings.Repeat("█", full), strings.Repeat("░", width-full), r.read*100/max(r.size, 1))
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

type packageList struct {
	narrowed
	listing
}

var packageColumns = []screen.Column[sol.VnfPkgInfo]{
	{Head: "ID", Of: func(v *sol.VnfPkgInfo) any { return v.Id }, Drop: 2},
	{Head: "PRODUCT", Of: func(v *sol.VnfPkgInfo) any { return screen.Name(packageLabel(v)) }},
	{Head: "VERSION", Of: func(v *sol.VnfPkgInfo) any { return v.VnfdVersion }, Drop: 4},
	{Head: "SOFTWARE", Of: func(v *sol.VnfPkgInfo) any { return v.VnfSoftwareVersion }, Wide: true},
	{Head: "ONBOARDING", Of: func(v *sol.VnfPkgInfo) any { return screen.State(v.OnboardingState) }},
	{Head: "OPERATIONAL", Of: func(v *sol.VnfPkgInfo) any { return screen.State(v.OperationalState) }, Drop: 1},
	{Head: "USAGE", Of: func(v *sol.VnfPkgInfo) any { return v.UsageState }, Drop: 3},
	{Head: "FINDINGS", Of: func(v *sol.VnfPkgInfo) any { return len(v.Findings) }, Drop: 6},
	{Head: "VNFD", Of: func(v *sol.VnfPkgInfo) any { return v.VnfdId }, Drop: 5},
	{Head: "REASON", Of: func(v *sol.VnfPkgInfo) any { return rejected(v) }},
}

func (c *packageList) Run(s *session) error {
	return list(s, &c.listing, packageColumns, func() ([]sol.VnfPkgInfo, error) {
		return s.Packages(s.ctx, c.query(s, &c.listing, "vnfdId,vnfProductName,vnfSoftwareVersion,vnfdVersion,userDefinedData,onboardingFailureDetails,findings"))
	})
}

// fileName is where a package's user-defined data has the name of the file that it was uploaded from.
const fileName = "fileName"

// packageLabel is the product of a package, or where it was refused the file that it came from.
func packageLabel(p *sol.VnfPkgInfo) string {
	if p.VnfProductName != "" {
		return p.VnfProductName
	}
	var name string
	_ = json.Unmarshal(p.UserDefinedData[fileName], &name) // none is ""
	return name
}

// rejected says why a package was refused.
func rejected(p *sol.VnfPkgInfo) string {
	if p.OnboardingFailureDetails == nil {
		return ""
	}
	return p.OnboardingFailureDetails.Detail
}

type packageShow struct {
	Package string `arg:"" help:"Id, vnfdId or product name." predictor:"package"`
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
	if !s.Form.ForPeople() {
		return s.show(p, nil)
	}
	var d *sol.VnfdView
	if p.OnboardingState == "ONBOARDED" {
		if d, err = s.PackageDescriptor(s.ctx, id); err != nil && !forbidden(err) {
			return err //nolint:wrapcheck // of the client
		}
	}
	return s.show(p, func(w io.Writer) {
		show.Package(w, p)
		if d != nil {
			show.Descriptor(w, d)
			show.Deploy(w, d)
		}
	})
}

// packages is the arguments of verbs that take several packages.
type packages struct {
	Package []string `arg:"" help:"Ids, vnfdIds or product names." predictor:"package"`
}

type packageEnable struct{ packages }

func (c *packageEnable) Run(s *session) error {
	return s.setPackageState(c.Package, sol.PackageEnabled)
}

type packageDisable struct{ packages }

func (c *packageDisable) Run(s *session) error {
	return s.setPackageState(c.Package, sol.PackageDisabled)
}

func itself(word string) string { return word }

func (s *session) setPackageState(words []string, want sol.OperationalStateType) error {
	return each(s, words, itself, func(word string) error {
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
		return s.show(p, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, screen.Colour(p.OperationalState)) })
	})
}

type packageDelete struct {
	packages
	sure
}

func (c *packageDelete) Run(s *session) error {
	if err := s.confirmAll(c.sure, false, "Delete", "package", c.Package); err != nil {
		return err
	}
	return each(s, c.Package, itself, func(word string) error {
		id, err := s.packageID(word)
		if err != nil {
			return err
		}
		return s.deleted(id, s.DeletePackage(s.ctx, id))
	})
}

type packageFetch struct {
	URL      string `arg:"" name:"url" help:"Where the server finds the CSAR, http or https; the server's settings of egress say where it may be."`
	User     string `help:"User name for HTTP Basic authentication there." placeholder:"NAME"`
	Password string `help:"Its password, or with @ the file that holds it." placeholder:"PASSWORD"`
}

func (c *packageFetch) Run(s *session) error {
	password, err := fromFile(c.Password)
	if err != nil {
		return err
	}
	p, err := s.CreatePackage(s.ctx, sol.KeyValuePairs{fileName: encoded(path.Base(c.URL))})
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	err = s.FetchPackage(s.ctx, p.Id, sol.UploadVnfPackageFromUriRequest{AddressInformation: c.URL, UserName: c.User, Password: password})
	return s.onboarded(p, err)
}

// target is a file that something goes to.
type target struct {
	File string `arg:"" optional:"" default:"-" help:"File to write; - stands for standard output." placeholder:"FILE" predictor:"file"`
}

// keep writes what get reads. A file is there when all of it is.
func (t *target) keep(s *session, get func(into client.Into) error) error {
	if t.File == "-" {
		return get(func(media string) (io.Writer, error) {
			if s.Terminal && media != "text/plain" && media != "application/yaml" && media != "application/json" {
				return nil, usagef("this is %s: name a file for it", media)
			}
			return s.raw, nil
		})
	}
	f, err := os.CreateTemp(filepath.Dir(t.File), ".vnfm-*")
	if err != nil {
		return usagef("%v", err)
	}
	err = get(func(string) (io.Writer, error) { return f, nil })
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), t.File)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err //nolint:wrapcheck // of the client, or names the file
	}
	return nil
}

// of writes a file of a package.
func (t *target) of(s *session, word string, get func(ctx context.Context, id string, into client.Into) error) error {
	id, err := s.packageID(word)
	if err != nil {
		return err
	}
	return t.keep(s, func(into client.Into) error { return get(s.ctx, id, into) })
}

type packageContent struct {
	Package string `arg:"" help:"Id, vnfdId or product name." predictor:"package"`
	target
}

func (c *packageContent) Run(s *session) error { return c.of(s, c.Package, s.PackageContent) }

type packageVnfd struct {
	Package string `arg:"" help:"Id, vnfdId or product name." predictor:"package"`
	target
}

func (c *packageVnfd) Run(s *session) error { return c.of(s, c.Package, s.PackageVnfd) }

type packageManifest struct {
	Package string `arg:"" help:"Id, vnfdId or product name." predictor:"package"`
	target
}

func (c *packageManifest) Run(s *session) error { return c.of(s, c.Package, s.PackageManifest) }

type packageArtifacts struct {
	Package string `arg:"" help:"Id, vnfdId or product name." predictor:"package"`
	target
}

func (c *packageArtifacts) Run(s *session) error { return c.of(s, c.Package, s.PackageArtifacts) }

type packageArtifact struct {
	Package string `arg:"" help:"Id, vnfdId or product name." predictor:"package"`
	Path    string `arg:"" help:"Its path in the package."`
	target
}

func (c *packageArtifact) Run(s *session) error {
	return c.of(s, c.Package, func(ctx context.Context, id string, into client.Into) error {
		return s.PackageArtifact(ctx, id, c.Path, into)
	})
}
