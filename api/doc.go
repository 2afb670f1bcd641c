// Package api is the HTTP edge: SOL003 v3.7.1 at /vnflcm/v2, packages in SOL005's shape at /vnfpkgm/v2, our own resources
// at /vnfm/v1, and health and metrics.
//
// It owns routes, the form of requests and answers, ProblemDetails for every error, versions, ETags, paging, and the
// idempotency filter. It promises that a request with an Idempotency-Key has one effect and that every repetition gets
// the same answer: the answer is built from the result of the use case and written in the commit of the effect
// (request.Info.Answer); what has no effect is not stored. It holds no business rule and writes nothing itself: it calls
// use cases and reads views. The text of internal errors never leaves; it is logged once, here.
//
// # Idempotency
//
// A key belongs to one caller. The fingerprint of a request is the SHA-256 of method, URI and body. Package content is
// not held in memory: it is hashed while it is stored, so that its fingerprint is known when the effect is committed, and
// a repetition is read to its end before it is compared. After any answer that is not a success the key is read again:
// whoever lost a race against an equal request answers what the winner answered. PUT of the simulator's behaviour replaces
// a whole outside the event store and is repeatable by itself; a key there is checked for form only.
package api
