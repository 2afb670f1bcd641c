// Package egress is the way out to peers over HTTP: subscribers, the NFVO, their token endpoints.
//
// Where a peer's address comes from a request, whoever sends the request could make the program call what only the program
// reaches. So the client dials no loopback, link-local, multicast or metadata address (policy.go), checked on the address
// dialed, whatever name or spelling led there. It follows no redirect, asks no proxy, and bounds the time and size of an
// answer. Errors are classified, and neither they nor the printed form of a value tell a credential.
package egress
