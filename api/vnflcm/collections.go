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
			Made: map[string][]string{"vimConnectionInfo": {"vimConnections"}, "instantiatedVnfInfo": {"instantiatedInfo", "resources"}},
			Links: func(doc *rest.Members, root string) any {
				return instanceLinks(root, &vnf.Instance{
					ID: doc.Text("id"), State: vnf.InstantiationState(doc.Text("state")), Operation: doc.Text("operation"), Scales: doc.Is("scales"),
				})
			},
			LinkedBy: []string{"id", "state", "operation", "scales"}, Root: rest.LcmRoot, Older: v1.Root,
		},
	}
	vnfLcmOpOccs = rest.Collection{
		Kind: readmodel.KindOpOcc, Entry: reflect.TypeFor[sol.VnfLcmOpOcc](),
		Known: []string{
			"changedInfo",
		},
		Defaults: []string{
			"operationParams", "error", "resourceChanges", "changedInfo", "changedExtConnectivity", "lcmCoordinations",
			"modificationsTriggeredByVnfPkgChange", "warnings",
		},
		Paths: map[string]string{
			"id": "id", "operationState": "state", "stateEnteredTime": "stateEnteredTime", "startTime": "startTime",
			"vnfInstanceId": "vnfInstanceId", "grantId": "grantId", "operation": "operation", "vnfSnapshotInfoId": "vnfSnapshotInfoId",
			"isAutomaticInvocation": "isAutomaticInvocation", "operationParams": "operationParams",
			"isCancelPending": "isCancelPending", "error": "error", "resourceChanges": "resourceChanges", "warnings": "warnings",
			"lcmCoordinations": "lcmCoordinations", "rejectedLcmCoordinations": "rejectedLcmCoordinations",
			"cancelMode": "", "changedInfo": "", "changedExtConnectivity": "", "modificationsTriggeredByVnfPkgChange": "", "_links": "",
		},
		Short: &rest.Shortcut{
			Copied: map[string]string{
				"id": "id", "operationState": "state", "stateEnteredTime": "stateEnteredTime", "startTime": "startTime", "vnfInstanceId": "vnfInstanceId",
				"grantId": "grantId", "operation": "operation", "isAutomaticInvocation": "isAutomaticInvocation", "operationParams": "operationParams",
				"isCancelPending": "isCancelPending", "warnings": "warnings", "vnfSnapshotInfoId": "vnfSnapshotInfoId",
			},
			Made: map[string][]string{
				"cancelMode": {"cancelMode"}, "error": {"error"}, "resourceChanges": {"resourceChanges"}, "changedInfo": {"changedInfo"},
				"modificationsTriggeredByVnfPkgChange": {"changedInfo"},
				"lcmCoordinations":                     {"lcmCoordinations"}, "rejectedLcmCoordinations": {"rejectedLcmCoordinations"},
				"changedExtConnectivity": {"changedExtConnectivity"},
			},
			Links: func(doc *rest.Members, root string) any {
				return opOccLinks(root, &vnf.OpOcc{
					ID: doc.Text("id"), VnfID: doc.Text("vnfInstanceId"), State: vnf.OpState(doc.Text("state")), GrantHref: doc.Text("grantHref"),
					UndoBegun: doc.Is("undoBegun"), Snapshot: doc.Text("vnfSnapshotInfoId"), Irreversible: doc.Is("irreversible"), CancelPending: doc.Is("isCancelPending"),
				})
			},
			LinkedBy: []string{"id", "vnfInstanceId", "state", "grantHref", "undoBegun", "irreversible", "isCancelPending", "vnfSnapshotInfoId"},
			Root:     rest.LcmRoot, Older: v1.Root,
		},
	}
)
