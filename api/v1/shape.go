package v1

import (
	"slices"
	"strings"
)

// Shape says how the objects at one place differ: under each name of v2, what v1 has.
type Shape struct {
	names  map[string]string            // v2 name: v1 name, of attributes that were renamed; requests may have either
	later  []string                     // attributes that v2 has and v1 does not
	maps   map[string]keyed             // v2 name of what is a map in v2 and an array in v1
	values map[string]map[string]string // v2 name: v2 value: the v1 value nearest to it
	parts  map[string][]string          // v2 name of a text of parts with ":" between: their names in the object that v1 has
	within map[string]*Shape            // v2 name: the objects in it, those of an array or a map too
	// parted: v2 has several entries of an array for one id, of which v1 has one; the first says what became of the whole.
	parted bool
}

// keyed is a map of v2 that is an array in v1.
type keyed struct {
	key string // the attribute of an entry of the array that has what is the key in v2
	// gone is the attribute beside the array that lists the keys of what is to be removed; "": an entry with its key alone
	// stands for a removal.
	gone string
}

const links = "_links"

// Entry stands for the key of an entry in a path into a map of v2.
const Entry = "\x00"

var (
	connections = map[string]keyed{"vimConnectionInfo": {key: "id", gone: "vimConnectionInfoDeleteIds"}}

	// Body is what requests are, and the operationParams that keep them.
	Body = &Shape{
		names: map[string]string{"vnfcInstanceId": "vnfcResourceInfoId"},
		maps:  connections,
		within: map[string]*Shape{
			"extVirtualLinks": {within: map[string]*Shape{
				"extCps": {maps: map[string]keyed{"cpConfig": {key: "cpInstanceId"}}},
			}},
			"extManagedVirtualLinks": {names: map[string]string{"vnfVirtualLinkDescId": "virtualLinkDescId"}, later: []string{"vnfLinkPort"}},
		},
	}

	externalLink = &Shape{
		later:  []string{"currentVnfExtCpData"},
		within: map[string]*Shape{"extLinkPorts": {later: []string{"trunkResourceId", "secondaryCpInstanceId"}}},
	}

	// VnfInstance is the resource.
	VnfInstance = &Shape{
		maps: connections,
		within: map[string]*Shape{
			"instantiatedVnfInfo": {
				names: map[string]string{"vnfVirtualLinkResourceInfo": "virtualLinkResourceInfo"},
				later: []string{"maxScaleLevels", "vipCpInfo"},
				within: map[string]*Shape{
					"extCpInfo":          {later: []string{"cpConfigId"}},
					"extVirtualLinkInfo": externalLink,
					"vnfcResourceInfo":   {within: map[string]*Shape{"vnfcCpInfo": {later: []string{"parentCpId"}}}},
				},
			},
			links: {later: []string{"changeCurrentVnfPkg", "createSnapshot", "revertToSnapshot"}},
		},
	}

	// changes is what an operation changed, in its resource and in notifications.
	changes = map[string]*Shape{
		"affectedVnfcs": {later: []string{"vnfdId"}},
		"affectedVirtualLinks": {
			names:  map[string]string{"vnfVirtualLinkDescId": "virtualLinkDescId"},
			later:  []string{"vnfdId", "vnfLinkPortIds"},
			parted: true, // a link, and its ports
			values: map[string]map[string]string{"changeType": {"LINK_PORT_ADDED": "MODIFIED", "LINK_PORT_REMOVED": "MODIFIED"}},
		},
		"affectedVirtualStorages": {later: []string{"vnfdId"}},
	}
	laterChanges = []string{"affectedExtLinkPorts", "affectedVipCps"}

	// VnfLcmOpOcc is the resource.
	VnfLcmOpOcc = &Shape{
		later: []string{
			"modificationsTriggeredByVnfPkgChange", "vnfSnapshotInfoId", "lcmCoordinations", "rejectedLcmCoordinations",
			"warnings",
		},
		within: map[string]*Shape{
			"operationParams":        Body,
			"changedInfo":            {maps: connections},
			"changedExtConnectivity": externalLink,
			"resourceChanges":        {later: laterChanges, within: changes},
			links:                    {later: []string{"vnfSnapshot"}},
		},
	}

	checksum = map[string][]string{"checksum": {"algorithm", "hash"}}

	// VnfPkgInfo is the resource (SOL003 v2.6.1 §10.5.2.2). A package whose content was no good is as one without any there.
	VnfPkgInfo = &Shape{
		later:  []string{"packageSecurityOption", "signingCertificate", "vnfmInfo"},
		values: map[string]map[string]string{"onboardingState": {"ERROR": "CREATED"}},
		parts:  checksum,
		within: map[string]*Shape{
			"softwareImages":      {parts: checksum, later: []string{"isEncrypted"}},
			"additionalArtifacts": {parts: checksum, later: []string{"isEncrypted", "nonManoArtifactSetId", "artifactClassification"}},
		},
	}

	// LccnSubscription is the resource.
	LccnSubscription = &Shape{later: []string{"verbosity"}}

	// Notification is what subscribers are sent.
	Notification = &Shape{
		later: append([]string{"verbosity", "modificationsTriggeredByVnfPkgChange"}, laterChanges...),
		within: map[string]*Shape{
			"affectedVnfcs": changes["affectedVnfcs"], "affectedVirtualLinks": changes["affectedVirtualLinks"],
			"affectedVirtualStorages": changes["affectedVirtualStorages"],
			"changedInfo":             {maps: connections},
			"changedExtConnectivity":  externalLink,
		},
	}
)

