package main

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

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
	File string `arg:"" optional:"" default:"-" help:"File to write; - stands for standard output." placeholder:"FILE"`
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
	Package string `arg:"" help:"Id, vnfdId or product name."`
	target
}

func (c *packageContent) Run(s *session) error { return c.of(s, c.Package, s.PackageContent) }

type packageVnfd struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
	target
}

func (c *packageVnfd) Run(s *session) error { return c.of(s, c.Package, s.PackageVnfd) }

type packageManifest struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
	target
}

func (c *packageManifest) Run(s *session) error { return c.of(s, c.Package, s.PackageManifest) }

type packageArtifacts struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
	target
}

func (c *packageArtifacts) Run(s *session) error { return c.of(s, c.Package, s.PackageArtifacts) }

type packageArtifact struct {
	Package string `arg:"" help:"Id, vnfdId or product name."`
	Path    string `arg:"" help:"Its path in the package."`
	target
}

func (c *packageArtifact) Run(s *session) error {
	return c.of(s, c.Package, func(ctx context.Context, id string, into client.Into) error {
		return s.PackageArtifact(ctx, id, c.Path, into)
	})
}
