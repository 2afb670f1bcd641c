package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Access says how a client trusts its server and proves who it is, beside a fixed token. Zero fields are not used.
type Access struct {
	CACert string // file of the authorities of the server's certificate, in PEM; "": those of the system
	Cert   string // file of the client's certificate, in PEM
	Key    string // file of its private key
	// TokenURL is where access tokens are fetched (OAuth 2.0 client credentials, RFC 6749 §4.4) and renewed before they
	// expire, with ClientID and ClientSecret, or, without a secret, with the client's certificate (RFC 8705 §2). Scope
	// is a list of words with spaces between them.
	TokenURL, ClientID, ClientSecret, Scope string
}

// HTTP returns an HTTP client for Config.HTTP. The error is for files that cannot be read and settings that do not go together.
func (a Access) HTTP() (*http.Client, error) {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default transport has been replaced")
	}
	t = t.Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CACert != "" {
		b, err := os.ReadFile(a.CACert)
		if err != nil {
			return nil, fmt.Errorf("certificate authorities: %w", err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("certificate authorities: %s holds no certificate in PEM", a.CACert)
		}
	}
	if (a.Cert == "") != (a.Key == "") {
		return nil, errors.New("a client certificate needs its key, and a key its certificate")
	}
	if a.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	plain := &http.Client{Transport: t}
	if a.TokenURL == "" {
		return plain, nil
	}
	if a.ClientID == "" {
		return nil, errors.New("a token URL needs a client id")
	}
	c := clientcredentials.Config{ClientID: a.ClientID, ClientSecret: a.ClientSecret, TokenURL: a.TokenURL, Scopes: strings.Fields(a.Scope)}
	if a.ClientSecret == "" {
		c.AuthStyle = oauth2.AuthStyleInParams
	}
	fetch := *plain
	fetch.Timeout = 30 * time.Second
	return c.Client(context.WithValue(context.Background(), oauth2.HTTPClient, &fetch)), nil
}
