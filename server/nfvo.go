package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/own"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnfpkg"
)

// downloadTimeout is the longest time of one exchange that fetches a package's content; a broken one is taken up.
const downloadTimeout = 30 * time.Minute

// recordCalls is how many times the longest of a call may pass until the record of a snapshot package has been read.
const recordCalls = 6

// buildNfvo makes the client of the orchestrator, where there is one.
func (s *Server) buildNfvo(p *parts) error {
	c := s.cfg.Nfvo
	if c.URL == "" {
		return nil
	}
	// The orchestrator's address comes from the settings, not from a caller: it may be anywhere.
	calls := egress.Config{Timeout: c.CallTimeout, MaxBody: 16 << 20, AllowLocal: true, AllowPlain: true}
	auth := &egress.Auth{}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return fmt.Errorf("nfvo-cert-file: %w", err)
		}
		calls.ClientCert = &cert
		auth.Types = append(auth.Types, egress.TLSCert)
	}
	var err error
	if calls.RootCAs, err = authorities(c.CAFile, "nfvo-ca-file"); err != nil {
		return err
	}
	if c.User != "" {
		auth.Types, auth.Basic = append(auth.Types, egress.BasicAuth), &egress.Basic{UserName: c.User, Password: c.Password}
	}
	if c.ClientID != "" {
		auth.Types = append(auth.Types, egress.OAuth2ClientCredentials)
		auth.OAuth2 = &egress.OAuth2{ClientID: c.ClientID, ClientPassword: c.ClientSecret, TokenEndpoint: c.TokenURL, Scopes: c.Scopes}
	}
	bulk := calls
	bulk.Timeout, bulk.MaxBody = downloadTimeout, s.cfg.Package.MaxBytes
	small, large := egress.New(calls), egress.New(bulk)
	p.closers = append(p.closers, func() error { small.Close(); large.Close(); return nil })
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: "vnfm_nfvo_up", Help: "1 when the NFVO answered the last request to it, and not by a 5xx, else 0. It is there with an NFVO only."})
	if err := s.reg.Register(up); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	p.nfvo = restclient.New(restclient.Config{URL: c.URL, Auth: auth, Client: noting{small, up}, Bulk: noting{large, up}})
	p.packed = &nfvomanager.Snapshots{Catalogue: p.nfvo, MaxRecord: c.MaxSnapshotRecord, Timeout: recordCalls * c.CallTimeout}
	return nil
}

// buildOnboarding makes what keeps the packages in step with the orchestrator's, where that is wanted.
func (s *Server) buildOnboarding(p *parts) {
	c := s.cfg.Nfvo
	if p.nfvo == nil || !c.Packages {
		return
	}
	p.onboarding = &nfvomanager.Onboarding{
		Catalogue: p.nfvo, Shelf: shelf{p.packages}, Store: p.ledger.Store, Doer: p.ledger.Doer,
		Callback: s.baseURL() + own.PackageCallback, Resync: c.Resync, Download: downloadTimeout, Logger: s.log,
	}
}

// noting notes whether who is called answers.
type noting struct {
	restclient.Doer
	up prometheus.Gauge
}

// Do makes the exchange.
func (n noting) Do(ctx context.Context, req *http.Request, a *egress.Auth) (*http.Response, error) {
	res, err := n.Doer.Do(ctx, req, a)
	answers := 0.0
	if err == nil && res.StatusCode < http.StatusInternalServerError {
		answers = 1
	}
	if ctx.Err() == nil { // else nobody waited for it
		n.up.Set(answers)
	}
	return res, err //nolint:wrapcheck // as it came
}

// baseURL is the root of our own interfaces as the orchestrator reaches them.
func (s *Server) baseURL() string {
	if s.cfg.BaseURL != "" {
		return strings.TrimSuffix(s.cfg.BaseURL, "/")
	}
	return s.URL()
}

func (s *Server) nfvoManager(p *parts) nfvomanager.Config {
	c := nfvomanager.Config{
		Gate:     p.gates,
		Registry: p.vims, Drivers: p.drivers, Context: s.tracing.Context, Attempt: s.cfg.Vim.CallTimeout, Addresses: s.cfg.Operation.Addresses, Onboarding: p.onboarding, Retention: s.cfg.Keep.Grants, Needed: p.needed, Again: again(s.cfg.Keep.Grants), Removed: s.kept.ledger, Connections: connections{p.lcm},
		Seal: func(ctx context.Context, r *nfvo.GrantRequest, params map[string]json.RawMessage) (map[string]json.RawMessage, error) {
			return p.lcm.SealParams(ctx, r.VnfID, r.FlavourID, r.Operation, params)
		},
	}
	if p.nfvo != nil {
		c.Orchestrator = p.nfvo
		c.Attempt = max(c.Attempt, 2*s.cfg.Nfvo.CallTimeout+5*time.Second) // a token may have to be fetched first
	}
	return c
}

