package plan

import (
	"slices"

	"github.com/vnfm/vnfm/vim"
)

// about is what plans know of one kind of resource.
type about struct {
	kind vim.Kind
	// stage is its place in the order of creation, from 1; kinds of one stage do not refer to each other.
	stage int
	// plural names the kind in stage ids: "create-networks".
	plural string
	// grant is its word in a grant request; "" when a grant does not decide about it.
	grant string
	// once: the VIM does not bear an old and a new one side by side, since they share what is attached or an address.
	once func(from, to *Resource) bool
}

// kinds is the one table of kinds, in the order of creation: what others refer to comes first.
//
//nolint:gochecknoglobals // data
var kinds = []about{
	{kind: vim.Network, stage: 1, plural: "networks", grant: "VL"},
	{kind: vim.ServerGroup, stage: 1, plural: "server-groups"},
	{kind: vim.SoftwareImage, stage: 1, plural: "images"},
	{kind: vim.ComputeFlavour, stage: 1, plural: "flavours"},
	{kind: vim.Subnet, stage: 2, plural: "subnets"},
	{kind: vim.Volume, stage: 2, plural: "volumes", grant: "STORAGE"},
	{kind: vim.Port, stage: 3, plural: "ports", grant: "LINKPORT", once: sharesAddress},
	{kind: vim.Compute, stage: 4, plural: "computes", grant: "COMPUTE", once: always},
	{kind: vim.Unit, stage: 4, plural: "units", grant: "OSCONTAINER", once: always},
	{kind: vim.Configuration, stage: 5, plural: "configurations"},
	{kind: vim.Snapshot, stage: 6, plural: "snapshots", grant: "STORAGE"},
}

// stages is the number of stages of creation.
const stages = 6

func always(_, _ *Resource) bool { return true }

// sharesAddress reports whether two forms of a port want the same address or MAC: the network bears only one of them.
func sharesAddress(from, to *Resource) bool {
	a, b := from.Spec.Port, to.Spec.Port
	if a == nil || b == nil {
		return false
	}
	if keepsAddresses(from, to) {
		return true
	}
	return a.MAC != "" && a.MAC == b.MAC || slices.ContainsFunc(a.FixedIPs, func(ip vim.FixedIP) bool {
		return ip.Address != "" && slices.ContainsFunc(b.FixedIPs, func(o vim.FixedIP) bool { return o.Address == ip.Address })
	})
}

// keepsAddresses reports whether a port that takes the place of another is to have the addresses and the MAC that the VIM has
// chosen for that: as long as the two are wanted alike.
func keepsAddresses(from, to *Resource) bool {
	if from.At == nil || from.Spec.Port == nil || to.Spec.Port == nil || from.At.MAC == "" && len(from.At.Addresses) == 0 {
		return false
	}
	return !slices.ContainsFunc(vim.Differences(vim.Spec{Port: from.Spec.Port}, vim.Spec{Port: to.Spec.Port}), func(a vim.Attribute) bool {
		return a == vim.AttributeNetwork || a == vim.AttributeMAC || a == vim.AttributeAddresses || a == vim.AttributeNoAddresses
	})
}

// kindOf returns what is known of a kind; the zero value of one that is not in the table.
func kindOf(k vim.Kind) about {
	if i := place(k); i >= 0 {
		return kinds[i]
	}
	return about{kind: k, plural: string(k)}
}

// place returns the row of a kind in the table.
func place(k vim.Kind) int { return slices.IndexFunc(kinds, func(a about) bool { return a.kind == k }) }

// StageOf returns the place of a kind in the order of creation, from 1. Release goes backwards.
func StageOf(k vim.Kind) int { return kindOf(k).stage }

// Kinds returns the kinds in the order of creation.
func Kinds() []vim.Kind {
	out := make([]vim.Kind, len(kinds))
	for i, a := range kinds {
		out[i] = a.kind
	}
	return out
}
