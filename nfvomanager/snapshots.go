package nfvomanager

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
)

// SnapshotCatalogue is the orchestrator's VNF snapshot packages; a restclient.Client is one. Errors are *nfvo.Error.
type SnapshotCatalogue interface {
	SnapshotPackage(ctx context.Context, id string) (*nfvo.SnapshotPackage, error)
	SnapshotArtifact(ctx context.Context, id, path string) (io.ReadCloser, error)
}

// Snapshots reads what the orchestrator's VNF snapshot packages have (SOL003 v3.7.1 §12). The images in them are not read: the orchestrator puts
// them at a VIM, and names them in its grant. Reading changes nothing anywhere, so that it may be repeated, and ended at any time.
type Snapshots struct {
	Catalogue SnapshotCatalogue
	MaxRecord int64         // largest snapshot record in bytes; 0 means 8 MiB
	Timeout   time.Duration // longest time for one record, broken connections included; 0 means 1 min
}

const (
	defaultMaxRecord     = 8 << 20
	defaultRecordTimeout = time.Minute
)

// Extract returns the VnfSnapshot of a package. Errors: Conflict when the package is not there to be read (yet), Unprocessable when what was read is
// not what the orchestrator says it is or is too large, Unavailable when the orchestrator does not answer.
func (s *Snapshots) Extract(ctx context.Context, id string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, or(s.Timeout, defaultRecordTimeout))
	defer cancel()
	p, err := s.Catalogue.SnapshotPackage(ctx, id)
	if err != nil {
		return nil, unread(id, err)
	}
	if err := p.Usable(); err != nil {
		return nil, err //nolint:wrapcheck // is told to the client
	}
	f, err := s.Catalogue.SnapshotArtifact(ctx, id, p.Record.Path)
	if err != nil {
		return nil, unread(id, err)
	}
	defer func() { _ = f.Close() }()
	limit := s.MaxRecord
	if limit <= 0 {
		limit = defaultMaxRecord
	}
	record, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, unread(id, err)
	}
	if int64(len(record)) > limit {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the snapshot record of the NFVO's snapshot package %s has more than %d bytes: nfvo-max-snapshot-record is the limit", id, limit)
	}
	return p.Extract(record) //nolint:wrapcheck // is told to the client
}

// unread tells the client why a package could not be read.
func unread(id string, err error) error {
	var e *nfvo.Error
	if !errors.As(err, &e) {
		return vnfm.Errorf(vnfm.Unavailable, "the NFVO's snapshot package %s cannot be read now: %w", id, err)
	}
	switch {
	case e.Class == message.NotFound:
		return vnfm.Errorf(vnfm.Conflict, "the NFVO has no snapshot package %s, or not the file that it names", id)
	case e.Status == http.StatusConflict: // SOL003 v3.7.1 §12.4.4.3.2: it is not AVAILABLE any more
		return vnfm.Errorf(vnfm.Conflict, "the NFVO's snapshot package %s cannot be read: %w", id, err)
	case e.Class == message.Permanent && e.Status < http.StatusInternalServerError:
		return vnfm.Errorf(vnfm.Unprocessable, "the NFVO's snapshot package %s cannot be read: %w", id, err)
	}
	return vnfm.Errorf(vnfm.Unavailable, "the NFVO cannot be asked for its snapshot package %s: %w", id, err)
}
