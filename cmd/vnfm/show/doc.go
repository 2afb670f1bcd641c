// Package show prints what the API answered for people: VNF instances, packages, operations, sagas, plans, histories. It asks nobody for
// anything; screen says how wide and in which colours.
package show
