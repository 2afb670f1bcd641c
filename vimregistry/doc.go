// Package vimregistry is the VIM connections: those an operator registers, and those a VNF has of its own.
//
// A registered connection is an aggregate (stream "vim-<id>") whose events hold what anybody may read; all of it, credentials
// included, is sealed in one ledger row of eventstore.TableSecrets, written in the same commit. What a VNF has of its own is a
// set of merge patches over the registered connections, sealed in one row per VNF. Nothing is cached: whoever asks sees what
// is committed, on every node. The registry knows no driver's details: it hands out JSON.
package vimregistry