// Form is that of notifications to subscribers of v1.
const Form = "v1"

// offered are the resources that v1 has: below its root, "{id}" in place of an identifier. The request of change_ext_conn names
// external connection points by their own identifiers in v1, which the operation takes for those of their configuration.
var offered = []string{
	"/vnf_instances", "/vnf_instances/{id}", "/vnf_instances/{id}/instantiate", "/vnf_instances/{id}/terminate",
	"/vnf_instances/{id}/scale", "/vnf_instances/{id}/scale_to_level", "/vnf_instances/{id}/heal", "/vnf_instances/{id}/operate",
	"/vnf_instances/{id}/change_ext_conn", "/vnf_instances/{id}/change_flavour",
	"/vnf_lcm_op_occs", "/vnf_lcm_op_occs/{id}", "/vnf_lcm_op_occs/{id}/retry", "/vnf_lcm_op_occs/{id}/rollback",
	"/vnf_lcm_op_occs/{id}/fail", "/vnf_lcm_op_occs/{id}/cancel",
	"/subscriptions", "/subscriptions/{id}",
}

// Resource returns the shape of what a resource of v2 shows, nil when v1 does not have it. The path is below the root.
func Resource(path string) *Shape {
	switch {
	case !slices.Contains(offered, path):
		return nil
	case strings.HasPrefix(path, "/vnf_lcm_op_occs"):
		return VnfLcmOpOcc
	case strings.HasPrefix(path, "/subscriptions"):
		return LccnSubscription
	}
	return VnfInstance
}

// Lacks says whether v1 does not have an attribute of v2.
func (s *Shape) Lacks(name string) bool { return slices.Contains(s.later, name) }

// LaterIn lists what v2 has and v1 does not of the members of an attribute.
func (s *Shape) LaterIn(name string) []string {
	if in := s.within[name]; in != nil {
		return in.later
	}
	return nil
}

// Same says whether an attribute has the same name and form in both, whatever is in it; links apart.
func (s *Shape) Same(name string) bool {
	_, renamed := s.names[name]
	_, keyed := s.maps[name]
	return !renamed && !keyed && !s.Lacks(name) && s.values[name] == nil && s.parts[name] == nil && s.within[name] == nil
}

// Path is where v2 has an attribute of v1.
type Path struct {
	Steps []string // Entry in place of the key of a map
	Key   bool     // it leads to what is the key itself, and ends in Entry
	Other bool     // the values there are others, or have another form: only a document of v1 can be compared with one
}

// Path returns where v2 has an attribute of v1; false when v1 has no such attribute and v2 has.
func (s *Shape) Path(v1 []string) (Path, bool) {
	var p Path
	for i, old := range v1 {
		if s == nil {
			p.Steps = append(p.Steps, v1[i:]...)
			break
		}
		name, known := s.newer(old)
		if !known {
			return p, false
		}
		p.Steps = append(p.Steps, name)
		p.Other = p.Other || name == links || s.values[name] != nil || s.parts[name] != nil
		if parts := s.parts[name]; i+1 < len(v1) && parts != nil {
			return p, slices.Contains(parts, v1[i+1]) && i+2 == len(v1)
		}
		if m, is := s.maps[name]; is && old == m.gone { // all of it is in the keys of the map
			p.Other = true
			break
		} else if is && i+1 < len(v1) {
			p.Steps, p.Other = append(p.Steps, Entry), true
			if p.Key = v1[i+1] == m.key; p.Key {
				break
			}
		}
		s = s.within[name]
	}
	return p, true
}

// newer returns the v2 name of an attribute of v1, or of the map that has what it lists; false for names that only v2 has.
func (s *Shape) newer(name string) (string, bool) {
	for v2, m := range s.maps {
		if m.gone == name {
			return v2, true
		}
	}
	v2 := s.renamed(name)
	_, only := s.names[name]
	return v2, !only && !slices.Contains(s.later, name)
}

// renamed returns the v2 name of an attribute of v1.
func (s *Shape) renamed(name string) string {
	for v2, v1 := range s.names {
		if v1 == name {
			return v2
		}
	}
	return name
}
