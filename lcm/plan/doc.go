// Package plan computes what an operation does to the resources of a VNF: which are created, changed, replaced and
// released, in which order, and what the VNF consists of afterwards. It is pure: no clock, no store, no VIM.
//
// Build makes the set of resources that a descriptor and a request want; New makes the plan that leads from the set a VNF has
// to the set it shall have; a Resolver turns the references of a planned resource into the VIM's ids once a grant is there and
// earlier stages have made what is referred to. It promises that carrying out a plan's stages in order gives the wanted set,
// that a resource never stands without what it refers to, and that undoing the stages in reverse gives the first set again.
//
// It must not know sagas, commands or events of operations; package lcm carries plans out.
package plan
