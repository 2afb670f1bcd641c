// Package sol is the wire types of ETSI NFV's SOL003 (v3.7.1) and of the packages API in SOL005's shape, spelled exactly
// as in the specification so that a text search finds it, plus the types of our own resources under /vnfm/v1.
//
// It holds data and no logic. An attribute whose JSON tag has neither omitempty nor omitzero is mandatory in the
// specification (cardinality 1, or 1..N for lists); the edge decodes requests by that rule. Types with a fixed set of
// values say so by a Values method.
package sol
