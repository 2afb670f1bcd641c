// Package v1 is the difference between two major versions of ETSI's interfaces of VNF lifecycle and package management, as pure
// functions on JSON: SOL003 v2.6.1 (/vnflcm/v1, /vnfpkgm/v1) on one side, v3.7.1 (/vnflcm/v2, /vnfpkgm/v2) on the other.
//
// There is one table, the shapes of resources and requests; bodies, answers, filters, selectors and the pointers in
// errors are all translated by it. It knows neither HTTP nor use cases: package api serves /vnflcm/v1 with the handlers
// of /vnflcm/v2 and has bodies translated on their way in and out. What the table does not name is the same in both
// versions and passes untouched, values of clients' own (additionalParams, metadata, extensions) above all.
package v1
