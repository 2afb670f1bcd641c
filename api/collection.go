package api

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
)

var timeType = reflect.TypeFor[time.Time]()

// collection is what lists of one resource need to know: its type on the wire, and where its attributes are in the views.
type collection struct {
	kind  string // of the views
	entry reflect.Type
	// known are attributes that the standard has and entry does not: no entry has them.
	known []string
	// defaults are left out unless a selector says otherwise.
	defaults []string
	// paths says which attributes, with all that is in them, the documents hold as the representation does, and where.
	// "" stands for those that are made up of others: a filter on them is matched against the representation.
	paths map[string]string
}

// The collections whose entries come from views (default lists: SOL003 v3.7.1 §5.4.2.3.2, §5.4.12.3.2, §10.4.2.3.2).
var (
	vnfInstances = collection{
		kind: readmodel.KindVnf, entry: reflect.TypeFor[sol.VnfInstance](),
		defaults: []string{"vnfConfigurableProperties", "vimConnectionInfo", "instantiatedVnfInfo", "metadata", "extensions"},
		paths: map[string]string{
			"id": "id", "vnfInstanceName": "name", "vnfInstanceDescription": "description", "vnfdId": "vnfdId",
			"vnfProvider": "provider", "vnfProductName": "productName", "vnfSoftwareVersion": "softwareVersion",
			"vnfdVersion": "vnfdVersion", "vnfConfigurableProperties": "configurableProperties", "metadata": "metadata",
			"extensions": "extensions", "instantiationState": "state", "vimConnectionInfo": "vimConnections",
			"instantiatedVnfInfo": "instantiatedInfo", "instantiatedVnfInfo/vnfcResourceInfo": "instantiatedInfo/vnfcs",
			"instantiatedVnfInfo/vnfcResourceInfo/vnfcCpInfo":                "instantiatedInfo/vnfcs/cps",
			"instantiatedVnfInfo/vnfcResourceInfo/vnfcCpInfo/cpProtocolInfo": "",
			"instantiatedVnfInfo/vnfVirtualLinkResourceInfo":                 "instantiatedInfo/virtualLinks",
			"instantiatedVnfInfo/virtualStorageResourceInfo":                 "instantiatedInfo/storages",
			"instantiatedVnfInfo/extCpInfo":                                  "instantiatedInfo/extCps",
			"instantiatedVnfInfo/extCpInfo/cpProtocolInfo":                   "",
			"instantiatedVnfInfo/extVirtualLinkInfo":                         "instantiatedInfo/extVirtualLinks",
			"instantiatedVnfInfo/extVirtualLinkInfo/currentVnfExtCpData":     "",
			"instantiatedVnfInfo/extManagedVirtualLinkInfo":                  "instantiatedInfo/extManagedVirtualLinks",
			"_links": "",
		},
	}
	vnfLcmOpOccs = collection{
		kind: readmodel.KindOpOcc, entry: reflect.TypeFor[sol.VnfLcmOpOcc](),
		known: []string{
			"vnfSnapshotInfoId", "changedInfo", "changedExtConnectivity", "lcmCoordinations", "rejectedLcmCoordinations",
			"modificationsTriggeredByVnfPkgChange",
		},
		defaults: []string{
			"operationParams", "error", "resourceChanges", "changedInfo", "changedExtConnectivity", "lcmCoordinations",
			"modificationsTriggeredByVnfPkgChange", "warnings",
		},
		paths: map[string]string{
			"id": "id", "operationState": "state", "stateEnteredTime": "stateEnteredTime", "startTime": "startTime",
			"vnfInstanceId": "vnfInstanceId", "grantId": "grantId", "operation": "operation",
			"isAutomaticInvocation": "isAutomaticInvocation", "operationParams": "operationParams",
			"isCancelPending": "isCancelPending", "error": "error", "resourceChanges": "resourceChanges", "warnings": "warnings",
			"cancelMode": "", "changedInfo": "", "_links": "",
		},
	}
	vnfPackages = collection{
		kind: readmodel.KindPackage, entry: reflect.TypeFor[sol.VnfPkgInfo](),
		known: []string{
			"softwareImages", "additionalArtifacts", "packageSecurityOption", "signingCertificate", "vnfmInfo",
		},
		defaults: []string{"softwareImages", "additionalArtifacts", "userDefinedData", "checksum", "onboardingFailureDetails"},
		paths: map[string]string{
			"id": "id", "vnfdId": "vnfdId", "vnfProvider": "provider", "vnfProductName": "productName",
			"vnfSoftwareVersion": "softwareVersion", "vnfdVersion": "vnfdVersion", "onboardingState": "onboardingState",
			"operationalState": "operationalState", "vnfmInfo": "vnfmInfo", "userDefinedData": "userDefinedData",
			"checksum": "", "usageState": "", "onboardingFailureDetails": "", "findings": "", "_links": "",
		},
	}
)

// opOrigins is our own list of who started which operation.
var opOrigins = collection{
	kind: readmodel.KindOpOcc, entry: reflect.TypeFor[sol.OpOrigin](),
	paths: map[string]string{
		"vnfLcmOpOccId": "id", "vnfInstanceId": "vnfInstanceId", "operation": "operation", "operationState": "state",
		"startTime": "startTime", "startedBy": "actor",
	},
}

// split reads a filter and cuts it in two: what the views can answer, in terms of their documents, and what has to be
// matched against the representation. never says that a term is over something that no entry has.
func (l *collection) split(text string) (where, rest filter.Filter, never bool, err error) {
	f, err := filter.Parse(text)
	if err != nil {
		return nil, nil, false, err //nolint:wrapcheck // has its kind
	}
	for _, t := range f {
		names := make([]string, 0, len(t.Path))
		for _, s := range t.Path {
			if !s.Keys {
				names = append(names, s.Name)
			}
		}
		if len(names) == 0 || !slices.Contains(l.known, names[0]) && !hasAttribute(l.entry, names[:1]) {
			return nil, nil, false, vnfm.Errorf(vnfm.Invalid, "The filter names %q, which is no attribute of the resource.", t.Attribute())
		}
		at := attributeType(l.entry, names)
		if at == nil {
			never = true
			continue
		}
		// The names of a structure are others in the documents; the keys of a map are the same.
		structure := at.Kind() == reflect.Struct && len(names) < len(t.Path)
		if path := l.docPath(t.Path); path != nil && !structure {
			where = append(where, filter.Term{Op: t.Op, Path: path, Values: t.Values})
		} else {
			rest = append(rest, t)
		}
	}
	return where, rest, never, nil
}

// docPath returns where the documents have what a path of the representation leads to; nil when they do not.
func (l *collection) docPath(path []filter.Step) []filter.Step {
	for n := len(path); n > 0; n-- {
		if slices.ContainsFunc(path[:n], func(s filter.Step) bool { return s.Keys || strings.Contains(s.Name, "/") }) {
			continue
		}
		names := make([]string, n)
		for i, s := range path[:n] {
			names[i] = s.Name
		}
		doc, ok := l.paths[strings.Join(names, "/")]
		if !ok {
			continue
		}
		if doc == "" {
			return nil
		}
		var out []filter.Step
		for name := range strings.SplitSeq(doc, "/") {
			out = append(out, filter.Step{Name: name})
		}
		return append(out, path[n:]...)
	}
	return nil
}
