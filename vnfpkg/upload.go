package vnfpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/request"
)

// PutContent stores the content, which it reads to its end, and hands it to the processor: one commit before (the package
// is UPLOADING, and the blob is known to whoever cleans up), one after (PROCESSING). Returns NotFound; Conflict when the
// package has content, or another upload began meanwhile; TooLarge; Invalid when the content breaks off; Unavailable
// when it cannot be stored; Precondition.
func (s *Service) PutContent(ctx context.Context, id string, content io.Reader, by request.Info) (*Package, error) {
	upload := s.cfg.NewID()
	key := contentKey(id, upload)
	begin := by
	begin.Answer = nil // the answer belongs to the commit that ends the upload
	p, err := s.do(ctx, id, "package.begin-upload", begin, true, BeginUpload{Upload: upload, Blob: key})
	if err != nil {
		return nil, err
	}
	s.collectNow(ctx, p) // what it superseded
	sum := sha256.New()
	b := &body{r: content, limit: s.cfg.MaxContent, sum: sum}
	if err := s.cfg.Blobs.Put(ctx, key, b); err != nil {
		return nil, s.brokenOff(ctx, id, upload, b, err, by)
	}
	by.Revision = 0 // it was checked when the upload began
	ctx, cancel := detached(ctx)
	defer cancel()
	p, err = s.do(ctx, id, "package.end-upload", by, true,
		EndUpload{Upload: upload, SHA256: hex.EncodeToString(sum.Sum(nil)), Size: b.size})
	if err != nil {
		if k := vnfm.KindOf(err); k == vnfm.Conflict || k == vnfm.NotFound { // nobody will need what was stored
			s.remove(ctx, id, []string{key})
		}
		return nil, err
	}
	s.Nudge()
	return p, nil
}

// brokenOff ends an upload that did not make it. When even that fails, the processor ends it after UploadTimeout.
func (s *Service) brokenOff(ctx context.Context, id, upload string, b *body, err error, by request.Info) error {
	result := vnfm.Wrap(vnfm.Unavailable, err, "The content could not be stored: try again.")
	var limit *vnfm.Error
	switch {
	case errors.As(b.err, &limit):
		result = limit
	case errors.Is(b.err, errBody):
		result = vnfm.Wrap(vnfm.Invalid, b.err, "The content broke off.")
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	p, breakErr := s.do(ctx, id, "package.break-upload", own(by.ID), false, BreakUpload{Upload: upload, Reason: result.Detail})
	if breakErr != nil {
		s.cfg.Logger.WarnContext(ctx, "upload stays open", "pkg_id", id, "error", breakErr)
		return result
	}
	s.collectNow(ctx, p)
	return result
}

// detached returns a context for what must be done although the client may be gone: a while longer than ctx.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// contentKey names the blob of one upload. No two uploads share one, so that removing one never hits another.
func contentKey(id, upload string) string { return "package-" + id + "-" + upload }

// collectNow removes the garbage of a package. What fails is left to the processor.
func (s *Service) collectNow(ctx context.Context, p *Package) {
	if len(p.Garbage) > 0 {
		ctx, cancel := detached(ctx)
		defer cancel()
		s.remove(ctx, p.ID, p.Garbage)
	}
}

// remove deletes blobs, then records that they are gone.
func (s *Service) remove(ctx context.Context, id string, blobs []string) {
	if err := s.collect(ctx, id, blobs); err != nil {
		s.cfg.Logger.WarnContext(ctx, "package content is left to be removed later", "pkg_id", id, "error", err)
	}
}

func (s *Service) collect(ctx context.Context, id string, blobs []string) error {
	for _, b := range blobs {
		for _, name := range []string{listingKey(b), b} {
			if err := s.cfg.Blobs.Delete(ctx, name); err != nil && vnfm.KindOf(err) != vnfm.NotFound {
				return vnfm.Wrap(vnfm.Unavailable, err, "delete blob %s", name)
			}
		}
	}
	_, err := s.do(ctx, id, "package.collect", own(""), false, Collected{Blobs: blobs})
	return err
}
