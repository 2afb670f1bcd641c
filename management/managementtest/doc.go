// Package managementtest is a VNF, or its element manager, that pretends: it has a configuration (SOL002 v3.7.1 §9), coordinates LCM
// operations (§10), and misbehaves on wish. It is for tests and for a first try (vnfmd sim-vnf), and keeps what it has in memory.
package managementtest
