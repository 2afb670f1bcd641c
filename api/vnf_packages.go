package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
)

// Packages is the use cases of VNF packages.
type Packages interface {
	// Create makes a package without content.
	Create(ctx context.Context, userDefinedData map[string]json.RawMessage, by request.Info) (*Package, error)
	// PutContent stores the content, which it reads to its end, and begins to process it; Conflict when the package
	// has content already.
	PutContent(ctx context.Context, id string, content io.Reader, by request.Info) (*Package, error)
	// Patch changes the operational state and merges user defined data; Conflict when it is in that state already or
	// not onboarded.
	Patch(ctx context.Context, id string, p PackagePatch, by request.Info) (*Package, error)
	// Delete deletes a package that is DISABLED and NOT_IN_USE; else Conflict.
	Delete(ctx context.Context, id string, by request.Info) error
}

// PackagePatch is a merge patch of a package. A null in UserDefinedData removes the key.
type PackagePatch struct {
	OperationalState string
	UserDefinedData  map[string]json.RawMessage
}

// Package is a package as its view has it.
type Package struct {
	ID              string                     `json:"id"`
	VnfdID          string                     `json:"vnfdId,omitempty"`
	Provider        string                     `json:"provider,omitempty"`
	ProductName     string                     `json:"productName,omitempty"`
	SoftwareVersion string                     `json:"softwareVersion,omitempty"`
	VnfdVersion     string                     `json:"vnfdVersion,omitempty"`
	VnfmInfo        []string                   `json:"vnfmInfo,omitempty"`
	SHA256          string                     `json:"sha256,omitempty"`
	Onboarding      string                     `json:"onboardingState"`
	Operational     string                     `json:"operationalState"`
	InUse           bool                       `json:"inUse"`
	UserDefinedData map[string]json.RawMessage `json:"userDefinedData,omitempty"`
	Failure         string                     `json:"failure,omitempty"`
	Findings        []vnfd.Finding             `json:"findings,omitempty"`
	Onboarded       time.Time                  `json:"onboarded,omitzero"`
	Version         int64                      `json:"version"`
}

const packageWord = "VNF package"

func packageURI(base, id string) string { return base + "/vnfpkgm/v2/vnf_packages/" + id }

func (a *api) createPackage(c *call) (*answer, error) {
	var body sol.CreateVnfPkgInfoRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*Package, error) {
		return a.Packages.Create(c.ctx, body.UserDefinedData, by)
	}, func(p *Package) *answer {
		return respond(http.StatusCreated).json(vnfPkgInfo(p, c.base)).location(packageURI(c.base, p.ID)).etag(p.Version)
	})
}

func (a *api) listPackages(c *call) (*answer, error) {
	return list(c, readmodel.KindPackage, func(v eventstore.View, _ bool) (*sol.VnfPkgInfo, error) {
		var p Package
		if err := json.Unmarshal(v.Doc, &p); err != nil {
			return nil, err
		}
		return vnfPkgInfo(&p, c.base), nil
	})
}

func (a *api) showPackage(c *call) (*answer, error) {
	var p Package
	v, err := c.view(readmodel.KindPackage, c.id, packageWord, &p)
	if err != nil {
		return nil, err
	}
	return respond(http.StatusOK).json(vnfPkgInfo(&p, c.base)).etag(v.Revision), nil
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
	return effect(c, func(by request.Info) (*Package, error) {
		return a.Packages.Patch(c.ctx, c.id, PackagePatch{
			OperationalState: string(body.OperationalState), UserDefinedData: body.UserDefinedData,
		}, by)
	}, func(p *Package) *answer {
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
	var p Package
	v, err := c.view(readmodel.KindPackage, c.id, packageWord, &p)
	if err != nil {
		return err
	}
	return c.ifMatch(v)
}

// putPackageContent hands the body on as it arrives. It is hashed on its way when the request has an Idempotency-Key.
func (a *api) putPackageContent(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (*Package, error) {
		return a.Packages.PutContent(c.ctx, c.id, c.r.Body, by)
	}, func(*Package) *answer { return respond(http.StatusAccepted) })
}

// vnfPkgInfo shows a package as SOL005 has it.
func vnfPkgInfo(p *Package, base string) *sol.VnfPkgInfo {
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
		out.Checksum = &sol.Checksum{Algorithm: "sha-256", Hash: p.SHA256}
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
