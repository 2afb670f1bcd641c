// Package kube is what the drivers of Kubernetes clusters share: the clients of a connection, what names an object, the markers that lead
// from tokens to objects, what errors of a cluster mean, and how objects and their pods stand.
//
// It must not run a program that a kubeconfig names, or read a file that one names.
package kube
