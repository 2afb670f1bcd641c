package openstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// errorOf makes an error of a request one of the driver.
func (c call) errorOf(s *service, err error) *vim.Error {
	var own *vim.Error
	if errors.As(err, &own) {
		return own
	}
	class, hint := classify(s, err)
	e := c.fail(class, hint)
	e.RetryAfter = retryAfter(err, time.Now())
	return e
}

// retryAfter is how long a service asks to be left alone that has refused a request since it has too many (429, and 413 of older ones) or is away for a while (503); 0: it does not say.
func retryAfter(err error, now time.Time) time.Duration {
	var again *gophercloud.ErrUnableToReauthenticate
	if errors.As(err, &again) { // it hides what happened
		err = again.ErrReauth
	}
	var status gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &status) || status.Actual != http.StatusTooManyRequests && status.Actual != http.StatusRequestEntityTooLarge && status.Actual != http.StatusServiceUnavailable {
		return 0
	}
	after := strings.TrimSpace(status.ResponseHeader.Get("Retry-After"))
	if n, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(n) * time.Second //nolint:gosec // bounded
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// loginError is what kept a call from being made: no service was asked but Keystone.
type loginError struct{ error }

// Unwrap returns what happened.
func (l *loginError) Unwrap() error { return l.error }

// keystone stands for the service that one logs in at.
var keystone = &service{kind: "Keystone"} //nolint:gochecknoglobals // data

// reason is which of the errors of vim.Answers one is.
func reason(err error) string {
	if errors.Is(err, vim.ErrNoAPI) {
		return vim.ErrNoAPI.Error()
	}
	return vim.ErrLongAnswer.Error()
}

func classify(s *service, err error) (message.Class, string) {
	var login *loginError
	if errors.As(err, &login) {
		s, err = keystone, login.error
	}
	var again *gophercloud.ErrUnableToReauthenticate
	if errors.As(err, &again) { // it hides what happened
		if class, hint := classify(s, again.ErrReauth); class != message.Auth {
			return class, hint
		}
		return message.Auth, "the token has ended, and Keystone gives no other: see the credentials of the connection"
	}
	var status gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &status) {
		return ofStatus(s, &status)
	}
	if errors.Is(err, vim.ErrLongAnswer) || errors.Is(err, vim.ErrNoAPI) {
		return message.UnknownOutcome, s.kind + "'s endpoint: " + reason(err)
	}
	var l *lacking
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &l):
		return message.Permanent, l.Error()
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verify):
		return message.Auth, "the certificate of " + s.kind + "'s endpoint is not trusted: see interfaceInfo.ssl_ca_cert"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return message.Auth, s.kind + "'s endpoint does not speak TLS: see interfaceInfo.endpoint"
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dns), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return message.Unavailable, s.kind + "'s endpoint cannot be reached"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return message.UnknownOutcome, s.kind + " did not answer in time"
	default:
		return message.UnknownOutcome, "the connection to " + s.kind + " broke, or its answer cannot be read"
	}
}

