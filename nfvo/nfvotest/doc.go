// Package nfvotest is an NFV orchestrator that pretends: for tests, for demonstrations, and for vnfmd dev --nfvo fake.
//
// It speaks SOL003 as an orchestrator does (/grant/v1, /vnfpkgm/v2, OAuth 2.0 tokens), takes notifications, and refuses
// what breaks the standard. How it answers grant requests is set over HTTP (/nfvo/v1/behaviour): at once or later, with a
// refusal, a malformed grant, 503, silence, or an answer that is lost. It keeps everything in memory.
package nfvotest
