package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/nfvo/nfvotest"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnfd"
)

// fakeNfvo makes the fake orchestrator of a first try, listening, and points the settings at it; nil when none is wanted. It
// grants at the first simulated VIM, and has our sample package.
func (s *Server) fakeNfvo(ctx context.Context) (*fakeNfvo, error) {
	if s.opts.FakeNfvo == "" {
		return nil, nil //nolint:nilnil // said above
	}
	lc := net.ListenConfig{}
	l, err := lc.Listen(ctx, "tcp", s.opts.FakeNfvo)
	if err != nil { // the port is taken: any will do
		if l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("listen for the fake NFVO: %w", err)
		}
	}
	f := &fakeNfvo{listen: l}
	f.nfvo = nfvotest.New(nfvotest.Config{
		Connection: sim.Default, Zones: sim.Zones(), Network: sim.ExternalNetwork,
		Image:      func(i vnfd.Image) string { return "image-" + i.Name },
		Descriptor: func(vnfdID string) *vnfd.Descriptor { return s.descriptor(vnfdID) },
	})
	if _, err := f.nfvo.Onboard(samples.CSAR()); err != nil {
		return nil, errors.Join(fmt.Errorf("the fake NFVO's sample package: %w", err), l.Close())
	}
	front, err := access.NewFront(true, "", s.cfg.HTTP.Hosts)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	f.http = &http.Server{Handler: front.Handler(f.nfvo.Handler()), ReadHeaderTimeout: 10 * time.Second}
	c := *s.cfg
	c.Nfvo.URL, c.Nfvo.Packages = f.URL(), true
	s.cfg = &c
	return f, nil
}

// fakeNfvo is a fake orchestrator being served.
type fakeNfvo struct {
	nfvo   *nfvotest.NFVO
	listen net.Listener
	http   *http.Server
}

// URL is the root of its interfaces.
func (f *fakeNfvo) URL() string { return "http://" + f.listen.Addr().String() }

// Run serves until the context ends.
func (f *fakeNfvo) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = f.http.Close() })
	defer stop()
	if err := f.http.Serve(f.listen); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the fake NFVO: %w", err)
	}
	return nil
}

// descriptor returns the descriptor of a package here, for the fake orchestrator to grant what it does not hold.
func (s *Server) descriptor(vnfdID string) *vnfd.Descriptor {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p, err := s.parts.packages.ByVnfdID(ctx, vnfdID)
	if err != nil {
		return nil
	}
	d, err := s.parts.packages.Descriptor(ctx, p.DescriptorDigest)
	if err != nil {
		return nil
	}
	return d
}

// fakeGuide says what to try with the fake orchestrator.
func (s *Server) fakeGuide() string {
	if s.fake == nil {
		return ""
	}
	return fmt.Sprintf(`  A fake NFVO at %[1]s grants every operation and has the sample package. Try with it:

  curl -X PUT %[1]s/nfvo/v1/behaviour -d '{"answer":"202","polls":3}'      # decide later; see: vnfm op grant ID
  curl -X PUT %[1]s/nfvo/v1/behaviour -d '{"answer":"403","times":1}'      # refuse the next one
  curl %[1]s/nfvo/v1/grant_requests                                        # what it was asked

`, s.fake.URL())
}
