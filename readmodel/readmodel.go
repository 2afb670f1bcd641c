// Package readmodel is the views an API reader sees: rows written in the commit that changed an aggregate, the queries
// over them, and their rebuild from the log.
//
// A view's document is the folded state of its aggregate as JSON, so that a rebuild gives the same bytes.
package readmodel

import (
	"slices"

	"github.com/vnfm/vnfm/eventstore"
)

// The kinds of views.
const (
	KindVnf          = "vnf_instance"         // vnf.Instance; Parent is the package id, State the instantiation state
	KindOpOcc        = "vnf_lcm_op_occ"       // vnf.OpOcc; Parent is the VNF id, State the operation state
	KindPackage      = "vnf_package"          // vnfpkg's state; State is the onboarding state, Name the vnfdId
	KindVim          = "vim_connection"       // vimregistry's state; State is ENABLED or DISABLED
	KindSnapshotInfo = "vnf_snapshot"         // vnf.SnapshotInfo
	KindSnapshot     = "vnf_snapshot_content" // vnf.Snapshot; Parent is the id of the VNF
	// KindManagement is management's state; State is ENABLED or DISABLED.
	KindManagement = "management_connection"
)

// columnComing holds the package that an instance is of once its operation lands.
const columnComing = 2

// UsesOf counts what uses a package: instances that are of it, and those that an operation makes of it.
func UsesOf(packageID string) []eventstore.ViewCount {
	return []eventstore.ViewCount{
		{Kind: KindVnf, Parent: packageID}, {Kind: KindVnf, Parent: packageID, Column: eventstore.ColumnAttr(columnComing)},
	}
}

// Used reports whether a package is used, of what UsesOf has loaded.
func Used(l *eventstore.Loaded, packageID string) bool {
	return slices.ContainsFunc(UsesOf(packageID), func(c eventstore.ViewCount) bool { return l.Counts[c] > 0 })
}

// Columns says which attributes of a kind's documents its rows hold in columns, for eventstore.ViewQuery: those operators
// select by. ColumnAttr(1) and ColumnAttr(2) are for times, of any kind: see ADR 10.
func Columns(kind string) map[string]eventstore.Column { return columns[kind] }

var columns = map[string]map[string]eventstore.Column{
	KindVnf: {
		"id": eventstore.ColumnID, "state": eventstore.ColumnState, "packageId": eventstore.ColumnParent,
		"name": eventstore.ColumnAttr(0), "vnfdId": eventstore.ColumnAttr(6), "provider": eventstore.ColumnAttr(7),
		"productName": eventstore.ColumnAttr(3), "softwareVersion": eventstore.ColumnAttr(4), "vnfdVersion": eventstore.ColumnAttr(5),
	},
	KindOpOcc: {
		"id": eventstore.ColumnID, "state": eventstore.ColumnState, "vnfInstanceId": eventstore.ColumnParent,
		"operation": eventstore.ColumnAttr(0), "startTime": eventstore.ColumnAttr(1), "stateEnteredTime": eventstore.ColumnAttr(2),
	},
	KindSnapshotInfo: {"id": eventstore.ColumnID},
	KindPackage: { // there are hundreds of packages, not more: what is not here is read from the documents
		"id": eventstore.ColumnID, "onboardingState": eventstore.ColumnState,
	},
}