// ofStatus classifies what a service answers.
func ofStatus(s *service, e *gophercloud.ErrUnexpectedResponseCode) (message.Class, string) {
	kind, said := fault(e.Body)
	who := s.kind
	if strings.Contains(e.URL, "/auth/tokens") {
		who = "Keystone"
	}
	if said == "" {
		said = who + " answers " + http.StatusText(e.Actual)
		if who == "Keystone" && e.Actual < http.StatusBadRequest {
			said = "what answers at interfaceInfo.endpoint is not Keystone"
		}
	}
	full := strings.Contains(strings.ToLower(said), "quota")
	switch code := e.Actual; {
	case code == http.StatusUnauthorized:
		return message.Auth, who + " does not accept the credentials"
	case code == http.StatusForbidden && full:
		return message.Quota, said
	case code == http.StatusForbidden:
		return message.Auth, "the project may not do this: " + said
	case code == http.StatusNotFound && who == "Keystone":
		return message.Permanent, "there is no Keystone at interfaceInfo.endpoint"
	case code == http.StatusNotFound:
		return message.NotFound, said
	case code == http.StatusNotAcceptable:
		return message.Permanent, who + " is too old: it does not know the version of its API that is used (" + s.microversion + ")"
	case code == http.StatusConflict:
		return conflict(kind, said)
	case code == http.StatusRequestEntityTooLarge && (full || strings.Contains(said, "exceed")):
		return message.Quota, said
	case code == http.StatusTooManyRequests, code == http.StatusRequestEntityTooLarge:
		if after := e.ResponseHeader.Get("Retry-After"); after != "" {
			said += " (it asks to wait for " + after + " s)"
		}
		return message.Transient, said
	case code == http.StatusBadRequest && busy.MatchString(said):
		return message.Transient, said
	case code == http.StatusServiceUnavailable:
		return message.Unavailable, said
	case code >= http.StatusInternalServerError, code == http.StatusRequestTimeout:
		return message.UnknownOutcome, said
	case code == http.StatusBadRequest && strings.Contains(said, "could not be found"):
		return message.NotFound, said // Nova's way with a flavour, an image or a port that is named
	}
	return message.Permanent, said
}

// busy is how Nova and Cinder say that a volume is still on its way from or to a server.
var busy = regexp.MustCompile(`(?i)invalid volume.*status must be|status must be available|status must be .*in-use`)

// conflict classifies a 409.
func conflict(kind, said string) (message.Class, string) {
	switch {
	case kind == "OverQuota", strings.Contains(said, "Quota exceeded"):
		return message.Quota, said
	case kind == "IpAddressGenerationFailure", kind == "NoNetworkAvailable":
		return message.Quota, said
	case strings.HasPrefix(kind, "IpAddress"), strings.HasPrefix(kind, "MacAddress"), strings.Contains(said, "is still in use") && kind != "NetworkInUse":
		return message.Exists, said
	}
	return message.Transient, said
}

// maxSaid is how much of a service's words is shown.
const maxSaid = 500

// invalid is how a service quotes what it does not take: it may be boot data, or any other secret.
var invalid = regexp.MustCompile(`(?s)^Invalid input for field/attribute (\S+?)\.? Value: .*$`)

// fault reads what a service says: the type where it tells one, and a text.
func fault(body []byte) (kind, said string) {
	var parts map[string]json.RawMessage
	if json.Unmarshal(body, &parts) != nil {
		return "", ""
	}
	for _, raw := range parts { // there is one, whose name tells nothing more than the code
		var f struct{ Type, Message string }
		if json.Unmarshal(raw, &f) == nil && f.Message != "" {
			kind, said = f.Type, f.Message
		} else {
			var text string
			if json.Unmarshal(raw, &text) == nil && said == "" {
				said = text
			}
		}
	}
	if m := invalid.FindStringSubmatch(said); m != nil {
		said = "what is asked for as " + m[1] + " is not accepted"
	}
	if len(said) > maxSaid {
		said = fitting(said, maxSaid)
	}
	return kind, strings.TrimSpace(said)
}

// ofFault classifies why a server could not be made or changed.
func ofFault(said string) (message.Class, string) {
	switch {
	case strings.Contains(said, "No valid host was found"):
		return message.Quota, "no host has room for it: " + said + " (flavour, zone and server groups say what host it needs)"
	case strings.Contains(said, "Exceeded maximum number of retries"):
		// also what becomes of servers of one group that are made at the same time: the scheduler does not know of each other's hosts
		return message.Transient, "every host that was tried failed: a port cannot be bound there, a hypervisor fails, or servers of a group came to one host at the same time: " + said
	case strings.Contains(said, "Binding failed"):
		return message.Transient, "a port cannot be bound at the host: " + said
	case said == "":
		return message.Permanent, "the server is in the status ERROR, and Nova says no more"
	}
	return message.Permanent, said
}
