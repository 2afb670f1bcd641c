package etsitest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Older returns what is wrong with a document of SOL003 v2.6.1: an object of a kind, or, with "[]" before it, an array of
// them. There is no machine-readable document of that version; the kinds are written down here as far as the program
// fills them.
func Older(kind string, doc []byte) []string {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return []string{err.Error()}
	}
	return violations(kind, "", v)
}

// schema is what SOL003 v2.6.1 asks of an object, by hand: mandatory attributes and what is in the others. A name with a
// "*" is mandatory; "[]" before a kind is an array of it. Attributes that are not named are not allowed.
type schema map[string]string

// schemas are those of v2.6.1 as far as this server fills them; "any" is a value of the client's or the VNFD's.
var schemas = map[string]schema{
	"VnfInstance": {
		"id*": "string", "vnfInstanceName": "string", "vnfInstanceDescription": "string", "vnfdId*": "string", "vnfProvider*": "string",
		"vnfProductName*": "string", "vnfSoftwareVersion*": "string", "vnfdVersion*": "string", "vnfConfigurableProperties": "any",
		"vimConnectionInfo": "[]VimConnectionInfo", "instantiationState*": "string", "instantiatedVnfInfo": "InstantiatedVnfInfo",
		"metadata": "any", "extensions": "any", "_links*": "any",
	},
	"VimConnectionInfo": {"id*": "string", "vimId": "string", "vimType*": "string", "interfaceInfo": "any", "accessInfo": "any", "extra": "any"},
	"InstantiatedVnfInfo": {
		"flavourId*": "string", "vnfState*": "string", "scaleStatus": "[]any", "extCpInfo*": "[]VnfExtCpInfo",
		"extVirtualLinkInfo": "[]ExtVirtualLinkInfo", "extManagedVirtualLinkInfo": "[]ExtManagedVirtualLinkInfo",
		"monitoringParameters": "[]any", "localizationLanguage": "string", "vnfcResourceInfo": "[]VnfcResourceInfo",
		"virtualLinkResourceInfo": "[]VnfVirtualLinkResourceInfo", "virtualStorageResourceInfo": "[]any",
		"vnfcInfo": "[]VnfcInfo", // SOL002's
	},
	"VnfExtCpInfo": {
		"id*": "string", "cpdId*": "string", "cpProtocolInfo": "[]any", "extLinkPortId": "string", "metadata": "any",
		"associatedVnfcCpId": "string", "associatedVnfVirtualLinkId": "string",
	},
	"ExtVirtualLinkInfo":        {"id*": "string", "resourceHandle*": "ResourceHandle", "extLinkPorts": "[]ExtLinkPortInfo"},
	"ExtLinkPortInfo":           {"id*": "string", "resourceHandle*": "ResourceHandle", "cpInstanceId": "string"},
	"VnfcCpInfo":                {"id*": "string", "cpdId*": "string", "vnfExtCpId": "string", "cpProtocolInfo": "[]any", "vnfLinkPortId": "string", "metadata": "any"},
	"ExtManagedVirtualLinkInfo": {"id*": "string", "vnfVirtualLinkDescId*": "string", "networkResource*": "ResourceHandle", "vnfLinkPorts": "[]VnfLinkPortInfo"},
	"VnfLinkPortInfo":           {"id*": "string", "resourceHandle*": "ResourceHandle", "cpInstanceId": "string", "cpInstanceType": "string"},
	"VnfcInfo":                  {"id*": "string", "vduId*": "string", "vnfcResourceInfoId": "string", "vnfcState*": "string", "vnfcConfigurableProperties": "any"},
	"VnfcResourceInfo": {
		"id*": "string", "vduId*": "string", "computeResource*": "ResourceHandle", "zoneId": "string", "storageResourceIds": "[]string", "reservationId": "string",
		"vnfcCpInfo": "[]VnfcCpInfo", "metadata": "any",
	},
	"VnfVirtualLinkResourceInfo": {
		"id*": "string", "vnfVirtualLinkDescId*": "string", "networkResource*": "ResourceHandle", "zoneId": "string", "vnfLinkPorts": "[]VnfLinkPortInfo",
	},
	"VnfLcmOpOcc": {
		"id*": "string", "operationState*": "string", "stateEnteredTime*": "string", "startTime*": "string", "vnfInstanceId*": "string",
		"grantId": "string", "operation*": "string", "isAutomaticInvocation*": "bool", "operationParams": "OperationParams",
		"isCancelPending*": "bool", "cancelMode": "string", "error": "any", "resourceChanges": "ResourceChanges",
		"changedInfo": "VnfInfoModifications", "changedExtConnectivity": "[]any", "_links*": "any",
	},
	"OperationParams": {
		"flavourId": "string", "vimConnectionInfo": "[]VimConnectionInfo", "vimConnectionInfoDeleteIds": "[]any", "additionalParams": "any",
	},
	"VnfInfoModifications": {
		"vnfInstanceName": "string", "vnfInstanceDescription": "string", "vimConnectionInfo": "[]VimConnectionInfo", "metadata": "any", "extensions": "any",
		"vnfConfigurableProperties": "any",
	},
	"ResourceChanges": {
		"affectedVnfcs": "[]AffectedVnfc", "affectedVirtualLinks": "[]AffectedVirtualLink", "affectedVirtualStorages": "[]AffectedVirtualStorage",
	},
	"AffectedVnfc": {
		"id*": "string", "vduId*": "string", "changeType*": "string", "computeResource*": "ResourceHandle", "resourceDefinitionId": "string",
		"zoneId": "string", "metadata": "any", "affectedVnfcCpIds": "[]string", "addedStorageResourceIds": "[]string",
		"removedStorageResourceIds": "[]string",
	},
	"AffectedVirtualLink": {
		"id*": "string", "virtualLinkDescId*": "string", "changeType*": "string", "networkResource*": "ResourceHandle",
		"resourceDefinitionId": "string", "zoneId": "string", "metadata": "any",
	},
	"AffectedVirtualStorage": {
		"id*": "string", "virtualStorageDescId*": "string", "changeType*": "string", "storageResource*": "ResourceHandle",
		"resourceDefinitionId": "string", "zoneId": "string", "metadata": "any",
	},
	"ResourceHandle":   {"vimConnectionId": "string", "resourceProviderId": "string", "resourceId*": "string", "vimLevelResourceType": "string"},
	"LccnSubscription": {"id*": "string", "filter": "any", "callbackUri*": "string", "_links*": "SelfLinks"},
	"SelfLinks":        {"self*": "Link"},
	"Link":             {"href*": "string"},
	"VnfLcmOperationOccurrenceNotification": {
		"id*": "string", "notificationType*": "string", "subscriptionId*": "string", "timeStamp*": "string", "notificationStatus*": "string",
		"operationState*": "string", "vnfInstanceId*": "string", "operation*": "string", "isAutomaticInvocation*": "bool",
		"vnfLcmOpOccId*": "string", "affectedVnfcs": "[]AffectedVnfc", "affectedVirtualLinks": "[]AffectedVirtualLink",
		"affectedVirtualStorages": "[]AffectedVirtualStorage", "changedInfo": "VnfInfoModifications",
		"changedExtConnectivity": "[]ExtVirtualLinkInfo", "error": "any", "_links*": "LccnLinks",
	},
	"VnfIdentifierCreationNotification": {
		"id*": "string", "notificationType*": "string", "subscriptionId*": "string", "timeStamp*": "string", "vnfInstanceId*": "string",
		"_links*": "LccnLinks",
	},
	"VnfIdentifierDeletionNotification": {
		"id*": "string", "notificationType*": "string", "subscriptionId*": "string", "timeStamp*": "string", "vnfInstanceId*": "string",
		"_links*": "LccnLinks",
	},
	"VnfPkgInfo": {
		"id*": "string", "vnfdId": "string", "vnfProvider": "string", "vnfProductName": "string", "vnfSoftwareVersion": "string",
		"vnfdVersion": "string", "checksum": "Checksum", "softwareImages": "[]VnfPackageSoftwareImageInfo",
		"additionalArtifacts": "[]VnfPackageArtifactInfo", "onboardingState*": "string", "operationalState*": "string", "usageState*": "string",
		"userDefinedData": "any", "_links*": "VnfPkgInfoLinks",
		"findings": "[]any", "onboardingFailureDetails": "any", // more than that version has
	},
	"Checksum": {"algorithm*": "string", "hash*": "string"},
	"VnfPackageSoftwareImageInfo": {
		"id*": "string", "name*": "string", "provider*": "string", "version*": "string", "checksum*": "Checksum", "containerFormat*": "string",
		"diskFormat*": "string", "createdAt*": "string", "minDisk*": "any", "minRam*": "any", "size*": "any", "userMetadata": "any",
		"imagePath": "string",
	},
	"VnfPackageArtifactInfo": {"artifactPath*": "string", "checksum*": "Checksum", "metadata": "any"},
	"VnfPkgInfoLinks":        {"self*": "Link", "vnfd": "Link", "packageContent*": "Link"},
	"LccnLinks":              {"vnfInstance*": "Link", "subscription*": "Link", "vnfLcmOpOcc": "Link"},
}

// violations returns what is wrong with a value of a kind.
func violations(kind, at string, v any) []string {
	if elem, is := strings.CutPrefix(kind, "[]"); is {
		list, ok := v.([]any)
		if !ok {
			return []string{at + " is no array"}
		}
		var all []string
		for i, one := range list {
			all = append(all, violations(elem, fmt.Sprintf("%s/%d", at, i), one)...)
		}
		return all
	}
	switch kind {
	case "any":
		return nil
	case "string", "bool":
		if got := fmt.Sprintf("%T", v); got != kind {
			return []string{at + " is a " + got}
		}
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		return []string{at + " is no object"}
	}
	var all []string
	known := map[string]bool{}
	for name, kind := range schemas[kind] {
		name, mandatory := strings.CutSuffix(name, "*")
		known[name] = true
		if inner, there := object[name]; there {
			all = append(all, violations(kind, at+"/"+name, inner)...)
		} else if mandatory {
			all = append(all, at+"/"+name+" is missing")
		}
	}
	for name := range object {
		if !known[name] {
			all = append(all, at+"/"+name+" is not of this version")
		}
	}
	return all
}
