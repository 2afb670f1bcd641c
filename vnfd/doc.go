// Package vnfd is the domain of VNF descriptors: the model of one descriptor, and reading it from a VNF package
// (TOSCA per SOL001 in a CSAR per SOL004).
//
// It is pure: it reads from an io.ReaderAt it is given and never from a disk or a network. The model holds what the life cycle
// needs, per deployment flavour, in declaration order, with the position each thing was read at. Errors reject a package;
// findings are deviations seen in the field that are kept with it.
package vnfd