func (s *Server) grantIntake() nfvomanager.IntakeConfig {
	c := nfvomanager.IntakeConfig{GrantTimeout: s.cfg.Nfvo.GrantTimeout, Retention: s.cfg.Keep.Grants}
	if s.cfg.Nfvo.URL != "" {
		base := s.baseURL()
		c.Body = func(r *nfvo.GrantRequest) (json.RawMessage, error) { return restclient.RequestBody(r, base) }
	}
	return c
}

// grantOf returns what was asked for an operation.
func (s *Server) grantOf(ctx context.Context, opID string) (*nfvomanager.Asked, error) {
	return nfvomanager.Show(ctx, s.parts.ledger.Store, opID)
}

// packageChanged is who listens to the orchestrator's notifications, nil when nobody does.
func (s *Server) packageChanged() func(context.Context, string) error {
	if s.parts.onboarding == nil {
		return nil
	}
	return s.parts.onboarding.Want
}

// shelf gives the NFVO manager what it needs of vnfpkg. A package that came from the orchestrator says so in its user
// defined data; its id is derived of the orchestrator's, so that two nodes make one package.
type shelf struct{ pkgs *vnfpkg.Service }

var _ nfvomanager.Shelf = shelf{}

// originKey is the user defined data that names the orchestrator's package.
const originKey = "nfvoVnfPkgId"

func shelfInfo() request.Info { return request.Info{Actor: "nfvo", ID: "nfvo-packages"} }

func localOf(p *vnfpkg.Package) nfvomanager.Local {
	l := nfvomanager.Local{
		ID: p.ID, Foreign: len(p.UserDefinedData[originKey]) == 0, Onboarded: p.Onboarding == vnfpkg.StateOnboarded,
		Processing: p.Onboarding == vnfpkg.StateProcessing, Enabled: p.Operational == vnfpkg.Enabled, InUse: p.InUse,
	}
	for _, r := range p.Reasons {
		l.Rejected = append(l.Rejected, r.Error())
	}
	return l
}

// Find implements nfvomanager.Shelf.
func (s shelf) Find(ctx context.Context, vnfdID, orchestratorID string) (nfvomanager.Local, error) {
	p, err := s.pkgs.WithVnfdID(ctx, vnfdID)
	if err == nil && p == nil && orchestratorID != "" {
		p, _, err = s.latest(ctx, orchestratorID)
	}
	if err != nil || p == nil {
		return nfvomanager.Local{}, err
	}
	return localOf(p), nil
}

// maxLives bounds how often one package of the orchestrator can have been deleted here.
const maxLives = 1000

// latest returns the package made of one of the orchestrator's; when there is none, the id that it would have: one whose
// package was deleted here is used up.
func (s shelf) latest(ctx context.Context, orchestratorID string) (*vnfpkg.Package, string, error) {
	for n := range maxLives {
		id := message.DeriveID(originKey, orchestratorID, strconv.Itoa(n))
		p, err := s.pkgs.Get(ctx, id)
		if err == nil {
			return p, id, nil
		}
		if vnfm.KindOf(err) != vnfm.NotFound {
			return nil, "", err
		}
		used, err := s.pkgs.Used(ctx, id)
		if err != nil || !used {
			return nil, id, err
		}
	}
	return nil, "", vnfm.Errorf(vnfm.Internal, "the package %s was deleted too often", orchestratorID)
}

// Mirrored implements nfvomanager.Shelf.
func (s shelf) Mirrored(ctx context.Context) ([]string, error) {
	const page = 500
	var out []string
	for after := ""; ; {
		pkgs, err := s.pkgs.List(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, p := range pkgs {
			if !localOf(p).Foreign && p.VnfdID != "" {
				out = append(out, p.VnfdID)
			}
		}
		if len(pkgs) < page {
			return out, nil
		}
		after = pkgs[len(pkgs)-1].ID
	}
}

// Put implements nfvomanager.Shelf.
func (s shelf) Put(ctx context.Context, orchestratorID string, content io.Reader) error {
	p, id, err := s.latest(ctx, orchestratorID)
	if err == nil && p == nil {
		origin, _ := json.Marshal(orchestratorID) // a string
		_, err = s.pkgs.CreateAs(ctx, id, map[string]json.RawMessage{originKey: origin}, shelfInfo())
	}
	if err != nil {
		return err
	}
	_, err = s.pkgs.PutContent(ctx, id, content, shelfInfo())
	return err
}

// Enable implements nfvomanager.Shelf.
func (s shelf) Enable(ctx context.Context, id string, enabled bool) error {
	state := vnfpkg.Disabled
	if enabled {
		state = vnfpkg.Enabled
	}
	_, err := s.pkgs.Patch(ctx, id, vnfpkg.Change{OperationalState: state}, shelfInfo())
	return err
}

// Delete implements nfvomanager.Shelf.
func (s shelf) Delete(ctx context.Context, id string) error {
	return s.pkgs.Delete(ctx, id, shelfInfo())
}
