// Package access decides at the edge who calls and what the caller may do: callers from tokens and certificates, roles and
// their permissions, limits per caller, and the record of what was denied.
//
// It owns the one table of roles (Roles) and the ways to prove a name: a static token, a JWT of the site's issuer (RFC 7519,
// RFC 9068; bound to a client certificate by RFC 8705 where the token says so), a client certificate, and being on the same
// machine. It promises that a caller it cannot verify is nobody: a token that does not verify is refused even when another
// proof comes with the request, and an issuer that cannot be asked means Unavailable, never a pass. It knows no route and
// no resource: package api says which Permission each route needs. Time here is the edge's own clock, handed in.
package access
