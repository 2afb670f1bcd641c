// Package vnfpkgm is the resources of the VNF package management interface.
package vnfpkgm

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
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

// API is the resources of VNF packages.
type API struct {
	Packages Packages
}

func PackageURI(base, id string) string { return base + "/vnfpkgm/v2/vnf_packages/" + id }

func (a *API) createPackage(c *rest.Call) (*rest.Answer, error) {
	var body sol.CreateVnfPkgInfoRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.Create(c.Ctx, body.UserDefinedData, by)
	}, func(p *vnfpkg.Package) *rest.Answer {
		return rest.Respond(http.StatusCreated).JSON(VnfPkgInfo(p, c.Base)).Location(PackageURI(c.Base, p.ID)).ETag(p.Version)
	})
}

func (a *API) listPackages(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &vnfPackages, func(rows []eventstore.View) ([]*sol.VnfPkgInfo, error) {
		packages, err := a.Packages.Read(c.Ctx, rows)
		out := make([]*sol.VnfPkgInfo, len(packages))
		for i, p := range packages {
			out[i] = VnfPkgInfo(p, c.Base)
		}
		return out, err //nolint:wrapcheck // has its kind
	})
}

func (a *API) showPackage(c *rest.Call) (*rest.Answer, error) {
	p, err := a.Packages.Get(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return rest.Respond(http.StatusOK).JSON(VnfPkgInfo(p, c.Base)).ETag(p.Version), nil
}

func (a *API) patchPackage(c *rest.Call) (*rest.Answer, error) {
	var body sol.VnfPkgInfoModifications
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	if body.OperationalState == "" && body.UserDefinedData == nil {
		return nil, decode.Wrong("", "changes nothing: operationalState or userDefinedData is needed")
	}
	if err := a.precondition(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.Patch(c.Ctx, c.ID, vnfpkg.Change{
			OperationalState: string(body.OperationalState), UserDefinedData: body.UserDefinedData,
		}, by)
	}, func(p *vnfpkg.Package) *rest.Answer {
		return rest.Respond(http.StatusOK).JSON(body).ETag(p.Version)
	})
}

func (a *API) deletePackage(c *rest.Call) (*rest.Answer, error) {
	if err := a.precondition(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (any, error) {
		return nil, a.Packages.Delete(c.Ctx, c.ID, by)
	}, func(any) *rest.Answer { return rest.Respond(http.StatusNoContent) })
}

func (a *API) precondition(c *rest.Call) error {
	p, err := a.Packages.Get(c.Ctx, c.ID)
	if err != nil {
		return err //nolint:wrapcheck // has its kind
	}
	return c.IfMatch(p.Version)
}

// putPackageContent hands the body on as it arrives. It is hashed on its way when the request has an Idempotency-Key.
func (a *API) putPackageContent(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.PutContent(c.Ctx, c.ID, c.Request.Body, by)
	}, func(*vnfpkg.Package) *rest.Answer { return rest.Respond(http.StatusAccepted) })
}

// VnfPkgInfo shows a package as SOL005 has it.
func VnfPkgInfo(p *vnfpkg.Package, base string) *sol.VnfPkgInfo {
	self := PackageURI(base, p.ID)
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

// vnfPackages are what lists of packages know (default list: SOL003 v3.7.1 §10.4.2.3.2).
var vnfPackages = rest.Collection{
	Kind: readmodel.KindPackage, Entry: reflect.TypeFor[sol.VnfPkgInfo](),
	Known: []string{
		"softwareImages", "additionalArtifacts", "packageSecurityOption", "signingCertificate", "vnfmInfo",
	},
	Defaults: []string{"softwareImages", "additionalArtifacts", "userDefinedData", "checksum", "onboardingFailureDetails"},
	Paths: map[string]string{
		"id": "id", "vnfdId": "vnfdId", "vnfProvider": "provider", "vnfProductName": "productName",
		"vnfSoftwareVersion": "softwareVersion", "vnfdVersion": "vnfdVersion", "onboardingState": "onboardingState",
		"operationalState": "operationalState", "vnfmInfo": "vnfmInfo", "userDefinedData": "userDefinedData",
		"checksum": "", "usageState": "", "onboardingFailureDetails": "", "findings": "", "_links": "",
	},
}

func (a *API) Routes() map[string]rest.Route {
	const root = rest.PkgRoot + "/vnf_packages"
	content := rest.Method{Do: a.putPackageContent, Stream: true, Body: []string{"application/zip", "application/octet-stream"}}
	return map[string]rest.Route{
		root:                           rest.With(rest.Post(a.createPackage, rest.JSONType).Small(), rest.Get(a.listPackages, rest.ListQuery...)),
		root + "/{id}":                 rest.With(rest.Get(a.showPackage), rest.Patch(a.patchPackage, rest.MergeType, rest.JSONType), rest.Remove(a.deletePackage)),
		root + "/{id}/package_content": {http.MethodPut: content},
	}
}
