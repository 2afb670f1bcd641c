package main

import (
	"maps"

	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/sol"
)

// containersID and nextContainersID are the VNFDs of the two versions of a package of containers, made by manifests: objects at the simulated VIMs.
const (
	containersID     = "6d2e5b4f-8c2f-4d66-8b63-1f7e8f2b3c42"
	nextContainersID = "6d2e5b4f-8c2f-4d66-8b63-1f7e8f2b3c43"
)

// ofContainers reports whether a VNF is of one of them.
func ofContainers(in *sol.VnfInstance) bool {
	return in.VnfdId == containersID || in.VnfdId == nextContainersID
}

// contained asks for a flavour of containers, and says of what they are made.
func (c *client) contained(attribute string, small bool) map[string]any {
	id := shapes.Large
	if small {
		id = shapes.Small
	}
	return map[string]any{attribute: id, "additionalParams": maps.Clone(shapes.ByManifests[id])}
}
