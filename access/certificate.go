package access

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"

	"github.com/vnfm/vnfm"
)

// Certificates finds the caller by the client certificate that TLS has verified. The table maps a name of the certificate to
// a role: an alternative name as "dns:…", "uri:…", "email:…" or "ip:…", or the common name of its subject as "cn:…". A caller
// whose certificate has no name of the table is refused; the first that is in the table, in the order just given, is the
// caller's. A request without a certificate is left to others.
func Certificates(table map[string]Role) Authenticator {
	return func(r *http.Request) (*Caller, error) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return nil, nil //nolint:nilnil // no certificate
		}
		names := certificateNames(r.TLS.VerifiedChains[0][0])
		for _, name := range names {
			if role, ok := table[name]; ok {
				return &Caller{Name: "cert:" + name, Roles: []Role{role}}, nil
			}
		}
		return nil, &DeniedError{Code: "invalid_token", err: vnfm.Errorf(vnfm.Unauthenticated, "The client certificate of %s has no role here.", r.TLS.VerifiedChains[0][0].Subject)}
	}
}

func certificateNames(c *x509.Certificate) []string {
	var names []string
	for _, n := range c.DNSNames {
		names = append(names, "dns:"+n)
	}
	for _, n := range c.URIs {
		names = append(names, "uri:"+n.String())
	}
	for _, n := range c.EmailAddresses {
		names = append(names, "email:"+n)
	}
	for _, n := range c.IPAddresses {
		names = append(names, "ip:"+n.String())
	}
	if c.Subject.CommonName != "" {
		names = append(names, "cn:"+c.Subject.CommonName)
	}
	return names
}

// thumbprint is the x5t#S256 of the request's client certificate, empty without one.
func thumbprint(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
