package vnfpkgm

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

func (a *API) create(c *rest.Call) (*rest.Answer, error) {
	var body sol.CreateVnfPkgInfoRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnfpkg.Package, error) {
		return a.Packages.Create(c.Ctx, body.UserDefinedData, by)
	}, func(p *vnfpkg.Package) *rest.Answer {
		self := PackageURI(c.Base, p.ID)
		return rest.Respond(http.StatusCreated).JSON(VnfPkgInfo(p, nil, self)).Location(self).ETag(p.Version)
	})
}

func (s shelf) list(c *rest.Call) (*rest.Answer, error) {
	_, q, err := c.Page()
	if err != nil {
		return nil, err
	}
	return rest.List(c, &vnfPackages, func(rows []eventstore.View) ([]*sol.VnfPkgInfo, error) {
		packages, err := s.Packages.Read(c.Ctx, rows)
		if err != nil {
			return nil, err //nolint:wrapcheck // has its kind
		}
		out := make([]*sol.VnfPkgInfo, len(packages))
		for i, p := range packages {
			if s.onboarded && p.Onboarding != vnfpkg.StateOnboarded {
				continue
			}
			var files []csar.File
			if wantsArtifacts(q) {
				if files, err = s.files(c, p); err != nil {
					return nil, err
				}
			}
			out[i] = VnfPkgInfo(p, files, s.uri(c.Base, p))
		}
		return out, nil
	})
}

const artifacts = "additionalArtifacts"

// wantsArtifacts says whether a list's query may ask for what is not in the views but in the packages.
func wantsArtifacts(q url.Values) bool {
	return q.Has("all_fields") || q.Has("exclude_fields") || strings.Contains(q.Get("fields")+q.Get(rest.FilterParam), artifacts)
}

// files returns the files of an onboarded package, none of any other.
func (s shelf) files(c *rest.Call, p *vnfpkg.Package) ([]csar.File, error) {
	if p.Onboarding != vnfpkg.StateOnboarded {
		return nil, nil
	}
	content, err := s.Packages.Contents(c.Ctx, p.ID)
	if k := vnfm.KindOf(err); k == vnfm.NotFound || k == vnfm.Conflict { // deleted meanwhile
		return nil, nil
	} else if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	defer content.Close()
	return content.Files, nil
}

func (s shelf) show(c *rest.Call) (*rest.Answer, error) {
	p, err := s.find(c.Ctx, c.ID)
	if err != nil {
		return nil, err
	}
	files, err := s.files(c, p)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(VnfPkgInfo(p, files, s.uri(c.Base, p))).ETag(p.Version), nil
}

func (a *API) patch(c *rest.Call) (*rest.Answer, error) {
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

func (a *API) remove(c *rest.Call) (*rest.Answer, error) {
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

// vnfPackages are what lists of packages know (default list: SOL003 v3.7.1 §10.4.2.3.2).
var vnfPackages = rest.Collection{
	Kind: readmodel.KindPackage, Entry: reflect.TypeFor[sol.VnfPkgInfo](),
	Known:    []string{"compatibleSpecificationVersions"},
	Defaults: []string{"softwareImages", artifacts, "userDefinedData", "checksum", "onboardingFailureDetails"},
	Paths: map[string]string{
		"id": "id", "vnfdId": "vnfdId", "vnfProvider": "provider", "vnfProductName": "productName",
		"vnfSoftwareVersion": "softwareVersion", "vnfdVersion": "vnfdVersion", "onboardingState": "onboardingState",
		"operationalState": "operationalState", "vnfmInfo": "vnfmInfo", "userDefinedData": "userDefinedData",
		"packageSecurityOption": "signature/option", "signingCertificate": "signature/certificate",
		"checksum": "", "usageState": "", "onboardingFailureDetails": "", "findings": "", "_links": "", "softwareImages": "", artifacts: "",
	},
}
