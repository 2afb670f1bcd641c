package helm

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"

	"helm.sh/helm/v4/pkg/storage/driver"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// errorOf makes an error of Helm one of the driver. What a cluster said is found within what Helm made of it; what neither the cluster
// nor the network said is about the chart or the values, and stays so.
func errorOf(op, name string, err error) *vim.Error {
	var own *vim.Error
	if errors.As(err, &own) {
		return own
	}
	at := kube.Ref{Kind: releaseKind, Name: name}
	fail := func(class message.Class, hint string) *vim.Error {
		return &vim.Error{Op: op, Resource: name, Class: class, Hint: hint}
	}
	var status kerrors.APIStatus
	var netErr net.Error
	var urlErr *url.Error
	text := err.Error()
	switch {
	case errors.As(err, &status):
		if d := status.Status().Details; d != nil && strings.HasPrefix(strings.ToLower(d.Kind), "secret") && !errors.Is(err, driver.ErrReleaseExists) {
			at.Kind.Kind = "Secret" // what is said about it may quote it
		}
		e := kube.ErrorOf(op, at, err)
		e.Resource = name
		return e
	case errors.Is(err, driver.ErrReleaseExists), strings.Contains(text, "name that is still in use"):
		return fail(message.Exists, "there is a release of this name already")
	case strings.Contains(text, "cannot be imported into the current release"):
		return fail(message.Exists, text)
	case errors.Is(err, driver.ErrReleaseNotFound), errors.Is(err, driver.ErrNoDeployedReleases):
		return fail(message.NotFound, "there is no such release")
	case meta.IsNoMatchError(err), strings.Contains(text, "no matches for kind"):
		return fail(message.NotFound, text)
	case isHook(text):
		return fail(message.Permanent, text)
	case errors.As(err, &urlErr), errors.As(err, &netErr), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		strings.Contains(text, "when reading response body"):
		e := kube.ErrorOf(op, at, err)
		e.Resource = name
		return e
	}
	return fail(message.Permanent, text)
}

// isHook reports whether an error is that of a hook, which Helm waits for: that its time is over is no word of the cluster.
func isHook(text string) bool {
	for _, when := range []string{"failed pre-install", "failed post-install", "pre-upgrade hooks failed", "post-upgrade hooks failed", "hooks failed"} {
		if strings.Contains(text, when) && (strings.Contains(text, "not ready") || strings.Contains(text, "deadline exceeded") || strings.Contains(text, "Failed")) {
			return true
		}
	}
	return false
}
