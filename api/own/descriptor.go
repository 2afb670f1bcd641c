package own

import (
	"fmt"
	"net/http"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/descriptor"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// packageDescriptor shows the descriptor of an onboarded package.
func (a *API) packageDescriptor(c *rest.Call) (*rest.Answer, error) {
	p, err := a.Packages.Get(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	if p.DescriptorDigest == "" {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is %s: it has no descriptor that was read.", p.Onboarding)
	}
	return a.descriptor(c, p.DescriptorDigest)
}

// vnfDescriptor shows the descriptor that a VNF instance is made by.
func (a *API) vnfDescriptor(c *rest.Call) (*rest.Answer, error) {
	var v vnf.Instance
	if _, err := c.View(readmodel.KindVnf, c.ID, vnflcm.VnfWord, &v); err != nil {
		return nil, err
	}
	return a.descriptor(c, v.DescriptorDigest)
}

func (a *API) descriptor(c *rest.Call, digest string) (*rest.Answer, error) {
	d, err := a.Descriptor(c.Ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read the descriptor: %w", err)
	}
	return rest.Respond(http.StatusOK).JSON(descriptor.View(d)), nil
}
