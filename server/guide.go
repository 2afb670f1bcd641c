package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vnfpkg"
)

// sample says how far the first-try mode is with its sample package, for readiness.
type sample struct {
	mu     sync.Mutex
	done   bool
	detail string // "": it is being onboarded
}

func (s *sample) set(done bool, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.detail = done, detail
}

// check is ready once the package was onboarded: what becomes of it later is the user's business.
func (s *sample) check() api.Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	return api.Check{Name: "sample-package", OK: s.done, Detail: cmp.Or(s.detail, "the sample package is being onboarded")}
}

// guide is what the first-try mode adds: it onboards the sample package unless it is there, and says what to try next.
func (s *Server) guide(ctx context.Context) error {
	_, _ = fmt.Fprintf(s.opts.Guide, "\n  vnfm is up: %s\n  console:    %s/ui/\n  data in %s (%s), simulated VIMs sim-1 and sim-2\n\n", s.URL(), s.URL(), s.cfg.Data, s.stores.main.kind)
	s.haveSample(ctx)
	server := ""
	if s.URL() != "http://127.0.0.1:8080" {
		server = "  export VNFM_SERVER=" + s.URL() + "\n"
	}
	_, _ = fmt.Fprintf(s.opts.Guide, `Try next, in another terminal (go install ./cmd/vnfm):

%s  vnfm package list
  vnfm vnf create --vnfd %s --name fw1
  vnfm vnf instantiate fw1 --flavour standard
  vnfm vnf show fw1
  vnfm vnf events fw1
  vnfm op list

%sCtrl-C stops the server; kill -9 does no harm either.

`, server, samples.VnfdID, s.fakeGuide())
	return nil
}

// haveSample onboards the sample package, and tries again while that cannot be done. It gives up when the package is rejected.
func (s *Server) haveSample(ctx context.Context) {
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	for {
		err := s.onboardSample(ctx)
		switch {
		case err == nil:
			s.sample.set(true, "the sample package is onboarded")
			return
		case ctx.Err() != nil:
			return
		}
		s.log.WarnContext(ctx, "the sample package is not onboarded", "error", err)
		var e *vnfm.Error
		if errors.Is(err, errRejected) && errors.As(err, &e) {
			s.sample.set(false, "the sample package is rejected: "+e.Detail)
			return
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return
		}
	}
}

// errRejected says that the sample package was read and rejected: by the settings, it ships as it is.
var errRejected = errors.New("rejected")

// onboardSample onboards our own package, or fetches it from the fake orchestrator, unless it is there.
func (s *Server) onboardSample(ctx context.Context) error {
	pkgs := s.parts.packages
	known, err := pkgs.WithVnfdID(ctx, samples.VnfdID)
	if known != nil || err != nil {
		return err
	}
	if s.fake != nil {
		return s.parts.onboarding.Fetch(ctx, samples.VnfdID)
	}
	pkg, err := s.samplePackage(ctx)
	if err != nil {
		return err
	}
	by := request.Info{Actor: "vnfm", ID: "sample-package"}
	if pkg.Onboarding != vnfpkg.StateProcessing {
		if pkg, err = pkgs.PutContent(ctx, pkg.ID, bytes.NewReader(samples.CSAR()), by); err != nil {
			return err
		}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := pkgs.Get(ctx, pkg.ID)
		if err != nil {
			return err
		}
		switch got.Onboarding {
		case vnfpkg.StateOnboarded:
			return nil
		case vnfpkg.StateError:
			return vnfm.Wrap(vnfm.Unprocessable, errRejected, "%s", got.Failure)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// samplePackage returns the package that a run before this one began, or a new one. Its id is always the same, but for one that
// the user deleted.
func (s *Server) samplePackage(ctx context.Context) (*vnfpkg.Package, error) {
	pkgs, by := s.parts.packages, request.Info{Actor: "vnfm", ID: "sample-package"}
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(samples.VnfdID)).String()
	pkg, err := pkgs.Get(ctx, id)
	if vnfm.KindOf(err) != vnfm.NotFound {
		return pkg, err
	}
	if pkg, err = pkgs.CreateAs(ctx, id, nil, by); vnfm.KindOf(err) == vnfm.Conflict {
		return pkgs.Create(ctx, nil, by)
	}
	return pkg, err
}
