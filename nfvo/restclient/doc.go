// Package restclient speaks SOL003 to an NFV orchestrator: grants (/grant/v1) and VNF packages (/vnfpkgm/v2).
//
// It translates between the wire and the words of package nfvo, and sorts what may go wrong by what a caller can do about
// it (nfvo.Error). It decides nothing, retries nothing but the reading of a package's content, and keeps nothing: who may
// repeat a call, and when, is nfvomanager's. Calls go out through package egress; redirects are not followed.
package restclient
