// Package readmodel is the views an API reader sees: rows written in the commit that changed an aggregate, the queries
// over them, and their rebuild from the log.
//
// A view's document is the folded state of its aggregate as JSON, so that a rebuild gives the same bytes.
package readmodel

// The kinds of views.
const (
	KindVnf     = "vnf_instance"   // vnf.Instance; Parent is the package id, State the instantiation state
	KindOpOcc   = "vnf_lcm_op_occ" // vnf.OpOcc; Parent is the VNF id, State the operation state
	KindPackage = "vnf_package"    // vnfpkg's state; State is the onboarding state, Name the vnfdId
	KindVim     = "vim_connection" // vimregistry's state; State is ENABLED or DISABLED
)
