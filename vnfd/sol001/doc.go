// Package sol001 makes descriptors of service templates: what SOL001 calls a VNFD, in the types of ETSI's own definition
// files, becomes a vnfd.Descriptor.
//
// It knows what a VNF is made of and leaves the language to package tosca. Each deployment flavour is a template of its own
// scope; declaration order is kept.
package sol001
