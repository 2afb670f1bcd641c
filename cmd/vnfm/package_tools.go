package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/packfile"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
	"github.com/vnfm/vnfm/sol"
)

type packageUpload struct {
	Package string `arg:"" help:"Id of the package resource." predictor:"package"`
	File    string `arg:"" type:"existingfile" help:"The CSAR." predictor:"file"`
}

// Help is examples.
func (*packageUpload) Help() string {
	return `Examples:
  vnfm package upload 019adf2e-1234 firewall.csar`
}

func (c *packageUpload) Run(s *session) error {
	id, err := s.packageID(c.Package)
	if err != nil {
		return err
	}
	return s.onboarded(&sol.VnfPkgInfo{Id: id}, s.upload(id, c.File))
}

type packagePrune struct {
	DryRun bool `help:"Show which would go, and delete nothing."`
	sure
}

// Help is examples.
func (*packagePrune) Help() string {
	return `Examples:
  vnfm package prune --dry-run
  vnfm package prune --yes`
}

// Run deletes what was refused, and what never got content. What is on its way stays.
func (c *packagePrune) Run(s *session) error {
	all, err := s.Packages(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	all = slices.DeleteFunc(all, func(p sol.VnfPkgInfo) bool { return p.OnboardingState != "ERROR" && p.OnboardingState != "CREATED" })
	if c.DryRun || len(all) == 0 {
		return list(s, &listing{}, packageColumns, func() ([]sol.VnfPkgInfo, error) { return all, nil })
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = strings.TrimSpace(all[i].Id + " " + packageLabel(&all[i]))
	}
	if err := s.confirmAll(c.sure, true, "Delete", "package", names); err != nil {
		return err
	}
	return each(s, all, packageIDOf, func(p sol.VnfPkgInfo) error { return s.deleted(p.Id, s.DeletePackage(s.ctx, p.Id)) })
}

func packageIDOf(p sol.VnfPkgInfo) string { return p.Id }

type packageInspect struct {
	File string `arg:"" type:"existingfile" help:"The CSAR." predictor:"file"`
}

// Help is examples.
func (*packageInspect) Help() string {
	return `Examples:
  vnfm package inspect firewall.csar
  vnfm package inspect firewall.csar -o 'jsonpath={.descriptor.flavours[*].flavourId}'`
}

func (c *packageInspect) Run(s *session) error {
	r, err := packfile.Inspect(c.File, false)
	if err != nil {
		return usagef("%v", err)
	}
	return s.report(r)
}

// report prints what is in a package file, and fails when a server would refuse it.
func (s *session) report(r *packfile.Report) error {
	if err := s.show(r, func(w io.Writer) {
		verdict := screen.Good.Render("a server takes it")
		if !r.Ok {
			verdict = screen.Bad.Render("a server refuses it")
		}
		signed := "no"
		if r.Signed {
			signed = "yes; the server verifies it with the authorities that it trusts"
		}
		screen.Of(w).Fields("file", r.File, "bytes", fmt.Sprint(r.Bytes), "files", fmt.Sprint(len(r.Files)), "signed", signed, "verdict", verdict)
		for _, reason := range r.Reasons {
			_, _ = fmt.Fprintln(w, " ", screen.Bad.Render(reason))
		}
		if d := r.Descriptor; d != nil {
			_, _ = fmt.Fprintln(w)
			screen.Of(w).Fields("vnfdId", d.VnfdId, "product", d.VnfProductName, "provider", d.VnfProvider, "software", d.VnfSoftwareVersion, "vnfd version", d.VnfdVersion)
			show.Descriptor(w, d)
		}
		show.Findings(w, r.Findings)
	}); err != nil {
		return err
	}
	if !r.Ok {
		return &failed{r.File + " would be refused"}
	}
	return nil
}

type packageValidate struct {
	File   []string `arg:"" type:"existingfile" help:"The CSARs." predictor:"file"`
	Strict bool     `help:"Refuse for findings, too, as a server with strict packages does."`
}

// Help is examples.
func (*packageValidate) Help() string {
	return `Examples:
  vnfm package validate build/*.csar --strict`
}

// verdict is of one file.
type verdict struct {
	File     string               `json:"file"`
	Ok       bool                 `json:"ok"`
	Reasons  []string             `json:"reasons,omitempty"`
	Findings []sol.PackageFinding `json:"findings,omitempty"`
}

func (c *packageValidate) Run(s *session) error {
	var out []verdict
	refused := 0
	for _, file := range c.File {
		r, err := packfile.Inspect(file, c.Strict)
		if err != nil {
			return usagef("%v", err)
		}
		if !r.Ok {
			refused++
		}
		out = append(out, verdict{file, r.Ok, r.Reasons, r.Findings})
	}
	if err := s.show(out, func(w io.Writer) {
		for _, v := range out {
			said := screen.Good.Render("ok")
			if !v.Ok {
				said = screen.Bad.Render("refused")
			}
			_, _ = fmt.Fprintf(w, "%s  %s, %s\n", v.File, said, counted(len(v.Findings), "finding"))
			for _, reason := range v.Reasons {
				_, _ = fmt.Fprintln(w, " ", screen.Bad.Render(reason))
			}
			for _, f := range v.Findings {
				_, _ = fmt.Fprintf(w, "  %s %s\n", f.Text, screen.Faint.Render(f.Rule))
			}
		}
	}); err != nil {
		return err
	}
	if refused > 0 {
		return &failed{counted(refused, "package") + " would be refused"}
	}
	return nil
}

type packagePack struct {
	Dir  string `arg:"" type:"existingdir" help:"The folder, with TOSCA-Metadata or the definitions at its root." predictor:"file"`
	File string `arg:"" optional:"" help:"File to write; default: the folder's name with .csar." predictor:"file"`
}

// Help is examples.
func (*packagePack) Help() string {
	return `Examples:
  vnfm package pack firewall/
  vnfm package pack firewall/ build/firewall-1.1.csar`
}

func (c *packagePack) Run(s *session) error {
	file := c.File
	if file == "" {
		whole, err := filepath.Abs(c.Dir)
		if err != nil {
			return usagef("%v", err)
		}
		file = filepath.Base(whole) + ".csar"
	}
	r, err := packfile.Pack(c.Dir, file)
	if err != nil {
		return usagef("%v", err)
	}
	return s.report(r)
}

type packageSign struct {
	File string `arg:"" type:"existingfile" help:"The CSAR." predictor:"file"`
	Cert string `name:"signer" required:"" type:"existingfile" help:"File of the signer's certificate, with those between it and the authority behind it (PEM)." placeholder:"FILE" predictor:"file"`
	Key  string `name:"signer-key" required:"" type:"existingfile" help:"File of its private key (PEM)." placeholder:"FILE" predictor:"file"`
	To   string `help:"File to write; default: the file itself is replaced." placeholder:"FILE" predictor:"file"`
}

// Help is examples.
func (*packageSign) Help() string {
	return `Examples:
  vnfm package sign firewall.csar --signer vendor.pem --signer-key vendor.key --to firewall-signed.csar`
}

func (c *packageSign) Run(s *session) error {
	to := c.To
	if to == "" {
		to = c.File
	} else if _, err := os.Stat(filepath.Dir(to)); err != nil {
		return usagef("%v", err)
	}
	r, err := packfile.Sign(c.File, to, c.Cert, c.Key)
	if err != nil {
		return usagef("%v", err)
	}
	return s.report(r)
}
