// Package csar reads VNF packages (SOL004): the archive with its names, sizes and hashes, TOSCA.meta and manifest, and the
// descriptor in it.
//
// It reads from an io.ReaderAt it is given, with suspicion, and knows no disk and no network.
package csar
