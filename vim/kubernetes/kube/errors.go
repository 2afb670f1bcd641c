package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// ErrorOf makes an error of the cluster one of the driver. What is answered about a Secret is not repeated: it may quote what
// is in it.
func ErrorOf(op string, what Ref, err error) *vim.Error {
	var own *vim.Error
	if errors.As(err, &own) {
		return own
	}
	class, hint := classify(err, what)
	return &vim.Error{Op: op, Resource: what.String(), Class: class, Hint: hint, RetryAfter: delay(err)}
}

// delay is how long a cluster asks to be left alone, having done nothing.
func delay(err error) time.Duration {
	var status kerrors.APIStatus
	if !errors.As(err, &status) {
		return 0
	}
	s := status.Status()
	if s.Details == nil || s.Code != http.StatusTooManyRequests && s.Code != http.StatusServiceUnavailable {
		return 0
	}
	return time.Duration(s.Details.RetryAfterSeconds) * time.Second
}

func classify(err error, what Ref) (message.Class, string) {
	var status kerrors.APIStatus
	if errors.As(err, &status) {
		s := status.Status()
		return ofStatus(&s, what)
	}
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case meta.IsNoMatchError(err), discovery.IsGroupDiscoveryFailedError(err):
		return message.NotFound, "the cluster does not know the kind " + what.Kind.Kind + " of " + what.Kind.GroupVersion().String()
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verify):
		return message.Auth, "the certificate of the endpoint is not trusted: see interfaceInfo.ssl_ca_cert"
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dns), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return message.Unavailable, "the endpoint cannot be reached"
	case errors.Is(err, vim.ErrLongAnswer):
		return message.UnknownOutcome, "the endpoint: " + vim.ErrLongAnswer.Error()
	case errors.Is(err, vim.ErrNoAPI):
		return message.UnknownOutcome, "the endpoint: " + vim.ErrNoAPI.Error()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return message.UnknownOutcome, "the cluster did not answer in time"
	default:
		return message.UnknownOutcome, "the connection to the cluster broke"
	}
}

// ofStatus classifies what a cluster answers.
func ofStatus(s *metav1.Status, what Ref) (message.Class, string) {
	said := s.Message
	if what.Kind.Kind == "Secret" && s.Code != http.StatusUnauthorized && s.Code != http.StatusForbidden {
		said = "the cluster refuses the secret: " + fields(s)
	}
	switch {
	case s.Code == http.StatusUnauthorized:
		return message.Auth, "the cluster does not accept the credentials"
	case cause(s, "NamespaceTerminating"):
		return message.Transient, said
	case s.Code == http.StatusForbidden && strings.Contains(s.Message, "exceeded quota"):
		return message.Quota, said
	case strings.Contains(s.Message, "admission webhook") && s.Code < http.StatusInternalServerError:
		return message.Permanent, said
	case s.Code == http.StatusForbidden:
		return message.Auth, said
	case s.Code == http.StatusNotFound:
		return message.NotFound, said
	case cause(s, metav1.CauseTypeFieldManagerConflict):
		return message.Permanent, "others manage what is to be changed: " + fields(s)
	case s.Reason == metav1.StatusReasonAlreadyExists:
		return message.Exists, said
	case s.Code == http.StatusConflict, s.Code == http.StatusTooManyRequests:
		return message.Transient, said
	case s.Code == http.StatusServiceUnavailable:
		return message.Unavailable, said
	case s.Code == http.StatusGatewayTimeout, s.Code == http.StatusRequestTimeout, s.Reason == metav1.StatusReasonTimeout:
		return message.UnknownOutcome, said
	case s.Code >= http.StatusInternalServerError && strings.Contains(s.Message, "failed to create typed patch object"):
		return message.Permanent, said // the manifest has a field that its kind does not have
	case s.Code >= http.StatusInternalServerError:
		return message.UnknownOutcome, said
	default:
		return message.Permanent, said
	}
}

func cause(s *metav1.Status, of metav1.CauseType) bool {
	if s.Details == nil {
		return false
	}
	for _, c := range s.Details.Causes {
		if c.Type == of {
			return true
		}
	}
	return false
}

// fields names the fields that a status is about, with the manager of each where it is one's.
func fields(s *metav1.Status) string {
	if s.Details == nil || len(s.Details.Causes) == 0 {
		return string(s.Reason)
	}
	var out []string
	for _, c := range s.Details.Causes {
		text := c.Field
		if c.Type == metav1.CauseTypeFieldManagerConflict {
			text += " (" + c.Message + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// Forbidden reports whether a cluster does not let us do what was asked.
func Forbidden(err error) bool {
	var s kerrors.APIStatus
	return errors.As(err, &s) && kerrors.IsForbidden(err)
}
