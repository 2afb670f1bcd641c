// Package vnfd is the domain of VNF descriptors: the model of one descriptor, and what follows from it (numbers of instances,
// boot data, differences). It knows no format; below it, in the order in which a package is read:
//
//	csar    the VNF package: archive, TOSCA.meta, manifest, hashes (SOL004)
//	tosca   the language of its definitions: documents, types, values
//	sol001  what a VNF is made of, in ETSI's types: makes the model
//
// All are pure: they read from an io.ReaderAt they are given and never from a disk or a network. The model holds what the life cycle
// needs, per deployment flavour, in declaration order, with the position each thing was read at. Errors reject a package;
// findings are deviations seen in the field that are kept with it.
package vnfd
