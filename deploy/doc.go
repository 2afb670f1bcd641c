// Package deploy tests what vnfmd is installed with on Kubernetes, the Helm chart: that every way to set it renders to objects that a
// cluster takes and settings that vnfmd takes, and on a real cluster (build tag kubernetes) that it is installed, updated, and taken away.
package deploy
