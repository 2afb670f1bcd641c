package server

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/samples"
)

// guide is what the first-try mode adds: it onboards the sample package unless it is there, and says what to try next.
func (s *Server) guide(ctx context.Context) error {
	_, _ = fmt.Fprintf(s.opts.Guide, "\n  vnfm is up: %s\n  data in %s (%s), simulated VIMs sim-1 and sim-2\n\n", s.URL(), s.cfg.Data, s.stores.main.kind)
	if s.fake != nil {
		if err := s.parts.onboarding.Fetch(ctx, samples.VnfdID); err != nil {
			s.log.WarnContext(ctx, "the sample package is not fetched", "error", err)
		}
	} else if err := s.onboardSample(ctx); err != nil {
		s.log.WarnContext(ctx, "the sample package is not onboarded", "error", err)
	}
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

// onboardSample onboards our own package once.
func (s *Server) onboardSample(ctx context.Context) error {
	pkgs := s.parts.packages
	if _, err := pkgs.ByVnfdID(ctx, samples.VnfdID); vnfm.KindOf(err) != vnfm.Unprocessable {
		return err
	}
	by := request.Info{Actor: "vnfm", ID: "sample-package"}
	pkg, err := pkgs.Create(ctx, nil, by)
	if err != nil {
		return err
	}
	if _, err := pkgs.PutContent(ctx, pkg.ID, bytes.NewReader(samples.CSAR()), by); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := pkgs.Get(ctx, pkg.ID)
		if err != nil {
			return err
		}
		switch got.Onboarding {
		case "ONBOARDED":
			return nil
		case "ERROR":
			return vnfm.Errorf(vnfm.Unprocessable, "the sample package: %v", got.Failure)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
