package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vnfm/vnfm/config"
)

// tlsLook is how often the certificate files are looked at, at most: when a handshake needs them.
const tlsLook = time.Second

// certificates is the server's side of TLS: what the files hold, read again when they have changed. A change that cannot be
// read leaves what was read before in force.
type certificates struct {
	cfg config.TLS
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   string // of the files, as last read
	inUse  *tls.Config
}

// newCertificates reads the files, or returns nil when the API is not encrypted.
func newCertificates(c config.TLS, now func() time.Time, log *slog.Logger) (*certificates, error) {
	if c.CertFile == "" {
		return nil, nil //nolint:nilnil // no encryption
	}
	t := &certificates{cfg: c, now: now, log: log}
	t.looked = now()
	t.seen = t.state()
	var err error
	if t.inUse, err = t.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// config returns the settings of a listener: each handshake gets those of the files as they are then.
func (t *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: t.cfg.ClientAuth != "off",
		NextProtos:             []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return t.current(), nil
		},
	}
}

func (t *certificates) current() *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.looked) < tlsLook {
		return t.inUse
	}
	t.looked = now
	state := t.state()
	if state == t.seen {
		return t.inUse
	}
	fresh, err := t.read()
	if err != nil { // half written, perhaps: looked at again with the next handshake
		t.log.Error("the changed certificate files cannot be used; the old ones are", "error", err)
		return t.inUse
	}
	t.seen, t.inUse = state, fresh
	t.log.Info("certificate files read again")
	return t.inUse
}

// certificateFiles are the files of certificates that the program shows, by what they are for.
func (s *Server) certificateFiles() map[string]string {
	files := map[string]string{"egress": s.cfg.Egress.CertFile, "nfvo": s.cfg.Nfvo.CertFile, "bus": s.cfg.Kafka.CertFile}
	if s.certs != nil {
		s.certs.mu.Lock()
		defer s.certs.mu.Unlock()
		files["server"] = s.certs.cfg.CertFile
	}
	return files
}

// use takes over files, and reads them now. Files that cannot be read are an error, and change nothing.
func (t *certificates) use(c config.TLS) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.cfg
	t.cfg.CertFile, t.cfg.KeyFile, t.cfg.ClientCA = c.CertFile, c.KeyFile, c.ClientCA
	state := t.state()
	fresh, err := t.read()
	if err != nil {
		t.cfg = was
		return err
	}
	t.looked, t.seen, t.inUse = t.now(), state, fresh
	return nil
}

// state tells one state of the files from another.
func (t *certificates) state() string {
	out := ""
	for _, name := range []string{t.cfg.CertFile, t.cfg.KeyFile, t.cfg.ClientCA} {
		if name == "" {
			continue
		}
		i, err := os.Stat(name)
		if err != nil {
			out += "absent "
			continue
		}
		out += fmt.Sprintf("%d/%d ", i.ModTime().UnixNano(), i.Size())
	}
	return out
}

func (t *certificates) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(t.cfg.CertFile, t.cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file and tls-key-file: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	switch t.cfg.ClientAuth {
	case "accept":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case "require":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return c, nil
	}
	c.SessionTicketsDisabled = true // a resumed session would carry a certificate past a change of the authorities
	b, err := os.ReadFile(t.cfg.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("tls-client-ca-file: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("tls-client-ca-file: %s holds no certificate in PEM", t.cfg.ClientCA)
	}
	return c, nil
}
