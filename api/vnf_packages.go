package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Packages is the use cases of VNF packages; a vnfpkg.Service is one.
type Packages interface {
	Create(ctx context.Context, userDefinedData map[string]json.RawMessage, by request.Info) (*vnfpkg.Package, error)
	PutContent(ctx context.Context, id string, content io.Reader, by request.Info) (*vnfpkg.Package, error)
	Patch(ctx context.Context, id string, change vnfpkg.Change, by request.Info) (*vnfpkg.Package, error)
	Delete(ctx context.Context, id string, by request.Info) error
	Get(ctx context.Context, id string) (*vnfpkg.Package, error)
	// Read returns the packages of rows of their view, in their order.
	Read(ctx context.Context, rows []eventstore.View) ([]*vnfpkg.Package, error)
}

func packageURI(base, id string) string { return base + "/vnfpkgm/v2/vnf_packages/" + id }

func (a *api) createPackage(c *call) (*answer, error) {
	var body sol.CreateVnfPkgInfoRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.Create(c.ctx, body.UserDefinedData, by)
	}, func(p *vnfpkg.Package) *answer {
		return respond(http.StatusCreated).json(vnfPkgInfo(p, c.base)).location(packageURI(c.base, p.ID)).etag(p.Version)
	})
}

func (a *api) listPackages(c *call) (*answer, error) {
	return list(c, &vnfPackages, func(rows []eventstore.View) ([]*sol.VnfPkgInfo, error) {
		packages, err := a.Packages.Read(c.ctx, rows)
		out := make([]*sol.VnfPkgInfo, len(packages))
		for i, p := range packages {
			out[i] = vnfPkgInfo(p, c.base)
		}
		return out, err //nolint:wrapcheck // has its kind
	})
}

func (a *api) showPackage(c *call) (*answer, error) {
	p, err := a.Packages.Get(c.ctx, c.id)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return respond(http.StatusOK).json(vnfPkgInfo(p, c.base)).etag(p.Version), nil
}

func (a *api) patchPackage(c *call) (*answer, error) {
	var body sol.VnfPkgInfoModifications
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	if body.OperationalState == "" && body.UserDefinedData == nil {
		return nil, wrong("", "changes nothing: operationalState or userDefinedData is needed")
	}
	if err := c.packagePrecondition(); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.Patch(c.ctx, c.id, vnfpkg.Change{
			OperationalState: string(body.OperationalState), UserDefinedData: body.UserDefinedData,
		}, by)
	}, func(p *vnfpkg.Package) *answer {
		return respond(http.StatusOK).json(body).etag(p.Version)
	})
}

func (a *api) deletePackage(c *call) (*answer, error) {
	if err := c.packagePrecondition(); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (any, error) {
		return nil, a.Packages.Delete(c.ctx, c.id, by)
	}, func(any) *answer { return respond(http.StatusNoContent) })
}

func (c *call) packagePrecondition() error {
	p, err := c.api.Packages.Get(c.ctx, c.id)
	if err != nil {
		return err //nolint:wrapcheck // has its kind
	}
	return c.ifMatch(p.Version)
}

// putPackageContent hands the body on as it arrives. It is hashed on its way when the request has an Idempotency-Key.
func (a *api) putPackageContent(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.PutContent(c.ctx, c.id, c.r.Body, by)
	}, func(*vnfpkg.Package) *answer { return respond(http.StatusAccepted) })
}

// vnfPkgInfo shows a package as SOL005 has it.
func vnfPkgInfo(p *vnfpkg.Package, base string) *sol.VnfPkgInfo {
	self := packageURI(base, p.ID)
	out := &sol.VnfPkgInfo{
		Id: p.ID, VnfdId: p.VnfdID, VnfProvider: p.Provider, VnfProductName: p.ProductName,
		VnfSoftwareVersion: p.SoftwareVersion, VnfdVersion: p.VnfdVersion, VnfmInfo: p.VnfmInfo,
		OnboardingState: p.Onboarding, OperationalState: p.Operational, UsageState: "NOT_IN_USE",
		UserDefinedData: p.UserDefinedData,
		Links:           sol.VnfPkgInfoLinks{Self: sol.Link{Href: self}, PackageContent: sol.Link{Href: self + "/package_content"}},
	}
	if p.InUse {
		out.UsageState = "IN_USE"
	}
	if p.SHA256 != "" {
		out.Checksum = "sha-256:" + p.SHA256
	}
	if p.Failure != "" {
		out.OnboardingFailureDetails = &sol.ProblemDetails{
			Title: "Onboarding failed", Status: http.StatusUnprocessableEntity, Detail: p.Failure,
		}
	}
	for _, f := range p.Findings {
		out.Findings = append(out.Findings, sol.PackageFinding{Rule: f.Rule, Text: f.Text, File: f.At.File, Line: f.At.Line})
	}
	return out
}
