package access

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
)

// Front refuses requests for the way they came, before anyone asks who sends them. Browsers send what any web page tells them
// to: no page of another site may change anything here. On a server that trusts its own machine (Loopback) a page may read
// nothing either: not by giving its own name our address (DNS rebinding), and no proxy may bring others in.
type Front struct {
	local bool
	hosts []string // known Host values beside loopback ones, without ports; of a local server only
	sites *http.CrossOriginProtection
}

// NewFront returns the front of a server. local says that it trusts its own machine; hosts are the names, beside those of
// loopback, under which it is called then. baseURL, which may be empty, is where clients reach it. Returns Invalid when that is
// no URL.
func NewFront(local bool, baseURL string, hosts []string) (*Front, error) {
	f := &Front{local: local, sites: http.NewCrossOriginProtection()}
	for _, h := range hosts {
		f.hosts = append(f.hosts, bareHost(h))
	}
	if baseURL == "" {
		return f, nil
	}
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" {
		return nil, vnfm.Errorf(vnfm.Invalid, "%q is not a URL with a host.", baseURL)
	}
	f.hosts = append(f.hosts, bareHost(u.Host))
	if err := f.sites.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, vnfm.Wrap(vnfm.Invalid, err, "the origin of %q", baseURL)
	}
	return f, nil
}

// Check returns nil for a request that may go on. Forbidden: for another host, or by a web page of another site.
// Unauthenticated: through a proxy. Unsupported: with a body of a kind that any web page can send.
func (f *Front) Check(r *http.Request) error {
	if err := f.sites.Check(r); err != nil {
		return crossSite()
	}
	if !f.local {
		return nil
	}
	if host := bareHost(r.Host); !LoopbackHost(host) && !slices.Contains(f.hosts, host) {
		return vnfm.Errorf(vnfm.Forbidden, "The Host %q is none of this server's. Without authentication it answers as localhost, as base-url has it, and as http-hosts has it.", r.Host)
	}
	if mark := proxied(r); mark != "" {
		return vnfm.Errorf(vnfm.Unauthenticated, "This request came through a proxy (%s). Without authentication this server takes callers on its own machine for administrators, "+
			"and a proxy there would make all its callers that: set api-token-file, auth-issuer or auth-certificates.", mark)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default: // of another site; following a link to here shows its user what there is, and nobody else
		if r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			return crossSite()
		}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && slices.Contains(formTypes, kind) && r.Method == http.MethodPost {
		return vnfm.Errorf(vnfm.Unsupported, "The Content-Type must not be %s, which any web page can send: use application/json.", kind)
	}
	return nil
}

// Handler returns a handler behind the front, for servers of a local machine that have no form of errors of their own.
func (f *Front) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := f.Check(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func crossSite() error {
	return vnfm.Errorf(vnfm.Forbidden, "The request comes from a web page of another site.")
}

// formTypes are the media types of a POST that browsers send to other sites without asking there first (Fetch standard, "CORS-safelisted
// request-header").
var formTypes = []string{"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}

// proxyMarks are the headers by which proxies say that they are there, beside all that begin with X-Forwarded and those that say
// whose address it was, by any maker's name.
var (
	proxyMarks  = []string{"Forwarded", "Via", "X-Original-Host", "X-Original-Url", "X-Envoy-External-Address", "X-Proxyuser-Ip", "Proxy-Connection"}
	callerMarks = regexp.MustCompile(`(^|-)(Real|Client|Connecting)-Ip$`)
)

// proxied returns what shows that a request came through a proxy, "" when nothing does. HTTP/1.0 is what some proxies speak
// to what is behind them, and no client of ours.
func proxied(r *http.Request) string {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded") || slices.Contains(proxyMarks, name) || callerMarks.MatchString(name) {
			return name
		}
	}
	if !r.ProtoAtLeast(1, 1) {
		return r.Proto
	}
	return ""
}

// LoopbackHost reports whether a host name or address is of this machine only.
func LoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// bareHost returns a host as it is compared: without port, brackets and the dot of the root, in lower case.
func bareHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
