package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Class says why a peer gave no usable answer, in terms a caller acts on.
type Class string

// The classes.
const (
	Refused     Class = "refused"     // the policy forbids the address; not tried
	Unusable    Class = "unusable"    // nothing to authenticate with; not tried
	Unreachable Class = "unreachable" // no answer: no route, refused connection, TLS failure, broken off
	Timeout     Class = "timeout"     // no answer in time; the peer may have acted on the request
	TooLarge    Class = "too-large"   // the answer's body is over the limit
	Status      Class = "status"      // an HTTP status the caller did not want
)

// Error is what Do returns. Its text names the peer by host and port and tells no credential and nothing that the peer
// wrote; it has no cause to unwrap for the same reason.
type Error struct {
	Class Class
	// Peer is host:port of the URL called.
	Peer string
	// Token says that it happened at the token endpoint.
	Token bool
	// StatusCode is the HTTP status, with class Status.
	StatusCode int
	// RetryAfter is what the peer asked to wait, 0 when it did not say.
	RetryAfter time.Duration

	reason string
}

// Error returns peer and reason.
func (e *Error) Error() string {
	at := e.Peer
	if e.Token {
		at = "token endpoint " + at
	}
	if at == "" {
		return e.reason
	}
	return at + ": " + e.reason
}

// Failure makes an error of a class other than Status. The reason must tell no credential.
func Failure(class Class, reason string) *Error { return &Error{Class: class, reason: reason} }

// ClassOf returns the class of the first Error in err's chain, empty when there is none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// StatusOf returns the HTTP status of an error of class Status, 0 for any other.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) && e.Class == Status {
		return e.StatusCode
	}
	return 0
}

// Unexpected makes the error of an answer whose status the caller does not want. It does not read or close the body.
func Unexpected(resp *http.Response) *Error {
	e := &Error{Class: Status, StatusCode: resp.StatusCode, RetryAfter: retryAfter(resp.Header),
		reason: fmt.Sprintf("answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))}
	if resp.Request != nil {
		e.Peer = resp.Request.URL.Host
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.reason += ", and redirects are not followed"
	}
	return e
}

// retryAfter reads Retry-After (RFC 9110 §10.2.3), in seconds or as a date that is compared with the answer's own.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 && s < 1<<31 {
		return time.Duration(s) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	sent, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, at.Sub(sent))
}

// classify turns a transport's error into ours. The texts of known network errors are passed on; anything else might
// quote what the peer wrote, and a peer can write back the credentials that it was sent.
func classify(peer string, err error) error {
	e := &Error{Class: Unreachable, Peer: peer, reason: "the connection broke, or what came is not HTTP"}
	var (
		own       *Error
		refused   *refusal
		dns       *net.DNSError
		errno     syscall.Errno
		timeout   interface{ Timeout() bool }
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		cert      x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &refused):
		e.Class, e.reason = Refused, refused.Error()
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Class, e.reason = Timeout, "no answer in time"
	case errors.As(err, &dns):
		e.reason = "the name cannot be resolved"
	case errors.As(err, &authority):
		e.reason = "its certificate is of an authority that is not trusted"
	case errors.As(err, &host):
		e.reason = "its certificate is for another name"
	case errors.As(err, &cert), errors.As(err, &verify):
		e.reason = "its certificate is not valid"
	case errors.As(err, &alert):
		e.reason = "it ended the TLS handshake: " + alert.Error()
	case errors.As(err, &record):
		e.reason = "it does not speak TLS"
	case errors.As(err, &errno):
		e.reason = errno.Error()
	}
	return e
}
