package nfvomanager_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/nfvomanager"
)

// shown is an orchestrator that answers so.
type shown struct {
	info    error
	content error
	record  string
	closed  bool
}

func (s *shown) SnapshotPackage(_ context.Context, id string) (*nfvo.SnapshotPackage, error) {
	return &nfvo.SnapshotPackage{ID: id, State: nfvo.SnapshotPackageAvailable, Record: &nfvo.SnapshotRecord{
		Path: "r", Hash: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", // of {}
	}}, s.info
}

func (s *shown) SnapshotArtifact(context.Context, string, string) (io.ReadCloser, error) {
	return struct {
		io.Reader
		io.Closer
	}{strings.NewReader(s.record), closer(func() error { s.closed = true; return nil })}, s.content
}

type closer func() error

func (c closer) Close() error { return c() }

// TestWhyASnapshotPackageIsNotRead: each answer of the NFVO is told as what the client can do about it, and what is too large is not read to its end.
// Seen failing with each kind, and with the limit taken out.
func TestWhyASnapshotPackageIsNotRead(t *testing.T) {
	of := func(class message.Class, status int) error {
		return &nfvo.Error{Class: class, Status: status, Reason: "so it says"}
	}
	for name, c := range map[string]struct {
		there *shown
		want  vnfm.Kind
		word  string
	}{
		"no package":        {&shown{info: of(message.NotFound, http.StatusNotFound)}, vnfm.Conflict, "has no snapshot package"},
		"no file":           {&shown{content: of(message.NotFound, http.StatusNotFound)}, vnfm.Conflict, "the file that it names"},
		"not available now": {&shown{content: of(message.Permanent, http.StatusConflict)}, vnfm.Conflict, "so it says"},
		"a refusal":         {&shown{info: of(message.Permanent, http.StatusForbidden)}, vnfm.Unprocessable, "so it says"},
		"no login":          {&shown{info: of(message.Auth, http.StatusUnauthorized)}, vnfm.Unavailable, "so it says"},
		"away":              {&shown{info: of(message.Unavailable, 0)}, vnfm.Unavailable, "so it says"},
		"broken off":        {&shown{content: errors.New("the file broke off")}, vnfm.Unavailable, "broke off"},
		"too large":         {&shown{record: strings.Repeat(" ", 65)}, vnfm.Unprocessable, "nfvo-max-snapshot-record"},
		"another file":      {&shown{record: "[]"}, vnfm.Unprocessable, "checksum"},
		"no snapshot":       {&shown{record: "{}"}, vnfm.Unprocessable, "are needed"},
	} {
		s := &nfvomanager.Snapshots{Catalogue: c.there, MaxRecord: 64}
		if _, err := s.Extract(t.Context(), "pkg-1"); vnfm.KindOf(err) != c.want || !strings.Contains(err.Error(), c.word) || !strings.Contains(err.Error(), "pkg-1") {
			t.Errorf("%s: %s: %v", name, vnfm.KindOf(err), err)
		}
		if c.there.record != "" && !c.there.closed {
			t.Errorf("%s: left open", name)
		}
	}
}
