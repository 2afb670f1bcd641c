package vnflcm

import (
	"reflect"

	"github.com/vnfm/vnfm/api/rest"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// The collections whose entries come from views (default lists: SOL003 v3.7.1 §5.4.2.3.2, §5.4.12.3.2).
var (
	vnfInstances = rest.Collection{
		Kind: readmodel.KindVnf, Entry: reflect.TypeFor[sol.VnfInstance](),
		Defaults: []string{"vnfConfigurableProperties", "vimConnectionInfo", "instantiatedVnfInfo", "metadata", "extensions"},
		Paths: map[string]string{
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
			"instantiatedVnfInfo/vnfcInfo":                                   "", "_links": "",
		},
		Short: &rest.Shortcut{
			Copied: map[string]string{
				"id": "id", "vnfInstanceName": "name", "vnfInstanceDescription": "description", "vnfdId": "vnfdId", "vnfProvider": "provider",
				"vnfProductName": "productName", "vnfSoftwareVersion": "softwareVersion", "vnfdVersion": "vnfdVersion",
				"vnfConfigurableProperties": "configurableProperties", "instantiationState": "state", "metadata": "metadata", "extensions": "extensions",
			},
			Made:  map[string][]string{"vimConnectionInfo": {"vimConnections"}, "instantiatedVnfInfo": {"instantiatedInfo"}},
			Links: vnfLinks, LinkedBy: []string{"id", "state", "operation"}, Root: rest.LcmRoot, Older: v1.Root,
		},
	}
	vnfLcmOpOccs = rest.Collection{
		Kind: readmodel.KindOpOcc, Entry: reflect.TypeFor[sol.VnfLcmOpOcc](),
		Known: []string{
			"vnfSnapshotInfoId", "changedInfo", "changedExtConnectivity", "lcmCoordinations", "rejectedLcmCoordinations",
			"modificationsTriggeredByVnfPkgChange",
		},
		Defaults: []string{
			"operationParams", "error", "resourceChanges", "changedInfo", "changedExtConnectivity", "lcmCoordinations",
			"modificationsTriggeredByVnfPkgChange", "warnings",
		},
		Paths: map[string]string{
			"id": "id", "operationState": "state", "stateEnteredTime": "stateEnteredTime", "startTime": "startTime",
			"vnfInstanceId": "vnfInstanceId", "grantId": "grantId", "operation": "operation",
			"isAutomaticInvocation": "isAutomaticInvocation", "operationParams": "operationParams",
			"isCancelPending": "isCancelPending", "error": "error", "resourceChanges": "resourceChanges", "warnings": "warnings",
			"cancelMode": "", "changedInfo": "", "_links": "",
		},
		Short: &rest.Shortcut{
			Copied: map[string]string{
				"id": "id", "operationState": "state", "stateEnteredTime": "stateEnteredTime", "startTime": "startTime", "vnfInstanceId": "vnfInstanceId",
				"grantId": "grantId", "operation": "operation", "isAutomaticInvocation": "isAutomaticInvocation", "operationParams": "operationParams",
				"isCancelPending": "isCancelPending", "warnings": "warnings",
			},
			Made: map[string][]string{
				"cancelMode": {"cancelMode"}, "error": {"error"}, "resourceChanges": {"resourceChanges"}, "changedInfo": {"changedInfo"},
			},
			Links: opOccLinks, LinkedBy: []string{"id", "vnfInstanceId", "state", "grantHref", "undoBegun", "irreversible", "isCancelPending"},
			Root: rest.LcmRoot, Older: v1.Root,
		},
	}
)

// vnfLinks are the links of an instance, as VnfInstance has them.
func vnfLinks(b []byte, doc *rest.Members, root string) []byte {
	id := rest.Inner(doc.Get("id"))
	root += "/vnf_instances/"
	b = rest.Href(append(b, '{'), "self", root, id)
	if len(rest.Inner(doc.Get("operation"))) == 0 {
		switch vnf.InstantiationState(rest.Inner(doc.Get("state"))) {
		case vnf.NotInstantiated:
			b = rest.Href(b, "instantiate", root, id, []byte("/instantiate"))
		case vnf.Instantiated:
			b = rest.Href(b, "terminate", root, id, []byte("/terminate"))
		}
	}
	return append(b, '}')
}

// opOccLinks are the links of an operation occurrence, as VnfLcmOpOcc has them.
func opOccLinks(b []byte, doc *rest.Members, root string) []byte {
	id := rest.Inner(doc.Get("id"))
	is := func(member string) bool { return string(doc.Get(member)) == "true" }
	b = rest.Href(append(b, '{'), "self", root, []byte("/vnf_lcm_op_occs/"), id)
	b = rest.Href(b, "vnfInstance", root, []byte("/vnf_instances/"), rest.Inner(doc.Get("vnfInstanceId")))
	if grant := rest.Inner(doc.Get("grantHref")); len(grant) > 0 {
		b = rest.Href(b, "grant", "", grant)
	}
	var tasks []string
	switch vnf.OpState(rest.Inner(doc.Get("state"))) {
	case vnf.FailedTemp:
		if !is("undoBegun") {
			tasks = append(tasks, "retry")
		}
		if !is("irreversible") {
			tasks = append(tasks, "rollback")
		}
		tasks = append(tasks, "fail")
	case vnf.Starting, vnf.Processing, vnf.RollingBack:
		if !is("isCancelPending") {
			tasks = append(tasks, "cancel")
		}
	}
	for _, task := range tasks {
		b = rest.Href(b, task, root, []byte("/vnf_lcm_op_occs/"), id, []byte("/"+task))
	}
	return append(b, '}')
}
