// Package helm drives Helm charts on Kubernetes clusters. A unit is a release of a chart that comes with the VNF package; its pods
// are observed, and are the VNFCs of the VDUs. A connection of this type takes plain manifests, too, as package kubernetes does.
//
// The name of a release is derived from its token, and a marker leads from the token to the release, as to an object. Helm keeps what a
// release was made of in Secrets beside it; their labels say the token, the owner and the revision. What Helm does may take as long as
// the hooks of a chart take: it goes on by itself, and who asked for it is answered soon. What a process left half done when it ended is
// taken up again by the next call about it. ADR 29 says why.
//
// It must not fetch a chart, a dependency of one, or a schema from anywhere: all of it is in the package.
package helm
