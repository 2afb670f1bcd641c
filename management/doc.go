// Package management is the management connections: how the APIs of VNFs and of their element managers are reached (SOL002 v3.7.1
// §9 and §10), where the standard leaves it to the VNFM.
//
// A connection is an aggregate (stream "mgmt-<id>") whose events hold what anybody may read; all of it, credentials included, is
// sealed in one ledger row of eventstore.TableSecrets, written in the same commit. Nothing is cached: whoever asks sees what is
// committed, on every node. The package calls nobody; management/restclient does.
package management
